"""What `expect` means in Spark: refused before anything is paid where it means nothing, else computed in one pass."""

from __future__ import annotations

import re

import pytest
from pyspark.sql.types import DoubleType, LongType, StringType, StructField, StructType

from batch_transform import score
from batch_transform.core.errors import ConfigurationError, ServiceFailure, UnexpectedPredictions
from batch_transform.core.expectations import Previous
from batch_transform.spark.expectations import analysed, check_expected, measured
from batch_transform.spark.prediction_columns import SQL_SETTINGS
from batch_transform.spark.settings import session_settings
from support.sampling import one_in

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ADDED = [StructField("label", StringType()), StructField("p", DoubleType())]
SCHEMA = StructType([StructField("age", LongType()), StructField("name", StringType()), *ADDED])
NEW = [field.name for field in ADDED]
ROWS = [(30, "ann", "x", 0.25), (50, "bob", "y", 0.75), (70, "eve", "y", None)]


def found(spark, *expect, previous=None):
    rows = spark.createDataFrame(ROWS, SCHEMA)
    with session_settings(spark, SQL_SETTINGS):
        return measured(rows, analysed(spark, SCHEMA, NEW, expect), previous)


def values(spark, expression):
    (expectation,) = found(spark, expression)
    return expectation["values"], expectation["untold"]


def test_each_expectation_is_held_against_all_rows_at_once(spark):
    asked = {
        "avg(p) between 0.4 and 0.6": True,
        "avg(p) > 0.6": False,
        "count_if(p is null) = 1": True,
        "count(distinct label) = 2": True,
        "count(*) = 3 and max(age) < 60": False,
        "avg(p) filter (where label = 'z') > 0": False,  # null, which is not true
        "max(name) = 'eve'": True,
    }
    assert {each["expression"]: each["held"] for each in found(spark, *asked)} == asked


def test_a_value_is_told_unless_it_may_be_a_rows_own(spark):
    assert values(spark, "abs(avg(age) - min(p)) > count(*)") == ({"avg(age)": 50.0, "min(p)": 0.25, "count(*)": 3}, [])
    assert values(spark, "max(age) < 60") == ({}, ["max(age)"])
    assert values(spark, "max(`AGE`) < 60") == ({}, ["max(`AGE`)"])
    assert values(spark, "max(label) < 'a'") == ({}, ["max(label)"])
    assert values(spark, "first(name) = 'ann' or sum(p) > 0") == ({"sum(p)": 1.0}, ["first(name)"])
    assert values(spark, "avg(p) > 0 and bool_or(p > 0.5)") == ({"avg(p)": 0.5, "bool_or(p > 0.5)": True}, [])


def test_what_is_no_number_and_what_is_exact_has_a_text(spark):
    assert values(spark, "sum(p / 0) is null") == ({"sum(p / 0)": None}, [])
    assert values(spark, "sum(cast(p AS decimal(5, 2))) = 1") == ({"sum(cast(p AS decimal(5, 2)))": "1.00"}, [])
    assert values(spark, "avg(double('NaN')) > 0") == ({"avg(double('NaN'))": "NaN"}, [])


def test_an_earlier_run_is_compared_with_by_what_it_has_kept(spark):
    before = Previous("monday", {"avg(p)": 0.52, "sum(cast(p AS decimal(5, 2)))": "1.50"}, "out")
    near, grown, unknown = found(
        spark,
        "abs(avg(p) - previous.AVG( p )) < 0.05",
        "sum(cast(p AS decimal(5, 2))) >= previous.sum(cast(p AS decimal(5, 2)))",
        "count(*) = previous.count(*)",
        previous=before,
    )
    assert (near["held"], near["previous"], near["previous_run"]) == (True, {"avg(p)": 0.52}, "monday")
    assert (grown["held"], grown["previous"]) == (False, {"sum(cast(p AS decimal(5, 2)))": "1.50"})
    assert (unknown["held"], unknown["values"]) == (None, {"count(*)": 3})
    assert unknown["note"] == "the run monday has kept no value of count(*)"
    (first,) = found(spark, "avg(p) = previous.avg(p)", previous=Previous(None, {}, "out"))
    assert (first["held"], first["note"]) == (None, "no run of this workspace has published to out before")


WRONG = {
    "avg(p > 0": "",
    "avg(q) > 0": "q",
    "p > 0": "has no aggregate",
    "avg(p) > p": "names a column outside of an aggregate",
    "avg(p)": "is a double; it must be true or false",
    "1 = 1": "has no aggregate",
    "abs(age) > 1": "names a column outside of an aggregate",
    "previous.abs(age) = avg(p)": "",
    "avg(p) > previous.max(age)": r"previous\.max\(age\): is kept of no run, as it may be a row's own value",
    "avg(p) > previous.avg(q)": "q",
    "avg(p) > previous.nothing(p)": "nothing",
}


@pytest.mark.parametrize("expression", WRONG)
def test_what_is_no_true_or_false_over_all_rows_is_refused(spark, expression):
    with pytest.raises(ConfigurationError, match=f"expect: {re.escape(expression)}: .*{WRONG[expression]}"):
        analysed(spark, SCHEMA, NEW, [expression])


def test_all_that_is_wrong_is_told_at_once(spark):
    with pytest.raises(ConfigurationError) as refused:
        analysed(spark, SCHEMA, NEW, list(WRONG))
    assert len(refused.value.faults) == len(WRONG)


def test_before_the_columns_are_known_only_what_is_no_expression_is_refused(spark):
    check_expected(spark, SCHEMA, [], ["avg(whatever) > previous.avg(whatever)"], is_known=False)
    with pytest.raises(ConfigurationError, match="expect: avg"):
        check_expected(spark, SCHEMA, [], ["avg(p > 0"], is_known=False)


def rows(spark):
    return spark.createDataFrame([(n, str(n)) for n in range(10)], "id long, key string")


SQL = {"schema": "echo string", "sql": ["cast(echo AS int) / 10 AS p", "echo"]}
EXPECT = ["avg(p) between 0.1 and 0.4", "count_if(p is null) = 0", "max(key) < '5'", "count(distinct part) = 2"]


def refused(spark, arguments):
    with pytest.raises(UnexpectedPredictions) as ended:
        score(rows(spark).selectExpr("*", "id % 2 AS part"), **arguments)
    return ended.value


def accepted(spark, arguments):
    return score(rows(spark).selectExpr("*", "id % 2 AS part"), **arguments, accept_expectations=True)


def check_accepted(spark, world, arguments, error):
    """What is told has values of aggregates and of no row; then it is accepted, and nothing is paid for again."""
    assert "not met: avg(p) between 0.1 and 0.4 (avg(p) is 0.45)" in error.lines
    assert "not met: max(key) < '5' (max(key) is not told, as it may be a row's own value)" in error.lines
    assert "'9'" not in str(error)
    jobs = world.jobs(arguments["run_id"])
    result = accepted(spark, arguments)
    assert sorted(row.p for row in result.df.collect()) == [n / 10 for n in range(10)]
    assert world.jobs(arguments["run_id"]) == jobs
    assert [each["held"] for each in result.report["expectations"]] == [False, True, False, True]


@pytest.mark.parametrize("format", one_in(2, ["parquet", "orc"]))
def test_files_are_published_when_they_are_accepted(spark, world, tmp_path, format):
    output = {"path": f"{tmp_path}/out", "format": format, "partition_by": ["part"]}
    arguments = world.arguments(tmp_path, prediction=SQL, output=output, expect=EXPECT)
    error = refused(spark, arguments)
    assert not list(tmp_path.glob("out*/**/part-*"))
    check_accepted(spark, world, arguments, error)


@pytest.mark.jars
@pytest.mark.long
def test_a_commit_is_made_when_it_is_accepted(spark, world, tmp_path):
    output = {"path": f"{tmp_path}/out", "format": "delta", "partition_by": ["part"]}
    arguments = world.arguments(tmp_path, prediction=SQL, output=output, expect=EXPECT)
    error = refused(spark, arguments)
    assert not list(tmp_path.glob("out*/**/part-*"))
    check_accepted(spark, world, arguments, error)


def test_what_is_asked_of_no_column_is_refused_before_anything_is_paid(spark, world, tmp_path):
    arguments = world.arguments(tmp_path, expect=["avg(p) > 0", "echo = 'a'"])
    with pytest.raises(ConfigurationError) as ended:
        score(rows(spark), **arguments)
    assert [fault.partition(": ")[2].partition(":")[0] for fault in ended.value.faults] == ["avg(p) > 0", "echo = 'a'"]
    assert world.jobs(arguments["run_id"]) == []


def test_a_column_that_an_inferred_schema_lacks_is_told_once_it_is_inferred_and_another_expectation_publishes(
    spark, world, tmp_path
):
    arguments = world.arguments(tmp_path, prediction="infer", expect=["avg(nowhere) > 0"])
    with pytest.raises(ServiceFailure, match=r"answers are read as by echo string, .*expect: avg\(nowhere\) > 0"):
        score(rows(spark), **arguments)
    jobs = world.jobs(arguments["run_id"])
    changed = {**arguments, "expect": ["count_if(echo is null) = 0"]}
    assert score(rows(spark), **changed).report["expectations"][0]["held"]
    assert world.jobs(arguments["run_id"]) == jobs
