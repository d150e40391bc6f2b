"""Stage: write the input once, with a number beside each row, so that rows and their order are pinned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from batch_transform.core.plain_paths import escaped
from batch_transform.core.reserved_columns import FILE_METADATA, ROW_NUMBER, each_of, free, quoted
from batch_transform.core.sending.object_sizes import is_large
from batch_transform.core.sending.partitioning import may_be_shuffled, partitioning
from batch_transform.core.sending.row_faults import MOST_KINDS, RowFaults, check_sendable
from batch_transform.core.spans import StagedFile
from batch_transform.core.staged_table import Staged
from batch_transform.spark.copied_input import InputFiles, stage_copies
from batch_transform.spark.explaining import parallelism
from batch_transform.spark.input_reading import Scan
from batch_transform.spark.record_rules import RecordRule
from batch_transform.spark.settings import (
    ROW_READER,
    SCAN_SETTINGS,
    SMALL_SHUFFLE,
    STAGED_FORMAT,
    STAGED_OPTIONS,
    WRITER_SETTINGS,
    session_settings,
)
from batch_transform.spark.staged_rows import input_columns, own_fields, read_staged
from batch_transform.spark.user_session import own_session

_SAMPLED_ROWS = 1_000


def stage(
    df: DataFrame,
    rule: RecordRule,
    target: str,
    scan: Scan | None = None,
    *,
    rows_are_large: bool = False,
    files: InputFiles | None = None,
) -> Staged:
    """Returns the staged files of `df`, written below `target`.

    The table is written in the partitions in which it comes, unless those are few, uneven or small (`partitioning`, by
    which a plan tells it as well). Where rows and some records show that before, and its rows are the same whenever it
    is evaluated, it is repartitioned on its way; else from what was written: a shuffle over a random UDF, with an
    executor killed, staged rows twice and lost others. What was written is looked at in any case, as its bytes are
    known by then: neither numbers of rows nor the first of them tell of one file of large records.

    Args:
        df: the input; all of its columns are staged.
        rule: how a row becomes a record.
        target: a folder that Spark writes and nobody else uses.
        scan: what is known of a scan that gives the same rows in the same order whenever it is evaluated.
        rows_are_large: whether the scan should read row by row.
        files: of the input, if they may be copied instead.

    Raises:
        ConfigurationError: rows that cannot be sent in the record's format.
    """
    spark = df.sparkSession
    cores = parallelism(spark)
    with session_settings(spark, ROW_READER if rows_are_large else {}):
        first = _First() if scan is None else _first_look(df, rule, scan, cores, always=files is not None)
        if files is not None and first.are_small and first.made is None:
            copied = stage_copies(df, rule, files, f"{target}/files", first.record_bytes)
            if copied is not None:
                return copied
        rows = df if first.made is None else _shuffled(df, first.made)
        copy = _write(rows, rule, f"{target}/copy")
    found = partitioning([file.json_bytes for file in copy.files], cores)
    if found.before <= 1 if rule.one_object else not found.why:
        return copy
    wanted = 1 if rule.one_object else found.after
    with session_settings(spark, SCAN_SETTINGS):
        rows = read_staged(spark, copy)
        even = rows.repartition(wanted, rows.columns[0]).select(*input_columns(rows))
        return _write(even, rule, f"{target}/rows")


@dataclass(frozen=True)
class _First:
    """What a first look at a scan tells.

    Attributes:
        made: into how many partitions it is shuffled before it is written; None: that it is does not show yet.
        record_bytes: the mean of some.
        are_small: whether some were looked at, and none of them is large or has a fault.
    """

    made: int | None = None
    record_bytes: float = 0
    are_small: bool = False


def _first_look(df: DataFrame, rule: RecordRule, scan: Scan, cores: int, *, always: bool) -> _First:
    """Looks at some records, always or where numbers of rows show that partitions may have to be shuffled."""
    if rule.one_object:
        return _First(made=1)
    if not always and not may_be_shuffled(scan.partition_rows, cores):
        return _First()
    measured = rule.measured(df)
    size, fault = (F.col(quoted(name)) for name in measured.columns[-2:])
    asked = measured.select(size.alias("bytes"), fault.isNotNull().alias("faulty"))
    # Collected, it is read partition by partition until it is enough; below an aggregate each of them gives so many.
    some: list[Any] = asked.limit(_SAMPLED_ROWS).collect()
    mean = sum(row["bytes"] for row in some) / max(1, len(some))
    found = partitioning([count * mean for count in scan.partition_rows], cores)
    are_small = not any(row["faulty"] or is_large(row["bytes"]) for row in some)
    return _First(found.after if found.why else None, mean, are_small)


def _shuffled(df: DataFrame, partitions: int) -> DataFrame:
    """The rows spread evenly. By numbers that a task gives again when it is tried again, so that nothing is sorted."""
    (number,) = free((ROW_NUMBER,), df.columns)
    numbered = df.select("*", F.monotonically_increasing_id().alias(number))
    return numbered.repartition(partitions, F.col(quoted(number))).select(*each_of(df.columns))


def _write(df: DataFrame, rule: RecordRule, path: str) -> Staged:
    own = own_fields(df.columns)
    number, size, fault = own.names
    measured = rule.measured(df)
    *names, bytes_, found = each_of(measured.columns)
    own_columns = (F.monotonically_increasing_id().alias(number), F.col(bytes_).alias(size), F.col(found).alias(fault))
    numbered = measured.select(*own_columns, *names)
    # Small row groups bound what a columnar reader of them holds at once, as a batch never spans two of them.
    with session_settings(df.sparkSession, WRITER_SETTINGS):
        numbered.write.mode("error").format(STAGED_FORMAT).options(**STAGED_OPTIONS).save(path)
    with own_session(df.sparkSession, SMALL_SHUFFLE):
        written = _list_files(df.sparkSession, path, own)
    check_sendable([file.faults for file in written], rule.format.name, rule.format.remedy, number, fault)
    files = sorted((file.file for file in written), key=lambda file: file.first)
    text: str = StructType([*own.fields, *df.schema.fields]).json()
    return Staged(text, tuple(files), header=rule.header)


@dataclass(frozen=True)
class _Written:
    file: StagedFile
    faults: RowFaults


def _list_files(spark: SparkSession, path: str, own: StructType) -> list[_Written]:
    """Counts what was written, file by file. `_metadata` names files by their plain name; its path would be a URL.

    Read with our own columns alone, so that no column of the input's can be named as Spark's.
    """
    number, size, fault = map(F.col, own.names)
    rows = spark.read.schema(own).format(STAGED_FORMAT).load(escaped(path))
    of_files = rows.groupBy(F.col(f"{FILE_METADATA}.file_name").alias("name"))
    found: list[Any] = of_files.agg(
        F.count(F.lit(1)).alias("rows"),
        F.min(number).alias("first"),
        F.max(number).alias("last"),
        F.sum(size).alias("json_bytes"),
        F.max(size).alias("largest"),
        F.count(fault).alias("faults"),
        F.min(F.when(fault.isNotNull(), number)).alias("first_fault"),
    ).collect()
    kinds: dict[str, Sequence[str]] = {}
    # Beside a set of texts nothing is computed in generated code, which took all of the rows three times as long.
    if any(row["faults"] for row in found):
        told = of_files.agg(F.slice(F.collect_set(fault), 1, MOST_KINDS).alias("kinds")).collect()
        kinds = {row["name"]: row["kinds"] for row in told}
    return [_written(f"{path}/{row['name']}", row, kinds.get(row["name"], ())) for row in found]


def _written(path: str, row: Any, kinds: Sequence[str]) -> _Written:
    file = StagedFile(path, row["rows"], row["first"], row["last"], row["json_bytes"], row["largest"])
    return _Written(file, RowFaults(path, row["faults"], row["first_fault"], tuple(kinds)))
