"""Settings on which a Python function of the user's depends, or a call of PySpark that asks Spark at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark import cloudpickle
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.datasource import DataSource, DataSourceReader
from pyspark.sql.pandas.functions import pandas_udf

from support.setting_examples.examples import Example

# Workers do not have the tests.
cloudpickle.register_pickle_by_value(sys.modules[__name__])  # type: ignore[no-untyped-call]


def _one(spark: SparkSession) -> DataFrame:
    return spark.range(1).selectExpr("id", "'a' as text", "x'61' as bytes")


def _function(
    function: Callable[[Any], Any], kind: str, column: str, spark: SparkSession, _: Path, **how: Any
) -> DataFrame:
    return _one(spark).select(F.udf(function, kind, **how)(column).alias("c"))


def _pandas(function: Callable[[pd.Series], pd.Series], kind: str, spark: SparkSession, _: Path) -> DataFrame:
    made: Any = pandas_udf  # whose stubs want the kind of the function, which its hints tell
    return _one(spark).select(made(function, kind)("id").alias("c"))


def _kind_of(value: Any) -> str:
    return type(value).__name__


def _halves(numbers: pd.Series) -> pd.Series:
    return pd.Series([1.5] * len(numbers))


def _kinds(numbers: pd.Series) -> pd.Series:
    return pd.Series([str(numbers.dtype)] * len(numbers))


def _arrow_kinds(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield pa.RecordBatch.from_pydict({"c": [str(batch.schema.field("text").type)] * batch.num_rows})


def _other_names(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield pa.RecordBatch.from_pydict({"d": [1] * batch.num_rows})


def _swapped(_: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"b": [1], "a": [2]})


class Texts:
    """A table function that gives a text where a number is declared."""

    def eval(self, _: Any) -> Iterator[tuple[str]]:
        yield ("1",)


def _table_function(spark: SparkSession, _: Path, **how: Any) -> DataFrame:
    function: Any = F.udtf(Texts, returnType="a int", **how)
    made: DataFrame = function(F.lit(1))
    return made


class Both:
    """A table function over two tables."""

    def eval(self, _: Any, __: Any) -> Iterator[tuple[int]]:
        yield (1,)


def _two_tables(spark: SparkSession, _: Path) -> DataFrame:
    function: Any = F.udtf(Both, returnType="a int")
    spark.udtf.register("setting_examples_both", function)
    return spark.sql("select count(*) as c from setting_examples_both(table(select 1), table(select 2))")


class PushedReader(DataSourceReader):
    """A reader that is told of filters."""

    def pushFilters(self, filters: list[Any]) -> list[Any]:
        return filters

    def read(self, partition: Any) -> Iterator[tuple[int]]:
        yield (1,)
        yield (2,)


class Pushed(DataSource):
    """A data source in Python."""

    @classmethod
    def name(cls) -> str:
        return "setting_examples_pushed"

    def schema(self) -> str:
        return "a int"

    def reader(self, schema: Any) -> PushedReader:
        return PushedReader()


def _python_source(spark: SparkSession, _: Path) -> DataFrame:
    spark.dataSource.register(Pushed)
    return spark.read.format(Pushed.name()).load().where("a = 1")


def _self_join(spark: SparkSession, _: Path) -> DataFrame:
    one = spark.range(2)
    other = one.where("id >= 0")
    return one.join(other, one["id"] == other["id"]).select(one["id"], other["id"].alias("x"))


def _with_itself(spark: SparkSession, _: Path) -> DataFrame:
    one = spark.range(2)
    return one.join(one, one["id"] == one["id"]).select(F.count("*").alias("c"))


FUNCTIONS = (
    Example("execution.pythonUDF.arrow.enabled", "true", "false", partial(_function, lambda _: "1", "int", "id")),
    Example(
        "execution.pyspark.binaryAsBytes",
        "true",
        "false",
        partial(_function, _kind_of, "string", "bytes", useArrow=False),
    ),
    Example("execution.pythonUDTF.arrow.enabled", "true", "false", _table_function),
    Example(
        "legacy.execution.pythonUDF.pandas.conversion.enabled",
        "false",
        "true",
        partial(_function, lambda _: True, "string", "id", useArrow=True),
    ),
    Example(
        "legacy.execution.pythonUDTF.pandas.conversion.enabled",
        "false",
        "true",
        partial(_table_function, useArrow=True),
    ),
    Example("execution.pandas.convertToArrowArraySafely", "true", "false", partial(_pandas, _halves, "int")),
    Example(
        "execution.pythonUDF.pandas.preferIntExtensionDtype",
        "false",
        "true",
        partial(_pandas, _kinds, "string"),
    ),
    Example(
        "execution.arrow.useLargeVarTypes",
        "false",
        "true",
        lambda spark, _: _one(spark).mapInArrow(_arrow_kinds, "c string"),
    ),
    Example(
        "execution.arrow.pyspark.validateSchema.enabled",
        "true",
        "false",
        lambda spark, _: _one(spark).mapInArrow(_other_names, "c long"),
    ),
    Example(
        "legacy.execution.pandas.groupedMap.assignColumnsByName",
        "true",
        "false",
        lambda spark, _: _one(spark).groupBy("id").applyInPandas(_swapped, "a long, b long"),
    ),
    Example("tvf.allowMultipleTableArguments.enabled", "false", "true", _two_tables),
    Example("python.filterPushdown.enabled", "false", "true", _python_source),
    Example("pivotMaxValues", "1", "10", lambda spark, _: spark.range(3).groupBy().pivot("id").count()),
    Example(
        "transposeMaxValues", "1", "10", lambda spark, _: spark.range(3).selectExpr("id", "id + 1 as v").transpose()
    ),
    Example("retainGroupColumns", "true", "false", lambda spark, _: spark.range(1).groupBy("id").agg(F.count("*"))),
    Example("analyzer.failAmbiguousSelfJoin", "true", "false", _self_join),
    Example("selfJoinAutoResolveAmbiguity", "false", "true", _with_itself),
)
