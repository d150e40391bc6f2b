"""Files that are read as they lie, although a table's log tells which of them hold its rows."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import SparkSession

from batch_transform.config.places import is_s3
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.plain_paths import escaped, has_patterns, plain_path
from batch_transform.core.reserved_columns import quoted
from batch_transform.outputs.port import Capabilities
from batch_transform.outputs.registry import log_folders
from batch_transform.outputs.seen_names import names_below
from batch_transform.spark.whole_table import stored_table


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
    if (found := _logged(spark, path, format, store)) is not None:
        folder, other = found
        raise ConfigurationError(
            f"input: {folder} is a {other.title} table, and input.format is {format}: {_WHY}; set input.format: "
            f"{other.name} (where all files are meant, a pattern says so: {escaped(path.rstrip('/'))}/[^_]*)"
        )


def refuse_logged_table(spark: SparkSession, name: str, store: ObjectStore | None) -> None:
    """Checks the same of a table by its name: parquet.`/folder`, or one that a catalog has read as files.

    Raises:
        ConfigurationError: as `refuse_logged`.
    """
    table = stored_table(spark, name)
    path = plain_path(table.location) if table is not None else None
    if table is None or table.format is None or path is None:
        return
    if (found := _logged(spark, path, table.format, store)) is not None:
        folder, other = found
        raise ConfigurationError(
            f"input: {folder} is a {other.title} table, and {name} reads it as {table.format}: {_WHY}; name it "
            f"{other.name}.{quoted(folder)} (where all files are meant, a pattern says so: "
            f"{table.format}.{quoted(escaped(path.rstrip('/')) + '/[^_]*')})"
        )


_WHY = "files of rows that were deleted or rewritten lie there as well, and would be scored"


def _logged(spark: SparkSession, path: str, format: str, store: ObjectStore | None) -> tuple[str, Capabilities] | None:
    """The folder whose log takes files out of it, with its format; None: there is none, or nobody can look."""
    # A format of tables has a log of its own, which may lie beside Delta's (UniForm, XTable).
    if (store is None and is_s3(path)) or not has_patterns(format):
        return None
    for folder in _around(path):
        for log, other in log_folders().items():
            if next(names_below(spark, store, f"{folder}/{log}", f"{folder}/{log}"), None) is not None:
                return folder, other
    return None


def _around(place: str) -> Iterator[str]:
    """The folder, and those in which it is a partition."""
    place = place.rstrip("/")
    yield place
    while "=" in place.rpartition("/")[2]:
        place = place.rpartition("/")[0]
        yield place
