"""How many rows a table has, told without reading it: by its log, by footers, by its statistics."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from batch_transform.core.estimate.table_size import (
    COUNTED_FILES,
    MOST_EXACT_BYTES,
    READ_FILES,
    RENDERED_FILES,
    Statistics,
    TableSize,
    drawn,
    size_by_files,
    statistics_of,
)
from batch_transform.core.reserved_columns import file_metadata
from batch_transform.spark.explaining import explained
from batch_transform.spark.settings import is_case_sensitive, known, session_settings
from batch_transform.spark.spark_errors import SPARK_ERRORS

# So that a plan names the rows of a table that was analysed.
_TOLD_ROWS = {"spark.sql.cbo.enabled": "true"}
_BYTES = re.compile(r"(\d+)\s*([kmg]?)i?b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3}
_SPLIT = "spark.sql.files.maxPartitionBytes", 128 * 1024**2
_OPEN = "spark.sql.files.openCostInBytes", 4 * 1024**2


@dataclass(frozen=True)
class Looked:
    """How large a table is, and the parts of it whose first rows stand for all of them."""

    size: TableSize
    parts: tuple[DataFrame, ...]


def look_at(df: DataFrame, *, is_columnar: bool) -> Looked | None:
    """Returns how large a table is; None: that is told by reading all of it alone, or it is small.

    Args:
        df: the input.
        is_columnar: whether its files tell their rows without being read.
    """
    try:
        with session_settings(df.sparkSession, _TOLD_ROWS):
            told = statistics_of(explained(df, "cost"))
        if told.has_log:
            # Delta answers it by its log, or else by footers.
            return Looked(TableSize(df.count(), size_bytes=told.size_bytes, source="the table's log"), (df,))
        names = df.inputFiles()
        if names:
            is_looked_at = is_columnar or (told.size_bytes or 0) > MOST_EXACT_BYTES
            return (
                _by_files(df, sorted(names), told, COUNTED_FILES if is_columnar else READ_FILES)
                if is_looked_at
                else None
            )
        if told.rows is None:
            return None
        return Looked(TableSize(told.rows, size_bytes=told.size_bytes, source="the table's statistics"), (df,))
    except SPARK_ERRORS:
        return None  # a join, a view, a source that does not tell


def _by_files(df: DataFrame, names: list[str], told: Statistics, most: int) -> Looked:
    """By some files, which Spark finds by their names when it lists the input; no others are opened."""
    chosen = drawn(names, most)
    hidden = file_metadata(df.columns, case_sensitive=is_case_sensitive(df.sparkSession))
    path = F.col(f"{hidden}.file_path")
    parts = tuple(df.where(_is_of(path, [name])) for name in drawn(chosen, RENDERED_FILES))
    if len(chosen) == len(names):  # a count of all is told by footers, a filter looks at each row
        rows = df.count()
        return Looked(TableSize(rows, len(names), len(names), size_bytes=told.size_bytes), parts)
    found = df.where(_is_of(path, chosen)).groupBy(path.alias("file")).agg(F.count(F.lit(1)).alias("rows")).collect()
    rows_of = [int(row["rows"]) for row in found]
    return Looked(size_by_files(len(names), rows_of + [0] * (len(chosen) - len(rows_of)), told.size_bytes), parts)


def _is_of(path: Column, names: list[str]) -> Column:
    """Whether a row is of one of these files: `inputFiles` has URLs, the metadata has Hadoop's own form of them."""
    plain = [re.sub(r"^file:/+", "file:/", name) for name in names]
    return path.isin(sorted({*names, *plain, *map(unquote, plain)}))


def split_bytes(df: DataFrame) -> tuple[int, int]:
    """Returns how many bytes of files a partition has at most, and as how many the opening of a file counts."""
    return _bytes_of(df, *_SPLIT), _bytes_of(df, *_OPEN)


def _bytes_of(df: DataFrame, key: str, otherwise: int) -> int:
    found = _BYTES.fullmatch(known(df.sparkSession, key) or "")
    return int(found[1]) * 1024 ** _POWERS[found[2].lower()] if found else otherwise
