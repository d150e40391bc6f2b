"""What lies below a place, as far as it can be seen: by the driver's own listing, else by Spark's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_names import is_data_file
from batch_transform.core.object_store import ObjectStore, StoreFailure
from batch_transform.core.overlapping_places import place_of, place_of_file
from batch_transform.core.plain_paths import escaped
from batch_transform.outputs.tree_of_location import is_reached, open_tree

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def holds_data(location: str, store: ObjectStore) -> bool:
    """Returns whether data files lie below a place, by the driver's listing; where it cannot see, there are none."""
    with suppress(ConfigurationError, StoreFailure):
        return any(is_data_file(file.name) for file in open_tree(location, store).list())
    return False


def names_below(
    spark: SparkSession, store: ObjectStore | None, location: str, path: str, *, insists: bool = False
) -> Iterator[str]:
    """Yields the names of the files below a place, as they are listed; none where it cannot be seen.

    The driver's listing goes on no further than the names are taken. Spark's is whole, and without what its readers do
    not see.

    Args:
        spark: looks on file systems that the driver does not reach.
        store: S3; None: nothing lies there.
        location: as a run file names it.
        path: the same for Spark.
        insists: whether Spark looks as well where the driver was refused: in a bucket that the cluster alone may list.
    """
    if is_reached(location):
        with suppress(StoreFailure):
            yield from (file.name for file in open_tree(location, store).list())
            return
        if not insists:
            return
    yield from _names_by_spark(spark, path)


def _names_by_spark(spark: SparkSession, path: str) -> list[str]:
    from batch_transform.outputs.delta_table import SPARK_ERRORS

    root = place_of(path, os.path.realpath)
    with suppress(*SPARK_ERRORS):
        files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(escaped(path)).inputFiles()
        return ["/".join(place_of_file(url, os.path.realpath).parts[len(root.parts) :]) for url in sorted(files)]
    return []
