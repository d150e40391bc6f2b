"""Settings on which a table, a view or a function of the session's catalog depends, or a table of Delta's."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from support.setting_examples.examples import Example

_PREFIX = "setting_examples_"
AT_2017, AT_2020 = 1_500_000_000, 1_577_836_800
COUNTED = "count(*) as c"


def _padded(query: str, spark: SparkSession, folder: Path) -> DataFrame:
    """A table whose CHAR values another writer did not pad."""
    if not folder.exists():
        folder.mkdir()
        pq.write_table(pa.table({"c": ["a"]}), folder / "a.parquet")
    table = f"{_PREFIX}char"
    spark.sql(f"drop table if exists {table}")
    spark.sql(f"create table {table}(c char(3)) using parquet location '{folder}'")
    return spark.sql(query.format(table))


def _separated(spark: SparkSession, folder: Path, *, is_read_before: bool = False) -> DataFrame:
    """A table of CSV, read with an option that it does not say."""
    folder.mkdir(exist_ok=True)
    (folder / "a.csv").write_text("a;b\n")
    table = f"{_PREFIX}csv_{folder.name.lower().replace('.', '_')}"
    spark.sql(f"drop table if exists {table}")
    spark.sql(f"create table {table}(c string, d string) using csv location '{folder}'")
    if is_read_before:
        spark.read.table(table).collect()
    return spark.read.option("sep", ";").table(table)


def _view(spark: SparkSession, _: Path) -> DataFrame:
    """A view that was made in a session without ANSI."""
    before = str(spark.conf.get("spark.sql.ansi.enabled"))
    view = f"{_PREFIX}view"
    spark.sql(f"drop view if exists {view}")
    try:
        spark.conf.set("spark.sql.ansi.enabled", "false")
        spark.sql(f"create view {view} as select cast('x' as int) as c")
    finally:
        spark.conf.set("spark.sql.ansi.enabled", before)
    return spark.sql(f"select c from {view}")


def _nested_views(spark: SparkSession, _: Path) -> DataFrame:
    spark.sql(f"create or replace temporary view {_PREFIX}inner as select 1 as c")
    spark.sql(f"create or replace temporary view {_PREFIX}outer as select c from {_PREFIX}inner")
    return spark.sql(f"select c from {_PREFIX}outer")


def _persistent(spark: SparkSession, _: Path) -> DataFrame:
    """A function in a schema that has the name of Spark's own."""
    spark.sql("create schema if not exists builtin")
    spark.sql("create or replace function builtin.abs(x int) returns string return 'persistent'")
    return spark.sql("select builtin.abs(-1) as c")


def _shadowing(spark: SparkSession, _: Path) -> DataFrame:
    name = f"{_PREFIX}shadowing"
    spark.sql(f"create or replace temporary function {name}(current_user string) returns string return current_user")
    return spark.sql(f"select {name}('x') as c")


def _vectors(spark: SparkSession, folder: Path) -> DataFrame:
    if not folder.exists():
        spark.range(1).select(array_to_vector(F.array(F.lit(1.0))).alias("v")).write.parquet(str(folder))
    return spark.read.parquet(str(folder))


def _delta(spark: SparkSession, folder: Path, times: tuple[int, int] = (AT_2017, AT_2020)) -> str:
    """A table with two versions of these times, of 3 and 5 rows; its name."""
    table = f"{_PREFIX}delta_{folder.name.lower().replace('.', '_')}"
    if not folder.exists():
        spark.range(3).write.format("delta").save(str(folder))
        spark.range(2).write.format("delta").mode("append").save(str(folder))
        for version, time in enumerate(times):
            os.utime(folder / "_delta_log" / f"{version:020d}.json", (time, time))
    spark.sql(f"create table if not exists {table} using delta location '{folder}'")
    return table


def _version(option: str, value: str, spark: SparkSession, folder: Path) -> DataFrame:
    return spark.read.option(option, value).table(_delta(spark, folder)).selectExpr(COUNTED)


def _named_version(spark: SparkSession, folder: Path) -> DataFrame:
    _delta(spark, folder)
    return spark.sql(f"select {COUNTED} from delta.`{folder}@v0`")


def _nonsense(spark: SparkSession, folder: Path) -> DataFrame:
    _delta(spark, folder, (0, AT_2020))
    return spark.read.format("delta").option("timestampAsOf", "nonsense").load(str(folder)).selectExpr(COUNTED)


def _renamed(spark: SparkSession, folder: Path) -> DataFrame:
    """A DataFrame whose table has another column by now."""
    shutil.rmtree(folder, ignore_errors=True)
    spark.range(3).write.format("delta").save(str(folder))
    df = spark.read.format("delta").load(str(folder))
    properties = "'delta.columnMapping.mode'='name', 'delta.minReaderVersion'='2', 'delta.minWriterVersion'='5'"
    spark.sql(f"alter table delta.`{folder}` set tblproperties({properties})")
    spark.sql(f"alter table delta.`{folder}` rename column id to x")
    return df


def _past_the_end(spark: SparkSession, folder: Path) -> DataFrame:
    if not folder.exists():
        writer = spark.range(3).write.format("delta").option("delta.enableChangeDataFeed", "true")
        writer.save(str(folder))
    reader = spark.read.format("delta").option("readChangeFeed", "true")
    return reader.option("startingTimestamp", "2099-01-01 00:00:00").load(str(folder)).selectExpr(COUNTED)


def _untyped(spark: SparkSession, folder: Path) -> DataFrame:
    if not folder.exists():
        spark.sql("select 1 as a, null as b").write.format("delta").save(str(folder))
    return spark.read.format("delta").load(str(folder))


DELTA = "spark.databricks.delta."
ANY_TIME = {f"{DELTA}vacuum.enforceTimeTravelWithinDeletedFileRetentionDuration": "false"}
VECTOR = "org.apache.spark.ml.linalg.VectorUDT"
PADDED, EQUAL = "select concat(c, '|') as c from {}", "select count(*) as c from {} where c = 'a'"

TABLES = (
    Example("readSideCharPadding", "true", "false", partial(_padded, PADDED), group="loose"),
    Example(
        "legacy.noCharPaddingInPredicate",
        "false",
        "true",
        partial(_padded, EQUAL),
        {"readSideCharPadding": "false"},
        "loose",
    ),
    Example("legacy.extraOptionsBehavior.enabled", "true", "false", _separated),
    Example("legacy.readFileSourceTableCacheIgnoreOptions", "false", "true", partial(_separated, is_read_before=True)),
    Example("legacy.useCurrentConfigsForView", "true", "false", _view),
    Example("view.maxNestedViewDepth", "1", "120", _nested_views),
    Example("legacy.persistentCatalogFirst", "false", "true", _persistent),
    Example("legacy.allowUdfParameterToShadowParameterlessFunction", "false", "true", _shadowing),
    Example("udt.allowCreatingUDTFromString", "false", "true", _vectors, group="loose"),
    Example("udt.allowedDynamicUDTClasses", "", VECTOR, _vectors, {"udt.allowCreatingUDTFromString": "false"}, "text"),
    Example("timeTravelVersionKey", "versionAsOf", "version", partial(_version, "version", "0"), ANY_TIME),
    Example("timeTravelTimestampKey", "timestampAsOf", "at", partial(_version, "at", "2018-01-01 00:00:00"), ANY_TIME),
    Example(f"{DELTA}timeTravel.resolveOnIdentifier.enabled", "false", "true", _named_version, ANY_TIME),
    Example(f"{DELTA}timeTravel.parsing.strict", "true", "false", _nonsense, ANY_TIME),
    Example(f"{DELTA}checkLatestSchemaOnRead", "true", "false", _renamed),
    Example(f"{DELTA}changeDataFeed.timestampOutOfRange.enabled", "false", "true", _past_the_end),
    Example(f"{DELTA}createDataFrame.dropNullColumns", "false", "true", _untyped),
)
