"""Settings on which the scan of files depends. A file is written once, by other means than Spark where it can be."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc as po
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import LongType, StructField, StructType

from batch_transform.spark.settings import session_settings
from support.setting_examples.examples import Example

Read = Callable[[SparkSession, str], DataFrame]

OLD_96 = pa.table({"v": pa.array([-14_000_000_000_000_000], pa.timestamp("us"))})  # in 1526
NANOS = pa.array([1_704_067_200_000_000_123], pa.timestamp("ns"))
WITH_ID = pa.schema([pa.field("was", pa.int64(), metadata={"PARQUET:field_id": "7"})])
BY_ID = StructType([StructField("now", LongType(), True, {"parquet.field.id": 7})])


def _parquet(tables: dict[str, pa.Table], read: Read, spark: SparkSession, folder: Path, **options: Any) -> DataFrame:
    for name, table in tables.items():
        path = folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, path, **options)
    return read(spark, str(folder))


def _scan(schema: Any = None) -> Read:
    return lambda spark, path: (spark.read.schema(schema) if schema else spark.read).parquet(path)


def parquet(key: str, other: str, value: str, columns: Any, read: Read | None = None, **more: Any) -> Example:
    """Returns an example on a Parquet file that Spark did not write."""
    options = {name: more.pop(name) for name in ("use_deprecated_int96_timestamps",) if name in more}
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    return Example(key, other, value, partial(_parquet, {"a.parquet": table}, read or _scan(), **options), **more)


def _with_corrupt(spark: SparkSession, folder: Path) -> DataFrame:
    df = _parquet({"a.parquet": pa.table({"v": [1]})}, _scan("v long"), spark, folder)
    (folder / "b.parquet").write_bytes(b"no parquet at all")
    return df


def _with_missing(spark: SparkSession, folder: Path) -> DataFrame:
    tables = {"a.parquet": pa.table({"v": [1]}), "b.parquet": pa.table({"v": [2]})}
    df = _parquet(tables, _scan("v long"), spark, folder)
    (folder / "b.parquet").unlink()
    return df


def _merged_orc(spark: SparkSession, folder: Path) -> DataFrame:
    folder.mkdir(exist_ok=True)
    po.write_table(pa.table({"v": [1], "w": ["x"]}), str(folder / "a.orc"))
    po.write_table(pa.table({"v": [2], "z": ["y"]}), str(folder / "b.orc"))
    return spark.read.orc(str(folder))


def _summed_up(spark: SparkSession, folder: Path) -> DataFrame:
    """Files with a summary that knows one column only."""
    folder.mkdir(exist_ok=True)
    for name in ("_common_metadata", "_metadata"):
        pq.write_metadata(pa.schema([("a", pa.int64())]), folder / name)
    return _parquet(MERGED, _scan(), spark, folder)


def _shredded(spark: SparkSession, folder: Path) -> DataFrame:
    if not folder.exists():
        how = {"writeShredding.enabled": "true", "forceShreddingSchemaForTest": "a int"}
        with session_settings(spark, {f"spark.sql.variant.{key}": value for key, value in how.items()}):
            spark.sql("""select parse_json('{"a": 1}') as v""").write.parquet(str(folder))
    return spark.read.parquet(str(folder))


WIDE = pa.array([300], pa.int32())
NESTED = pa.array([{"a": 300}], pa.struct([("a", pa.int32())]))
STRUCTS = pa.array([{"a": 1}, None])
MERGED = {"a.parquet": pa.table({"a": [1]}), "b.parquet": pa.table({"a": [2], "b": ["x"]})}
EMPTY = pa.array([], pa.int64())
BY_PART = {"k=1/a.parquet": pa.table({"v": [1]}), "k=2/a.parquet": pa.table({"v": EMPTY})}
AT_1500 = {
    "v": [datetime.date(1500, 1, 1)],
    "t": pa.array([datetime.datetime(1500, 1, 1, tzinfo=datetime.timezone.utc)], pa.timestamp("us", tz="UTC")),
}
AT_2024 = [datetime.datetime(2024, 1, 1)]
IN_96 = pa.table({"v": pa.array(AT_2024, pa.timestamp("ns"))})

FILES = (
    parquet("parquet.binaryAsString", "false", "true", {"v": pa.array([b"ab"])}),
    Example("parquet.mergeSchema", "false", "true", partial(_parquet, MERGED, _scan())),
    parquet("parquet.inferTimestampNTZ.enabled", "true", "false", {"v": pa.array(AT_2024, pa.timestamp("us"))}),
    parquet("parquet.int96AsTimestamp", "false", "true", IN_96, use_deprecated_int96_timestamps=True),
    parquet("parquet.int96TimestampConversion", "false", "true", IN_96, use_deprecated_int96_timestamps=True),
    parquet("legacy.parquet.nanosAsLong", "false", "true", {"v": NANOS}),
    parquet("parquet.datetimeRebaseModeInRead", "CORRECTED", "LEGACY", AT_1500),
    parquet(
        "parquet.int96RebaseModeInRead",
        "CORRECTED",
        "LEGACY",
        OLD_96,
        _scan("v timestamp"),
        use_deprecated_int96_timestamps=True,
    ),
    parquet("parquet.reader.respectUnknownTypeAnnotation.enabled", "false", "true", {"v": pa.array([None]), "k": [1]}),
    parquet("parquet.enableVectorizedReader", "true", "false", {"v": WIDE}, _scan("v decimal(5,2)"), group="loose"),
    parquet(
        "parquet.enableNestedColumnVectorizedReader", "true", "false", {"s": NESTED}, _scan("s struct<a:decimal(5,2)>")
    ),
    parquet("parquet.fieldId.read.enabled", "false", "true", pa.table({"was": [5]}, schema=WITH_ID), _scan(BY_ID)),
    parquet(
        "parquet.fieldId.read.ignoreMissing",
        "false",
        "true",
        {"was": [5]},
        _scan(BY_ID),
        beside={"parquet.fieldId.read.enabled": "true"},
    ),
    parquet(
        "legacy.parquet.returnNullStructIfAllFieldsMissing", "false", "true", {"s": STRUCTS}, _scan("s struct<b:int>")
    ),
    parquet(
        "optimizer.nestedSchemaPruning.enabled",
        "true",
        "false",
        {"s": STRUCTS},
        lambda spark, path: _scan("s struct<a: long, b: long>")(spark, path).selectExpr("s.b", "s is null as c"),
        beside={"legacy.parquet.returnNullStructIfAllFieldsMissing": "true"},
    ),
    Example("parquet.respectSummaryFiles", "false", "true", _summed_up, {"parquet.mergeSchema": "true"}, "exponent"),
    Example(
        "variant.allowReadingShredded", "false", "true", _shredded, {"variant.pushVariantIntoScan": "false"}, "loose"
    ),
    Example("orc.mergeSchema", "false", "true", _merged_orc),
    Example("files.ignoreCorruptFiles", "false", "true", _with_corrupt),
    Example("files.ignoreMissingFiles", "false", "true", _with_missing),
    Example(
        "optimizer.metadataOnly",
        "false",
        "true",
        partial(_parquet, BY_PART, lambda spark, path: spark.read.parquet(path).select("k").distinct()),
    ),
    parquet(
        "analyzer.subqueryAliasAlwaysPropagateMetadataColumns",
        "false",
        "true",
        {"a": [1]},
        lambda spark, path: spark.read.parquet(path).where("a = 1").alias("t").select("_metadata.file_name"),
    ),
    parquet(
        "sources.useV1SourceList",
        "",
        "avro,csv,json,orc,parquet,text",
        {"a": [1]},
        lambda spark, path: spark.read.parquet(path).select("_metadata.file_name"),
    ),
)
