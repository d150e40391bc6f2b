"""Rows that a run does not read are never deleted by what it writes; what is read whole may be replaced."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.config.result import DeadLetter, Output
from batch_transform.config.sections import Input
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.checks.output_over_input import Reading, overlaps
from batch_transform.pipeline.places import Places, Targets
from batch_transform.s3.store import S3Store
from batch_transform.spark.input_reading import InputTable, filtered, read_input
from support.memory_store import MemoryStore

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]

PLACES = Places(RunLayout(S3Uri("tests", "ws"), "r"), "s3a://tests/ws/rows/r", "s3a")


@pytest.fixture(scope="module")
def folder(spark, tmp_path_factory):
    """A table of two partitions, as Parquet and as Delta, a named table, and a view of a part of it."""
    path = tmp_path_factory.mktemp("over input")
    rows = spark.range(100).select(F.col("id"), F.when(F.col("id") < 60, "a").otherwise("b").alias("ds"))
    rows.write.partitionBy("ds").parquet(f"{path}/parquet")
    rows.write.format("delta").partitionBy("ds").save(f"{path}/delta")
    rows.write.format("delta").save(f"{path}/delta@v7")
    rows.write.format("delta").partitionBy("ds").saveAsTable("over_input")
    spark.sql("CREATE OR REPLACE TEMPORARY VIEW part_of_over_input AS SELECT * FROM over_input WHERE ds = 'b'")
    spark.sql(
        "CREATE OR REPLACE TEMPORARY VIEW not_yet_in_over_input AS "
        "SELECT id + 50 AS id, 'b' AS ds FROM range(100) AS new WHERE new.id NOT IN (SELECT id FROM over_input)"
    )
    yield path
    spark.sql("DROP VIEW part_of_over_input")
    spark.sql("DROP VIEW not_yet_in_over_input")
    spark.sql("DROP TABLE over_input")


def faults(spark, store, given, output):
    targets = Targets(Output(**output), DeadLetter(path="s3://tests/dead"), run_id="")

    def read():
        named = {key: value for key, value in given.items() if key != "where"}
        return filtered(read_input(spark, InputTable(**named)), given.get("where"))

    return overlaps(spark, targets, PLACES, store, Reading(Input(**given), read))


def faults_of(spark, df, output):
    targets = Targets(Output(**output), DeadLetter(path="s3://tests/dead"), run_id="")
    return overlaps(spark, targets, PLACES, MemoryStore(), Reading(None, lambda: df))


@pytest.fixture
def store(world):
    return S3Store(world.client("s3"))


WHOLE = [
    ({"path": "{}/parquet"}, {"path": "{}/parquet", "mode": "overwrite"}),
    ({"path": "{}/parquet"}, {"path": "{}/parquet", "mode": "overwrite_partitions", "partition_by": ("ds",)}),
    (
        {"path": "{}/parquet", "where": "ds = 'b'"},
        {"path": "{}/parquet", "mode": "overwrite_partitions", "partition_by": ("ds",)},
    ),
    (
        {"path": "{}/delta", "format": "delta", "where": "id > 7 AND ds = 'b'"},
        {"path": "{}/delta", "format": "delta", "mode": "overwrite", "replace_where": "id > 7 and ds='b'"},
    ),
    ({"table": "over_input"}, {"table": "spark_catalog.default.over_input", "format": "delta", "mode": "overwrite"}),
    (
        {"table": "over_input", "where": "ds IN ('b')"},
        {"table": "over_input", "format": "delta", "mode": "overwrite_partitions", "partition_by": ("ds",)},
    ),
    ({"table": "not_yet_in_over_input"}, {"table": "over_input", "format": "delta", "mode": "append"}),
    ({"path": "{}/parquet"}, {"path": "{}/out", "mode": "overwrite"}),
    ({"path": "{}/parquet@v0"}, {"path": "{}/parquet", "mode": "overwrite"}),
    ({"path": "{}/delta@v7", "format": "delta"}, {"path": "{}/delta", "format": "delta", "mode": "append"}),
    ({"table": "delta.`{}/delta@v7`"}, {"path": "{}/delta", "format": "delta", "mode": "overwrite"}),
]


def filled(section, folder):
    return {key: value.format(folder) if isinstance(value, str) else value for key, value in section.items()}


@pytest.mark.parametrize(("given", "output"), WHOLE)
def test_what_is_read_may_be_replaced(spark, store, folder, given, output):
    assert faults(spark, store, filled(given, folder), filled(output, folder)) == []


PART = [
    ({"path": "{}/parquet", "where": "ds = 'b'"}, {"path": "{}/parquet", "mode": "overwrite"}),
    (
        {"path": "{}/parquet", "where": "ds = 'b' AND id > 70"},
        {"path": "{}/parquet", "mode": "overwrite_partitions", "partition_by": ("ds",)},
    ),
    (
        {"path": "{}/parquet", "where": "ds = 'b' AND rand(1) < 0.5"},
        {"path": "{}/parquet", "mode": "overwrite_partitions", "partition_by": ("ds",)},
    ),
    (
        {"path": "{}/parquet", "options": {"modifiedBefore": "2050-01-01T00:00:00"}},
        {"path": "{}/parquet", "mode": "overwrite"},
    ),
    ({"path": "{}/parquet/ds=b"}, {"path": "{}/parquet", "mode": "overwrite"}),
    (
        {"path": "{}/delta", "format": "delta", "where": "id > 70"},
        {"path": "{}/delta", "format": "delta", "mode": "overwrite", "replace_where": "id > 7"},
    ),
    (
        {"path": "{}/delta", "format": "delta", "options": {"versionAsOf": "0"}},
        {"path": "{}/delta", "format": "delta", "mode": "overwrite"},
    ),
    *(
        (
            {"path": "{}/delta", "format": "delta", "where": where},
            {"path": "{}/delta", "format": "delta", "mode": "overwrite", "replace_where": where},
        )
        for where in (
            "timestamp_seconds(id) < current_timestamp()",
            "date(ds) <= 'today'",
            "rand(1) < 0.5",
            "id IN (SELECT id FROM over_input)",
        )
    ),
    ({"path": "{}/delta@v0", "format": "delta"}, {"path": "{}/delta", "format": "delta", "mode": "overwrite"}),
    ({"path": "{}/delta@v0", "format": "delta"}, {"path": "{}/delta", "format": "delta", "mode": "append"}),
    ({"table": "delta.`{}/delta@v0`"}, {"path": "{}/delta", "format": "delta", "mode": "overwrite"}),
    ({"table": "over_input", "where": "ds = 'b'"}, {"table": "over_input", "format": "delta", "mode": "overwrite"}),
    ({"table": "part_of_over_input"}, {"table": "over_input", "format": "delta", "mode": "overwrite"}),
    (
        {"table": "over_input", "options": {"versionAsOf": "0"}},
        {"table": "over_input", "format": "delta", "mode": "overwrite"},
    ),
    ({"table": "over_input"}, {"table": "over_input", "format": "delta", "mode": "append"}),
    ({"table": "part_of_over_input"}, {"table": "over_input", "format": "delta", "mode": "append"}),
    ({"path": "{}/delta", "format": "parquet"}, {"path": "{}/delta", "format": "delta", "mode": "overwrite"}),
]


@pytest.mark.parametrize(("given", "output"), PART)
def test_what_is_not_read_is_not_replaced(spark, store, folder, given, output):
    (fault,) = faults(spark, store, filled(given, folder), filled(output, folder))
    assert fault.startswith("output: ")


def test_a_table_and_its_path_are_one_place(spark, store, folder):
    path = spark.sql("DESCRIBE DETAIL over_input").first()["location"]
    (fault,) = faults(
        spark,
        store,
        {"table": "over_input", "where": "ds = 'b'"},
        {"path": path, "format": "delta", "mode": "overwrite"},
    )
    assert "is the input, over_input" in fault


def test_a_table_of_another_run_is_not_written_into(spark, store, world):
    world.client("s3").put_object(Bucket="tests", Key="ws/other/ledger/000000000000.json", Body=b"{}")
    targets = Targets(Output(path="s3://tests/ws/other/staging"), DeadLetter(path="s3://tests/ws/free/dead"), run_id="")
    (fault,) = overlaps(spark, targets, PLACES, store, Reading(None, lambda: spark.range(1)))
    assert "s3://tests/ws/other, which another run keeps" in fault


def test_a_dataframe_that_reads_a_part_of_the_output_is_refused(spark, world, tmp_path):
    spark.range(9).select(F.col("id").cast("string").alias("key")).write.parquet(f"{tmp_path}/in")
    part = spark.read.parquet(f"{tmp_path}/in").where("key < '5'")
    arguments = world.arguments(tmp_path, output={"path": f"{tmp_path}/in", "mode": "overwrite"})
    with pytest.raises(ConfigurationError, match="holds files that the input, a DataFrame, reads"):
        score(part, **arguments)
    assert spark.read.parquet(f"{tmp_path}/in").count() == 9


CACHED = {
    "a part": lambda spark, path: spark.read.parquet(path).where("key < '5'"),
    "an aggregate": lambda spark, path: spark.read.parquet(path).groupBy("key").count(),
    "folders": lambda spark, path: spark.read.parquet(f"{path}/ds=1", f"{path}/ds=2").where("key < '5'"),
    "a union": lambda spark, path: spark.createDataFrame([("x",)], "key string").union(
        spark.read.parquet(path).select("key")
    ),
}


@pytest.mark.parametrize("part", CACHED)
def test_a_cached_dataframe_hides_no_file_that_it_reads(spark, world, tmp_path, part):
    """`inputFiles` names none below a cache: the rest of the table was deleted without a word."""
    path = f"{tmp_path}/{'long ' * 30}/in"
    rows = spark.range(9).select(F.col("id").cast("string").alias("key"), (F.col("id") % 3).alias("ds"))
    rows.write.partitionBy("ds").parquet(path)
    cached = CACHED[part](spark, path).cache()
    try:
        for df in (cached, cached.where("key < '4'")):
            arguments = world.arguments(tmp_path, output={"path": path, "mode": "overwrite"}, columns=["key"])
            with pytest.raises(ConfigurationError, match="holds files that the input, a DataFrame, reads"):
                score(df, **arguments)
        assert faults_of(spark, cached, {"path": f"{tmp_path}/out", "mode": "overwrite"}) == []
        assert len(faults_of(spark, cached, {"path": path, "mode": "append"})) == (part != "a union")
    finally:
        cached.unpersist()
    assert spark.read.parquet(path).count() == 9


FROM_ITSELF = {
    "all of it": lambda table: table,
    "rows without a prediction": lambda table: table.where("id > 70").drop("ds").withColumn("ds", F.lit("b")),
    "the first rows": lambda table: table.orderBy("id").limit(10),
    "each key once": lambda table: table.dropDuplicates(["id"]),
}


@pytest.mark.parametrize("rows", FROM_ITSELF)
@pytest.mark.parametrize("format", ["parquet", "delta"])
def test_new_rows_are_not_put_beside_those_that_they_are_made_of(spark, folder, format, rows):
    df = FROM_ITSELF[rows](spark.read.format(format).load(f"{folder}/{format}"))
    (fault,) = faults_of(spark, df, {"path": f"{folder}/{format}", "format": format, "mode": "append"})
    assert "or replace just what is read: mode: overwrite, with output.replace_where (Delta)" in fault
    assert f"{folder}/{format} is what the input, a DataFrame, reads, and mode: append would put new rows" in fault


def test_a_table_may_tell_which_rows_it_has_already(spark, folder):
    table = spark.read.format("delta").load(f"{folder}/delta")
    new = spark.range(150).withColumn("ds", F.lit("b"))
    append = {"path": f"{folder}/delta", "format": "delta", "mode": "append"}
    assert faults_of(spark, new.join(table, "id", "left_anti"), append) == []
    assert faults_of(spark, new, append) == []


def test_a_cached_table_that_is_read_whole_is_replaced(spark, world, tmp_path):
    spark.range(9).select(F.col("id").cast("string").alias("key")).write.parquet(f"{tmp_path}/in")
    cached = spark.read.parquet(f"{tmp_path}/in").cache()
    try:
        assert faults_of(spark, cached, {"path": f"{tmp_path}/in", "mode": "overwrite"}) == []
    finally:
        cached.unpersist()


def test_a_table_is_replaced_by_its_scored_self(spark, world, tmp_path):
    spark.range(9).select(F.col("id").cast("string").alias("key")).write.parquet(f"{tmp_path}/in")
    arguments = world.arguments(tmp_path, output={"path": f"{tmp_path}/in", "mode": "overwrite"})
    score(spark.read.parquet(f"{tmp_path}/in"), **arguments)
    assert sorted(spark.read.parquet(f"{tmp_path}/in").columns) == ["echo", "key"]
    assert spark.read.parquet(f"{tmp_path}/in").count() == 9


def test_a_part_of_a_table_is_replaced_by_its_scored_self_as_is_advised(spark, world, tmp_path):
    path = f"{tmp_path}/table"
    rows = spark.range(9).select(F.col("id").cast("string").alias("key"), F.lit("before").alias("echo"))
    rows.write.format("delta").save(path)
    part = spark.read.format("delta").load(path).where("key > '5'").drop("echo")
    output = {"path": path, "format": "delta", "mode": "overwrite", "replace_where": "key > '5'"}
    score(part, **world.arguments(tmp_path, output=output))
    table = spark.read.format("delta").load(path)
    assert (table.where("echo = 'before'").count(), table.where("key > '5' AND echo != 'before'").count()) == (6, 3)


@pytest.mark.parametrize("left_out", [["echo"], ["echo", "other"]])
def test_a_table_without_columns_that_are_not_written_anew_is_no_whole_one(spark, tmp_path, left_out):
    path = f"{tmp_path}/table"
    spark.range(9).selectExpr("id", "id AS echo", "id AS other").write.format("delta").save(path)
    part = spark.read.format("delta").load(path).drop(*left_out)
    targets = Targets(
        Output(path=path, format="delta", mode="overwrite"), DeadLetter(path="s3://tests/dead"), run_id=""
    )
    found = overlaps(spark, targets, PLACES, MemoryStore(), Reading(None, lambda: part, ["echo"]))
    assert len(found) == (len(left_out) > 1)


def test_a_part_that_is_told_by_its_predictions_is_not_replaced_as_new_ones_would_not_be_of_it(spark, tmp_path):
    path = f"{tmp_path}/table"
    spark.range(9).selectExpr("id", "CAST(NULL AS BIGINT) AS echo").write.format("delta").save(path)
    part = spark.read.format("delta").load(path).where("echo IS NULL").drop("echo")
    output = Output(path=path, format="delta", mode="overwrite", replace_where="echo IS NULL")
    targets = Targets(output, DeadLetter(path="s3://tests/dead"), run_id="")
    (fault,) = overlaps(spark, targets, PLACES, MemoryStore(), Reading(None, lambda: part, ["echo"]))
    assert "on columns that stay" in fault
