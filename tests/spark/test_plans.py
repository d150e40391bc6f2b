"""A plan tells what the run then does, what it will cost by what the model took before, and what is missing."""

from __future__ import annotations

import json
import re
import uuid

import pytest

from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.estimate.earlier_jobs import GUESSED, MEASURED
from batch_transform.core.sending.spreading import REQUEST_BYTES
from batch_transform.pipeline.commands.plan import plan
from batch_transform.pipeline.commands.plan_surroundings import around
from batch_transform.pipeline.lifecycle.opening_run import open_run
from batch_transform.s3.store import S3Store
from support.runs import run_file, silent

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]


@pytest.fixture
def config(spark, world, tmp_path):
    rows = spark.range(0, 2_000, numPartitions=2).selectExpr("CAST(id AS STRING) AS key", "repeat('x', 500) AS text")
    rows.write.parquet(f"{tmp_path}/in")
    document = run_file(world, f"planned-{uuid.uuid4().hex[:6]}", input={"path": f"{tmp_path}/in"})
    document |= {"staging": f"{tmp_path}/staging", "output": {"path": f"{tmp_path}/out"}, "record": {}}
    return RunConfig.from_document(document)


def test_what_a_plan_says_is_what_the_run_does(spark, world, config, tmp_path):
    lines = []
    told = plan(spark, config, lambda event: lines.append(event.text), around(config, world.access), show_record=True)
    assert told["columns"] == ["key string", "text string", "echo string"]
    assert told["missing"] == []
    assert told["output"] in lines
    assert told["output"].endswith("is created")
    assert told["outlook"]["speed"] == GUESSED
    assert told["outlook"]["cost_usd"] is not None
    assert (told["rounds"]["least"], told["rounds"]["most"]) == (1, None)
    assert [quota["value"] for quota in told["quotas"]] == [None, None]
    assert "quota not known: SageMaker is emulated here" in lines
    assert any(line.startswith('the first record: {"key":"') for line in lines)
    assert lines[0] == f"input: {tmp_path}/in (parquet)"
    driver = open_run(spark, config, world.access, silent)
    report = driver.run().report
    driver.close(report)
    assert spark.read.parquet(f"{tmp_path}/out").dtypes == [tuple(column.split(" ")) for column in told["columns"]]
    assert (report["rows_in"], len(report["jobs"])) == (told["rows_in"], len(told["jobs"]))
    assert report["jobs"][0]["bytes"] == told["bytes"]
    again = plan(spark, config, silent, around(config, world.access))
    assert "the run is refused" in again["output"]
    assert (again["rounds"]["most"], again["rounds"]["told_by"]) == (
        1,
        "by 1 earlier run of this model: 0 of 2,000 rows had no prediction",
    )


def test_two_runs_over_some_rows_tell_how_fast_the_model_is(spark, world, config):
    store = S3Store(world.client("s3"))
    for rows in (100, 1_000):
        limited = config.limited(rows)
        driver = open_run(spark, limited, world.access, silent)
        driver.close(driver.run().report)
        report = json.loads(store.get(limited.layout.status)[0])
        (job,) = report["jobs"]
        # As it might have been, 4 s to start and 60 kB/s: here a job takes as long as the machine.
        seconds = 4 + (job["bytes"] + job["objects"] * REQUEST_BYTES) / 60_000
        job["instance_seconds"] = {"paid": seconds, "busy": seconds}
        store.put(limited.layout.status, json.dumps(report).encode())
    told = plan(spark, config, silent, around(config, world.access))
    assert told["outlook"]["speed"] == MEASURED
    assert "2 jobs of 2 earlier runs" in told["outlook"]["speed_from"]
    assert told["outlook"]["instance_start_seconds"] == pytest.approx(4.0, abs=0.01)
    least, most = told["outlook"]["elapsed_seconds"]
    assert least < 24 < most


def test_a_model_and_a_bucket_that_are_not_there_are_said_to_be_missing_and_refuse_no_plan(spark, world, config):
    model = config.model.model_copy(update={"name": "nobody"})
    elsewhere = config.model_copy(update={"model": model, "workspace": "s3://no-such-bucket-here/runs"})
    told = plan(spark, elsewhere, silent, around(elsewhere, world.access))
    assert told["rows_in"] == 2_000
    assert [word in " ".join(told["missing"]) for word in ("no-such-bucket-here", "nobody")] == [True, True]


@pytest.mark.parametrize(
    ("format", "path", "told"),
    [
        ("delta", "lake", "holds other/.*; so the run is refused$"),
        ("parquet", "lake/other/new", "lies in .*/lake/other, a Delta table.*; so the run is refused$"),
        ("parquet", "lake/other", "lake/other is a Delta table.*; so the run is refused$"),
        ("delta", "lake2", ": is created$"),
    ],
)
def test_an_output_around_or_in_another_table_is_told_to_be_refused(spark, world, config, tmp_path, format, path, told):
    (tmp_path / "lake" / "other" / "_delta_log").mkdir(parents=True)
    (tmp_path / "lake" / "other" / "_delta_log" / "0.json").touch()
    output = config.output.model_copy(update={"path": str(tmp_path / path), "format": format, "mode": "overwrite"})
    there = config.model_copy(update={"output": output})
    assert re.search(told, plan(spark, there, silent, around(there, world.access))["output"])


REFUSED = {
    "a schema that is not there": ({"output": {"table": "nosuch.t", "format": "delta"}}, r"no schema `nosuch`"),
    "a type of files that stay": (
        {"output": {"path": "{folder}/text", "mode": "append"}},
        "the column key is string here and bigint in .*part-",
    ),
    "partitions of files that stay": (
        {"output": {"path": "{folder}/text", "mode": "append", "partition_by": ["key"]}},
        r"output\.partition_by: is key, and .*partitioned by nothing",
    ),
    "a type of a table": (
        {"output": {"path": "{folder}/delta", "format": "delta", "mode": "append"}},
        "the column text is string here and bigint in",
    ),
    "a place that is read": (
        {"output": {"path": "{folder}/in", "mode": "append"}},
        "beside those that they are made of",
    ),
    "a name twice": ({"prediction": {"schema": "text double"}}, "text"),
    "no column of partitions": (
        {"output": {"path": "{folder}/out", "partition_by": ["day"]}},
        "column day",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_run_would_refuse_of_its_tables_is_told_by_the_plan(spark, world, config, tmp_path, name):
    """And by both in the same words."""
    spark.range(1).selectExpr("id AS key", "'' AS text", "'' AS echo").write.parquet(f"{tmp_path}/text")
    spark.range(1).selectExpr("'' AS key", "id AS text", "'' AS echo").write.format("delta").save(f"{tmp_path}/delta")
    changes, words = REFUSED[name]
    document = config.to_document() | json.loads(json.dumps(changes).replace("{folder}", str(tmp_path)))
    there = RunConfig.from_document(document)
    told = plan(spark, there, silent, around(there, world.access))["output"]
    assert re.search(rf"{words}.*; so the run is refused$", told, re.DOTALL), told
    with pytest.raises(ConfigurationError) as refused:
        open_run(spark, there, world.access, silent)
    assert told == f"{'; '.join(refused.value.faults)}; so the run is refused"
