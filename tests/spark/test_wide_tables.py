"""Tables of hundreds and thousands of columns, as feature stores have them: each step does its work on all of them."""

from __future__ import annotations

import datetime as dt

import pytest
from py4j.java_gateway import GatewayClient
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BooleanType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.reserved_columns import each_of
from batch_transform.spark.expectations import analysed
from batch_transform.spark.prediction_columns import prediction_shape
from batch_transform.spark.record_rules import record_rule
from batch_transform.spark.row_rules import RowRule, check_rows
from support.sampling import one_in
from support.staged_tables import answered

pytestmark = [pytest.mark.spark, pytest.mark.slow]
VALUES = [(LongType(), 12), (StringType(), "some text"), (DoubleType(), 0.12345678901234567), (BooleanType(), False)]
VALUES += [(IntegerType(), None), (TimestampType(), dt.datetime(2024, 5, 1, 12, 30, 1, 123456))]


def wide(spark, columns, rows=3):
    kinds = [VALUES[place % len(VALUES)] for place in range(columns)]
    schema = StructType([StructField(f"feature_{place}", kind) for place, (kind, _) in enumerate(kinds)])
    return spark.createDataFrame([tuple(value for _, value in kinds)] * rows, schema).coalesce(1)


@pytest.mark.parametrize(
    ("format", "columns"), one_in(2, [("jsonlines", 1_000), ("jsonlines", 2_000), ("csv", 300), ("csv", 1_000)])
)
def test_the_records_of_a_wide_table_are_measured_as_they_are_rendered(spark, format, columns):
    df = wide(spark, columns)
    rule = record_rule(spark, df.schema, format, None, None)
    measured = rule.measured(df)
    assert measured.columns[:-2] == df.columns
    exact = [len(record.encode()) for record, _ in rule.rendered(df).collect()]
    assert [row[-2] for row in measured.collect()] == pytest.approx(exact, rel=0.05)


@pytest.fixture
def calls(monkeypatch):
    """The methods that were called in the JVM; it is also told what Python has forgotten, at any time."""
    asked, send = [], GatewayClient.send_command

    def noted(client, command, *more, **others):
        if command.startswith("c\n"):
            asked.append(command)
        return send(client, command, *more, **others)

    monkeypatch.setattr(GatewayClient, "send_command", noted)
    return asked


def analyses(calls):
    """How often a schema was asked for."""
    return sum(command.endswith("\nschema\ne\n") for command in calls)


def test_no_field_is_looked_for_among_all_of_them(spark, monkeypatch):
    """`schema[name]` goes through the fields from the first: of 2,000 columns that was two million looks."""
    df, looked = wide(spark, 200), []
    monkeypatch.setattr(StructType, "__getitem__", lambda schema, name: looked.append(name))
    assert len(record_rule(spark, df.schema, "jsonlines", None, None).columns) == 200
    assert looked == []


@pytest.mark.parametrize("format", ["jsonlines", "csv"])
def test_the_records_of_a_wide_table_are_not_put_together_by_a_call_for_each_function(spark, calls, format):
    df = wide(spark, 500)
    calls.clear()
    rule = record_rule(spark, df.schema, format, None, None, header=format == "csv")
    rule.rendered(df, df.columns)
    assert len(calls) / 500 < 10


def test_many_expressions_of_predictions_are_analysed_at_once(spark, calls):
    fields = ", ".join(f"p{place} double" for place in range(100))
    shape = prediction_shape(spark, fields, sql=[f"p{place} * 2 AS q{place}" for place in range(50)])
    assert [(field.name, field.dataType) for field in shape.columns[-2:]] == [
        ("q48", DoubleType()),
        ("q49", DoubleType()),
    ]
    assert analyses(calls) < 10


def test_many_expectations_are_analysed_at_once(spark, calls):
    df = wide(spark, 100)
    expect = [f"count_if(feature_{place} IS NULL) >= 0 AND count(feature_{place}) < 9" for place in range(50)]
    found = analysed(spark, df.schema, [], expect)
    assert list(found[0].kinds.items()) == [("count_if(feature_0 IS NULL)", "bigint"), ("count(feature_0)", "bigint")]
    assert analyses(calls) < 10
    with pytest.raises(ConfigurationError, match="no_such"):
        analysed(spark, df.schema, [], [*expect[:3], "sum(no_such) > 1"])


def test_many_rules_of_rows_are_analysed_at_once(spark, calls):
    df = wide(spark, 100)
    rules = [RowRule(F.expr(f"feature_{place} IS NULL AND feature_0 < 0"), f"{place}") for place in range(50)]
    check_rows(df, rules)
    assert analyses(calls) < 10
    calls.clear()
    check_rows(df, [*rules, RowRule(F.expr("of_another_table IS NULL"), "another")])


def test_a_wide_struct_is_measured(spark):
    df = wide(spark, 300).select(F.struct("*").alias("features"), F.lit(None).cast("long").alias("none"))
    rule = record_rule(spark, df.schema, "jsonlines", None, None)
    exact = [len(record.encode()) for record, _ in rule.rendered(df).collect()]
    assert [row[-2] for row in rule.measured(df).collect()] == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("columns", [250, pytest.param(500, marks=pytest.mark.long)])
def test_a_wide_table_is_scored(spark, world, tmp_path, columns):
    df = wide(spark, columns)
    run = answered(world, df, lambda place: {"p": place}, tmp_path)
    for way in ("zip", "join"):
        result = run.result(prediction_shape(spark, "p bigint"), way)
        assert result.columns == [*df.columns, "p"]
        assert result.select(*each_of(df.columns)).distinct().collect() == df.distinct().collect()


def test_an_expectation_does_not_see_the_name_that_another_gives_itself(spark):
    """Where they are computed it has none: what is accepted here would fail there, with everything paid for."""
    with pytest.raises(ConfigurationError, match="m AND count"):
        analysed(spark, wide(spark, 3).schema, [], ["count(feature_0) > 0 AS m", "m AND count(*) > 0"])
