"""The rows of a production pipeline that need no more than the main job: its records, and its bad rows."""

from __future__ import annotations

import datetime
import json

import pytest
from pyspark.sql import functions as F

from batch_transform import score
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]
SITES, ROWS, BAD = 400, 8_000, 1_234


@pytest.fixture(scope="module", autouse=True)
def _small_objects():
    """Four objects of about two thousand rows: a bad row takes a quarter of the table with it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("batch_transform.core.sending.object_sizes.MAX_OBJECT_BYTES", 30_000)
        yield


@pytest.fixture
def parquet(spark, tmp_path):
    """A table on disk as a website's pipeline has it: a struct of arrays of strings, a boolean, a date."""
    path = str(tmp_path / "sites")
    texts = F.array(F.concat(F.lit("titel “"), F.col("key"), F.lit("”")), F.lit(None).cast("string"))
    spark.range(SITES, numPartitions=3).select(F.col("id").cast("string").alias("key")).select(
        "key",
        F.struct(texts.alias("titles"), F.array().cast("array<string>").alias("links")).alias("page"),
        (F.col("key") % 2 == 0).alias("is_paid"),
        F.date_add(F.lit("2024-02-28").cast("date"), (F.col("key") % 3).cast("int")).alias("day"),
    ).write.parquet(path)
    return spark.read.parquet(path)


def test_a1_nested_rows_of_parquet_are_json_lines(world, parquet, tmp_path):
    arguments = world.arguments(tmp_path)
    result = score(parquet, **arguments)
    assert_same_rows(result.df, parquet.withColumn("echo", F.col("key")))
    folder = f"rows/{arguments['run_id']}/input/"
    objects = [world.body(key) for key in world.objects(folder)]
    records = [json.loads(line) for body in objects for line in body.removesuffix(b"\n").split(b"\n")]
    assert sorted(records, key=lambda record: int(record["key"])) == [_record(number) for number in range(SITES)]


def _record(number: int) -> dict[str, object]:
    day = datetime.date(2024, 2, 28) + datetime.timedelta(days=number % 3)
    page = {"titles": [f"titel “{number}”", None], "links": []}
    return {"key": str(number), "page": page, "is_paid": number % 2 == 0, "day": day.isoformat()}


@pytest.fixture(scope="module")
def with_a_bad_row(world, spark, tmp_path_factory):
    """The rows, the result of a run over them in which the model refuses one, and the run's arguments."""
    rows = spark.range(ROWS, numPartitions=1).select(F.col("id").cast("string").alias("key")).localCheckpoint()
    arguments = world.arguments(tmp_path_factory.mktemp("bad"), errors={"max_rows": 1})
    with world.faults({"fault": "status", "status": 400, "body": "no", "record": f'"key":"{BAD}"'}):
        return rows, score(rows, **arguments), arguments


def test_a8_only_the_row_fails_that_cannot_be_processed(world, with_a_bad_row):
    """Fewer objects than rows in the failed file, and a payload that the small records need, not 100 MB."""
    _, result, arguments = with_a_bad_row
    assert [row["key"] for row in result.dead_letters.collect()] == [str(BAD)]
    jobs = result.report["jobs"]
    failed_rows = ROWS // jobs[0]["objects"]
    assert sum(job["objects"] for job in jobs[1:]) < failed_rows
    assert {job["max_payload_mb"] for job in jobs} == {1}
    assert len(world.jobs(arguments["run_id"])) == len(jobs)


def test_d1_a_bad_record_is_skipped_and_not_its_file(with_a_bad_row):
    rows, result, _ = with_a_bad_row
    good = rows.where(F.col("key") != str(BAD))
    assert_same_rows(result.df, good.withColumn("echo", F.col("key")))
    assert result.report["errors"][0]["class"] == "rejected by the model"
