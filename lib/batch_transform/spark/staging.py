"""Stage: write the input once, with a number beside each row, so that rows and their order are pinned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType

from batch_transform.core.records import Staged
from batch_transform.core.row_faults import MOST_KINDS, RowFaults, check_sendable
from batch_transform.core.sizing import is_uneven, partition_count
from batch_transform.core.spans import StagedFile
from batch_transform.spark.record_rules import RECORD, RECORD_FAULT, RecordRule
from batch_transform.spark.rendering import quoted
from batch_transform.spark.settings import (
    OWN_SETTINGS,
    READER_OPTIONS,
    ROW_READER,
    SMALL_ROW_GROUPS,
    WRITER_SETTINGS,
    session_settings,
)

ROW_NUMBER = "__row_number"
RECORD_BYTES = "__record_bytes"
RESERVED = (ROW_NUMBER, RECORD_BYTES, RECORD_FAULT)

_OWN = StructType(
    [
        StructField(ROW_NUMBER, LongType()),
        StructField(RECORD_BYTES, LongType()),
        StructField(RECORD_FAULT, StringType()),
    ]
)
_SAMPLED = 0.05


def stage(df: DataFrame, rule: RecordRule, target: str, *, is_scan: bool, rows_are_large: bool = False) -> Staged:
    """Returns the staged files of `df`, written below `target`.

    A scan of files or of a catalog table is repartitioned by its estimated bytes of JSON. A DataFrame of unknown
    origin is first written as it is: a shuffle over a random UDF, with an executor killed, staged rows twice and lost
    others. Only that copy is repartitioned, where its sizes need it.

    Args:
        df: the input; all of its columns are staged.
        rule: how a row becomes a record.
        target: a folder that Spark writes and nobody else uses.
        is_scan: whether reading `df` again gives the same rows.
        rows_are_large: whether the scan should read row by row.

    Raises:
        ConfigurationError: rows that cannot be sent in the record's format.
    """
    spark = df.sparkSession
    if is_scan:
        with session_settings(spark, ROW_READER if rows_are_large else {}):
            even = df.repartition(1 if rule.one_object else partition_count(_estimated_bytes(df, rule)))
            return _write(even, rule, f"{target}/rows")
    copy = _write(df, rule, f"{target}/copy")
    as_it_is = len(copy.files) < 2 if rule.one_object else not is_uneven([file.json_bytes for file in copy.files])
    if as_it_is:
        return copy
    partitions = 1 if rule.one_object else partition_count(copy.json_bytes)
    even = read_staged(spark, copy).drop(*RESERVED).repartition(partitions)
    return _write(even, rule, f"{target}/rows")


def read_staged(spark: SparkSession, staged: Staged, files: Sequence[StagedFile] | None = None) -> DataFrame:
    """Returns the staged rows with their numbers, read by the recorded list of files and with the recorded schema."""
    schema = StructType.fromJson(json.loads(staged.schema_json))
    paths = [file.path for file in (staged.files if files is None else files)]
    if not paths:
        return spark.createDataFrame([], schema)
    return spark.read.schema(schema).options(**READER_OPTIONS, recursiveFileLookup="true").parquet(*paths)


def staged_schema(staged: Staged) -> list[StructField]:
    """Returns the fields of the input that was staged."""
    schema = StructType.fromJson(json.loads(staged.schema_json))
    return [field for field in schema.fields if field.name not in RESERVED]


def _estimated_bytes(df: DataFrame, rule: RecordRule) -> int:
    """A sample steers parallelism only: with skewed rows it can be ten times off."""
    sampled = rule.rendered(df.sample(_SAMPLED, seed=7)).agg(F.sum(F.octet_length(RECORD)).alias("bytes"))
    row = sampled.first()
    return int((row["bytes"] if row else None) or 0) * round(1 / _SAMPLED)


def _write(df: DataFrame, rule: RecordRule, path: str) -> Staged:
    columns = [F.col(quoted(name)) for name in df.columns]
    numbered = rule.rendered(df, *columns).select(
        F.monotonically_increasing_id().alias(ROW_NUMBER),
        F.coalesce(F.octet_length(RECORD), F.lit(0)).cast("long").alias(RECORD_BYTES),
        F.col(RECORD_FAULT),
        *columns,
    )
    # Small row groups bound what a columnar reader of them holds at once, as a batch never spans two of them.
    with session_settings(df.sparkSession, WRITER_SETTINGS):
        numbered.write.mode("error").options(**SMALL_ROW_GROUPS).parquet(path)
    with session_settings(df.sparkSession, OWN_SETTINGS):
        written = _list_files(df.sparkSession, path)
    check_sendable([file.faults for file in written], rule.format)
    files = sorted((file.file for file in written), key=lambda file: file.first)
    text: str = StructType([*_OWN.fields, *df.schema.fields]).json()
    return Staged(text, tuple(files), header=rule.header)


@dataclass(frozen=True)
class _Written:
    file: StagedFile
    faults: RowFaults


def _list_files(spark: SparkSession, path: str) -> list[_Written]:
    """Counts what was written, file by file. `_metadata` names files by their plain name; its path would be a URL."""
    number, size, fault = F.col(ROW_NUMBER), F.col(RECORD_BYTES), F.col(RECORD_FAULT)
    rows: list[Any] = (
        spark.read.schema(_OWN)
        .parquet(path)
        .groupBy(F.col("_metadata.file_name").alias("name"))
        .agg(
            F.count(F.lit(1)).alias("rows"),
            F.min(number).alias("first"),
            F.max(number).alias("last"),
            F.sum(size).alias("json_bytes"),
            F.max(size).alias("largest"),
            F.count(fault).alias("faults"),
            F.min(F.when(fault.isNotNull(), number)).alias("first_fault"),
            F.slice(F.collect_set(fault), 1, MOST_KINDS).alias("kinds"),
        )
        .collect()
    )
    return [_written(f"{path}/{row['name']}", row) for row in rows]


def _written(path: str, row: Any) -> _Written:
    file = StagedFile(path, row["rows"], row["first"], row["last"], row["json_bytes"], row["largest"])
    return _Written(file, RowFaults(path, row["faults"], row["first_fault"], tuple(row["kinds"])))
