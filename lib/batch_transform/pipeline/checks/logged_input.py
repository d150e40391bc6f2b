"""Files that are read as they lie, although a table's log tells which of them hold its rows."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import SparkSession

from batch_transform.config.places import is_s3
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.plain_paths import escaped, has_patterns
from batch_transform.outputs.registry import log_folders
from batch_transform.outputs.seen_names import names_below


def refuse_logged(spark: SparkSession, path: str, format: str, store: ObjectStore | None) -> None:
    """Checks that a folder of files, or of a partition of them, is none of a table whose log takes files out of it.

    Args:
        spark: looks where the driver cannot.
        path: for Spark; no pattern, which says which files are meant.
        format: of the files.
        store: S3; None: there it is not looked.

    Raises:
        ConfigurationError: it is one: rows that were deleted, or rewritten, would be scored as well.
    """
    logs = log_folders()
    # A format of tables has a log of its own, which may lie beside Delta's (UniForm, XTable).
    if (store is None and is_s3(path)) or not has_patterns(format):
        return
    for folder in _around(path):
        for log, other in logs.items():
            if next(names_below(spark, store, f"{folder}/{log}", f"{folder}/{log}"), None) is not None:
                raise ConfigurationError(
                    f"input: {folder} is a {other.title} table, and input.format is {format}: files of rows that were "
                    f"deleted or rewritten lie there as well, and would be scored; set input.format: {other.name} "
                    f"(where all files are meant, a pattern says so: {escaped(path.rstrip('/'))}/[^_]*)"
                )


def _around(place: str) -> Iterator[str]:
    """The folder, and those in which it is a partition."""
    place = place.rstrip("/")
    yield place
    while "=" in place.rpartition("/")[2]:
        place = place.rpartition("/")[0]
        yield place
