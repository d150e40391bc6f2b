"""Stage: write the input once, with a number beside each row, so that rows and their order are pinned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StructField, StructType

from batch_transform.core.records import Staged
from batch_transform.core.sizing import is_uneven, partition_count
from batch_transform.core.spans import StagedFile
from batch_transform.spark.rendering import quoted, record_json
from batch_transform.spark.settings import ROW_READER, SMALL_ROW_GROUPS, session_settings

ROW_NUMBER = "__row_number"
RECORD_BYTES = "__record_bytes"
RESERVED = (ROW_NUMBER, RECORD_BYTES)

_SAMPLED = 0.05


def stage(df: DataFrame, columns: Sequence[str], target: str, *, is_scan: bool, rows_are_large: bool = False) -> Staged:
    """Returns the staged files of `df`, written below `target`.

    A scan of files or of a catalog table is repartitioned by its estimated bytes of JSON. A DataFrame of unknown
    origin is first written as it is: a shuffle over a random UDF, with an executor killed, staged rows twice and lost
    others. Only that copy is repartitioned, where its sizes need it.

    Args:
        df: the input; all of its columns are staged.
        columns: those that make the record.
        target: a folder that Spark writes and nobody else uses.
        is_scan: whether reading `df` again gives the same rows.
        rows_are_large: whether the scan should read row by row.
    """
    spark = df.sparkSession
    if is_scan:
        with session_settings(spark, ROW_READER if rows_are_large else {}):
            even = df.repartition(partition_count(_estimated_json_bytes(df, columns)))
            return _write(even, columns, f"{target}/rows")
    copy = _write(df, columns, f"{target}/copy")
    if not is_uneven([file.json_bytes for file in copy.files]):
        return copy
    even = read_staged(spark, copy).drop(*RESERVED).repartition(partition_count(copy.json_bytes))
    return _write(even, columns, f"{target}/rows")


def read_staged(spark: SparkSession, staged: Staged, files: Sequence[StagedFile] | None = None) -> DataFrame:
    """Returns the staged rows with their numbers, read by the recorded list of files and with the recorded schema."""
    schema = StructType.fromJson(json.loads(staged.schema_json))
    paths = [file.path for file in (staged.files if files is None else files)]
    if not paths:
        return spark.createDataFrame([], schema)
    return spark.read.schema(schema).option("recursiveFileLookup", "true").parquet(*paths)


def staged_schema(staged: Staged) -> list[StructField]:
    """Returns the fields of the input that was staged."""
    schema = StructType.fromJson(json.loads(staged.schema_json))
    return [field for field in schema.fields if field.name not in RESERVED]


def _estimated_json_bytes(df: DataFrame, columns: Sequence[str]) -> int:
    """A sample steers parallelism only: with skewed rows it can be ten times off."""
    sampled = df.sample(_SAMPLED, seed=7).agg(F.sum(F.octet_length(record_json(columns))).alias("bytes"))
    row = sampled.first()
    return int((row["bytes"] if row else None) or 0) * round(1 / _SAMPLED)


def _write(df: DataFrame, columns: Sequence[str], path: str) -> Staged:
    numbered = df.select(
        F.monotonically_increasing_id().alias(ROW_NUMBER),
        F.coalesce(F.octet_length(record_json(columns)), F.lit(0)).cast("long").alias(RECORD_BYTES),
        *[F.col(quoted(name)) for name in df.columns],
    )
    # Small row groups bound what a columnar reader of them holds at once, as a batch never spans two of them.
    numbered.write.mode("error").options(**SMALL_ROW_GROUPS).parquet(path)
    return Staged(_schema_json(df.schema), _list_files(df.sparkSession, path))


def _schema_json(schema: StructType) -> str:
    own = [StructField(ROW_NUMBER, LongType()), StructField(RECORD_BYTES, LongType())]
    text: str = StructType(own + schema.fields).json()
    return text


def _list_files(spark: SparkSession, path: str) -> tuple[StagedFile, ...]:
    """Counts what was written, file by file. `_metadata` names files by their plain name; its path would be a URL."""
    own = StructType([StructField(ROW_NUMBER, LongType()), StructField(RECORD_BYTES, LongType())])
    number, size = F.col(ROW_NUMBER), F.col(RECORD_BYTES)
    rows: list[Any] = (
        spark.read.schema(own)
        .parquet(path)
        .groupBy(F.col("_metadata.file_name").alias("name"))
        .agg(
            F.count(F.lit(1)).alias("rows"),
            F.min(number).alias("first"),
            F.max(number).alias("last"),
            F.sum(size).alias("json_bytes"),
            F.max(size).alias("largest"),
        )
        .collect()
    )
    files = [
        StagedFile(f"{path}/{row['name']}", row["rows"], row["first"], row["last"], row["json_bytes"], row["largest"])
        for row in rows
    ]
    return tuple(sorted(files, key=lambda file: file.first))
