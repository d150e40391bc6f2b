"""Stage without writing a row: Parquet files that are the input as it is are copied, their rows numbered by place.

A copy on S3 is the server's work, and one on this machine none of Spark's. What is left of staging is a pass over the
copies, which measures their records and reads every column, so that no page is found broken after jobs were paid for.
A copy lies in a folder that is named as partitions are, by the number of its first row: `_metadata.row_index` is added
to it, so that a constant and a counter stand where a column of numbers would be read.

It is done where Spark would read the very same from the copies (`copy_rules`); else rows are written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from batch_transform.core.copied_files import place_of
from batch_transform.core.reserved_columns import each_of, quoted
from batch_transform.core.sending.object_sizes import is_large
from batch_transform.core.spans import StagedFile
from batch_transform.core.staged_table import Staged
from batch_transform.spark.copy_rules import is_cached
from batch_transform.spark.record_rules import RecordRule
from batch_transform.spark.settings import SCAN_SETTINGS, SMALL_SHUFFLE, session_settings
from batch_transform.spark.spark_errors import SPARK_ERRORS
from batch_transform.spark.staged_rows import own_fields, read_staged


class InputFiles(Protocol):
    """The files of an input that may be staged by copying them."""

    def copy(self, folder: str, number: str) -> tuple[StagedFile, ...]:
        """Returns the copies, whose records are not measured yet; none: they cannot be made, and nothing is left.

        Args:
            folder: a new one.
            number: the name of the column of row numbers.
        """

    def remove(self, folder: str) -> None:
        """Removes the copies."""


@dataclass(frozen=True)
class Measured:
    """Staged files with the sizes of their records.

    Attributes:
        staged: them.
        partitions: bytes of records in each partition in which they are read.
    """

    staged: Staged
    partitions: tuple[int, ...]


def stage_copies(df: DataFrame, rule: RecordRule, files: InputFiles, folder: str) -> Measured | None:
    """Returns the copies as staged files; None: they are not what is to be staged, and nothing is left of them.

    Args:
        df: the input.
        rule: how a row becomes a record.
        files: of the input.
        folder: a new one.
    """
    own = own_fields(df.columns)
    copies = () if is_cached(df) else files.copy(folder, own.names[0])
    if not copies:
        return None
    text = StructType([*own.fields, *df.schema.fields]).json()
    try:
        measured = _measured(df.sparkSession, Staged(text, copies, header=rule.header, is_copied=True), rule)
    except SPARK_ERRORS:
        measured = None  # what Spark reads it says of the user's files
    if measured is None:
        files.remove(folder)
    return measured


def _measured(spark: SparkSession, copies: Staged, rule: RecordRule) -> Measured | None:
    """The copies with the sizes of their records; None: some cannot be sent, which is told of rows that Spark stages,
    or are large, which are read in other ways, or not all of them are there.
    """
    with session_settings(spark, {**SCAN_SETTINGS, **SMALL_SHUFFLE}):
        measured = rule.measured(read_staged(spark, copies))
        number, size, fault = map(quoted, (measured.columns[0], *measured.columns[-2:]))
        unread = [name for name in copies.input_names if name not in rule.columns]
        # No page may be found broken when jobs were paid for: what no record has is read for that.
        read = [f"bit_xor(xxhash64({', '.join(each_of(unread))}))"] if unread else []
        every = [f"{place_of(number)} AS place", "spark_partition_id() AS partition"]
        found: list[Any] = (
            measured.groupBy(*map(F.expr, every))
            .agg(
                F.expr("count(1) AS rows"),
                F.expr(f"sum({size}) AS bytes"),
                F.expr(f"max({size}) AS largest"),
                F.expr(f"count({fault}) AS faults"),
                *map(F.expr, read),
            )
            .collect()
        )
    rows, bytes_, largest = Counter[int](), Counter[int](), Counter[int]()
    partitions = Counter[int]()
    for row in found:
        rows[row["place"]] += row["rows"]
        bytes_[row["place"]] += row["bytes"]
        largest[row["place"]] = max(largest[row["place"]], row["largest"])
        partitions[row["partition"]] += row["bytes"]
    if any(row["faults"] for row in found) or is_large(max(largest.values(), default=0)):
        return None
    if any(rows[place] != file.rows for place, file in enumerate(copies.files)):
        return None
    files = [replace(f, json_bytes=bytes_[place], largest=largest[place]) for place, f in enumerate(copies.files)]
    return Measured(replace(copies, files=tuple(files)), tuple(partitions.values()))
