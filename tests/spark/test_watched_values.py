"""The numbers of predictions are counted while they are written, in every format, and believed only if all were."""

from __future__ import annotations

import random
import time
import uuid

import numpy as np
import pytest
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.core.publishing.prediction_values import NOTHING_KNOWN
from batch_transform.outputs.delta_table import publish_delta
from batch_transform.outputs.port import OutputTable
from batch_transform.spark import watched_values
from batch_transform.spark.settings import session_settings
from batch_transform.spark.watched_values import MOST_COLUMNS, watched
from support.sampling import one_in

pytestmark = [pytest.mark.spark, pytest.mark.slow]
SCHEMA = (
    "id long, p double, f float, label int, cost decimal(20, 2), scores array<double>, by map<string, double>, "
    "`in.side` struct<x: double, word: string>, word string"
)
NAMES = ["p", "f", "label", "cost", "scores", "by", "in.side", "word"]
ODD = [None, float("nan"), float("inf"), float("-inf")]


def table(spark, rows=200):
    made = random.Random(7)
    values = [
        (
            row,
            made.choice([*ODD, row / 10, -float(row)]),
            made.random(),
            made.choice([None, 0, 1, 5]),
            None,
            [1.0],
            {"a": 1.0},
            (float(row), "w"),
            "w",
        )
        for row in range(rows)
    ]
    return spark.createDataFrame(values, SCHEMA).repartition(3), values


def write(rows, format, place):
    rows.write.format(format).mode("overwrite").save(place)


def by_name(found):
    return {each["column"]: each for each in found.ranges}


@pytest.mark.parametrize("format", ["parquet", "orc", "json", pytest.param("delta", marks=pytest.mark.jars)])
def test_what_is_counted_is_what_is_written(spark, tmp_path, format):
    rows, values = table(spark)
    counted = watched(rows, NAMES, len(values))
    assert counted.rows.schema == rows.schema
    write(counted.rows, format, f"{tmp_path}/out")
    found = by_name(counted.found(len(values)))
    assert list(found) == ["p", "f", "label", "cost", "scores", "by", "in.side.x"]
    finite = [row[1] for row in values if row[1] is not None and np.isfinite(row[1])]
    p = found["p"]
    assert (p["rows"], p["nulls"]) == (200, sum(row[1] is None for row in values))
    assert p["not_finite"] == 200 - p["nulls"] - len(finite)
    assert (p["least"], p["most"]) == (min(finite), max(finite))
    assert p["values"]["below"] + sum(p["values"]["counts"]) + p["values"]["above"] == len(finite)
    label = found["label"]["values"]
    assert (label["edges"][0], label["is_exact"]) == (-0.5, True)
    assert label["counts"] == [sum(row[3] == number for row in values) for number in range(6)]
    assert (found["cost"]["nulls"], found["cost"]["least"], found["cost"]["values"]) == (200, None, None)
    assert found["scores"]["note"] == "array<double>: what is in an array is not counted"
    assert found["by"]["nulls"] == 0
    assert (found["in.side.x"]["least"], found["in.side.x"]["most"]) == (0.0, 199.0)


@pytest.mark.jars
def test_a_named_delta_table_is_counted_by_the_commit_and_not_by_its_making(spark):
    name = f"t_{uuid.uuid4().hex}"
    rows = spark.range(0, 50).selectExpr("id", "id * 0.5D AS p")
    counted = watched(rows, ["p"], 50)
    try:
        assert publish_delta(counted.rows, OutputTable("append", table=name), "run", "n1", time.sleep) == 50
        assert by_name(counted.found(50))["p"]["most"] == 24.5
        again = watched(rows, ["p"], 50)
        assert publish_delta(again.rows, OutputTable("append", table=name), "run", "n1", time.sleep) == 50
        assert again.found(50) == NOTHING_KNOWN  # committed before: nothing was written
    finally:
        spark.sql(f"DROP TABLE IF EXISTS {name}")


def test_of_many_rows_a_sample_is_drawn_and_nulls_and_ends_are_of_all(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(watched_values, "SAMPLE_ROWS", 2_000)
    rows = spark.range(0, 40_000, numPartitions=3).selectExpr("id", "IF(id % 4 = 0, NULL, id % 1000) AS p")
    counted = watched(rows, ["p"], 40_000)
    write(counted.rows, "parquet", f"{tmp_path}/out")
    (found,) = counted.found(40_000).ranges
    assert (found["nulls"], found["least"], found["most"]) == (10_000, 1.0, 999.0)
    counts = np.array(found["values"]["counts"])
    assert (counts.sum(), found["values"]["is_exact"]) == (30_000, False)
    assert np.abs(counts - 30_000 / len(counts)).max() < 0.4 * 30_000 / len(counts)
    assert spark.read.parquet(f"{tmp_path}/out").agg(F.sum("id")).first()[0] == sum(range(40_000))


def test_so_many_columns_are_counted_and_the_others_told_of(spark, tmp_path):
    names = [f"p{place}" for place in range(300)]
    rows = spark.range(0, 10).select("id", *[F.col("id").cast("double").alias(name) for name in names])
    counted = watched(rows, names, 10)
    write(counted.rows, "parquet", f"{tmp_path}/out")
    found = counted.found(10)
    assert [each["column"] for each in found.ranges] == names[:MOST_COLUMNS]
    assert found.left_out == 300 - MOST_COLUMNS


def test_columns_of_our_own_names_are_the_users(spark, tmp_path):
    rows = spark.range(0, 10).selectExpr("id AS __numbers", "id AS __sampled", "id * 1D AS `a``b.c`")
    counted = watched(rows, ["a`b.c"], 10)
    assert counted.rows.columns == rows.columns
    write(counted.rows, "parquet", f"{tmp_path}/out")
    assert by_name(counted.found(10))["a`b.c"]["most"] == 9.0


def test_columns_may_differ_by_case_alone_where_the_session_says_so(spark, tmp_path):
    with session_settings(spark, {"spark.sql.caseSensitive": "true"}):
        counted = watched(spark.range(0, 10).selectExpr("id AS P", "-1D AS p"), ["p"], 10)
        assert counted.rows.columns == ["P", "p"]
        write(counted.rows, "parquet", f"{tmp_path}/out")
    assert by_name(counted.found(10))["p"]["most"] == -1.0


def test_rows_that_are_not_as_many_as_were_written_are_not_believed(spark, tmp_path):
    counted = watched(spark.range(0, 10), ["id"], 10)
    write(counted.rows, "parquet", f"{tmp_path}/out")
    assert counted.found(11) == NOTHING_KNOWN


def test_what_was_never_written_is_not_waited_for(spark, monkeypatch):
    monkeypatch.setattr(watched_values, "_PATIENCE_SECONDS", 0.2)
    begun = time.monotonic()
    assert watched(spark.range(0, 10), ["id"], 10).found(10) == NOTHING_KNOWN
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("rows", ["id < 0", "false"])
def test_of_no_rows_nothing_is_drawn(spark, tmp_path, rows):
    counted = watched(spark.range(0, 10).where(rows), ["id"], 0)
    write(counted.rows, "parquet", f"{tmp_path}/out")
    (found,) = counted.found(0).ranges
    assert (found["rows"], found["nulls"], found["least"], found["values"]) == (0, 0, None, None)


def test_a_result_without_numbers_is_left_as_it_is(spark):
    rows = spark.range(0, 10).selectExpr("id", "'x' AS word")
    counted = watched(rows, ["word"], 10)
    assert counted.rows is rows
    assert counted.found(10) == NOTHING_KNOWN


@pytest.mark.parametrize(
    "format", [*one_in(2, ["parquet", "orc"]), pytest.param("delta", marks=[pytest.mark.jars, pytest.mark.long])]
)
def test_a_run_keeps_what_was_counted_in_its_report_and_a_later_one_reads_it(spark, world, tmp_path, format):
    rows = spark.range(0, 40).selectExpr("CAST(id AS STRING) AS key")
    arguments = world.arguments(tmp_path, output={"path": f"{tmp_path}/out", "format": format})
    arguments["prediction"] = {"schema": "echo string", "sql": ["CAST(length(echo) AS DOUBLE) AS n", "echo"]}
    result = score(rows, **arguments)
    (found,) = result.report["predictions"]
    assert (found["column"], found["rows"], found["nulls"]) == ("n", 40, 0)
    lengths = sorted(row["n"] for row in result.df.select("n").collect())
    assert (found["least"], found["most"]) == (lengths[0], lengths[-1])
    assert sum(found["values"]["counts"]) == 40
    assert score(rows, **arguments).report["predictions"] == [found]


@pytest.mark.parametrize(
    ("version", "may"), [("3.5.6", False), ("4.0.1", False), ("4.1.0", True), ("4.2.0.dev1", True)]
)
def test_a_spark_whose_heartbeats_break_a_sketch_is_asked_for_none(version, may):
    assert watched_values.may_sketch(version) is may


def test_without_a_sketch_nulls_and_ends_are_told(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(watched_values, "may_sketch", lambda version: False)
    counted = watched(spark.range(0, 10).selectExpr("id", "IF(id > 7, NULL, id / 2) AS p"), ["p"], 10)
    assert "histogram" not in counted.rows._jdf.queryExecution().toString()
    write(counted.rows, "parquet", f"{tmp_path}/out")
    (found,) = counted.found(10).ranges
    assert (found["nulls"], found["least"], found["most"], found["values"]) == (2, 0.0, 3.5, None)
    assert found["note"] == "its distribution is told of files, or on Spark 4.1 and later"
    (again,) = counted.found(10, lambda: spark.read.parquet(f"{tmp_path}/out")).ranges
    assert (sum(again["values"]["counts"]), again.get("note")) == (8, None)


@pytest.mark.parametrize("format", one_in(2, ["parquet", "orc"]))
def test_files_are_read_once_more_where_nothing_is_sketched_in_passing(spark, world, tmp_path, monkeypatch, format):
    monkeypatch.setattr(watched_values, "may_sketch", lambda version: False)
    rows = spark.range(0, 40).selectExpr("CAST(id AS STRING) AS key", "CAST(id % 2 AS INT) AS part")
    output = {"path": f"{tmp_path}/out", "format": format, "partition_by": ["part"]}
    sql = {"schema": "echo string", "sql": ["CAST(echo AS DOUBLE) AS n", "array(1) AS many"]}
    result = score(rows, **world.arguments(tmp_path, output=output, prediction=sql))
    found, many = result.report["predictions"]
    assert (found["least"], found["most"], found["values"]["is_exact"]) == (0.0, 39.0, True)
    assert sum(found["values"]["counts"]) == 40
    assert many["note"].startswith("array<int>")
