"""Every class of failure, provoked on the emulator: it gets its remedy and its words; no good row is lost for it."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.core.errors import ErrorBudgetExceeded, ServiceFailure
from support.sampling import one_in
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ROWS = 60
POISON = '"key":"17"'

# What makes one row bad for ever: the fault, and the class and the evidence of its dead letter.
BAD_ROW = {
    "400": (
        {"fault": "status", "status": 400, "body": "no number"},
        "rejected by the model",
        "ClientError: 400\nno number",
    ),
    "413": ({"fault": "status", "status": 413}, "payload too large", "ClientError: 413"),
    "500": ({"fault": "status", "status": 500}, "model error", "Bad HTTP status received from algorithm: 500"),
    "drop": ({"fault": "drop"}, "model gave no answer", "Unable to get response from algorithm"),
    "timeout": ({"fault": "timeout"}, "model timed out", "Model server did not respond to /invocations request within"),
}
# What passes by itself, whatever it is called: no row may die of it. The second is the most rounds that it may take.
PASSING = {
    "500 once": ({"fault": "status", "status": 500, "calls": [1]}, 2),
    "429 twice": ({"fault": "status", "status": 429, "calls": [1, 2]}, 3),
    "408 once": ({"fault": "status", "status": 408, "calls": [1]}, 2),
    "drop once": ({"fault": "drop", "calls": [2]}, 2),
    "timeout once": ({"fault": "timeout", "calls": [3]}, 2),
    "out of memory once": ({"fault": "out_of_memory", "calls": [1]}, 4),
    "no capacity twice": ({"fault": "capacity_error", "calls": [1, 2]}, 3),
    "internal error once": ({"fault": "internal_error", "calls": [1]}, 2),
    "completed without output": ({"fault": "completed_without_output", "calls": [1]}, 2),
    "a truncated output": ({"fault": "output_truncated", "keep_lines": 3, "calls": [2]}, 2),
    "a line too many": ({"fault": "output_extra_lines", "calls": [2]}, 2),
    "a leftover output": ({"fault": "leftover_output", "body": '{"echo": "0"}\n'}, 1),
    "throttled describes": ({"fault": "throttling", "operation": "Describe*", "calls": [1, 2, 3]}, 1),
    "a throttled create": ({"fault": "throttling", "operation": "CreateTransformJob", "calls": [1]}, 1),
    "a quota that is used up": ({"fault": "resource_limit_exceeded", "calls": [1, 2]}, 1),
    "slow S3": ({"fault": "s3_slow_down", "calls": [5, 9, 14]}, 1),
}


@pytest.fixture(autouse=True)
def _small_objects(monkeypatch):
    monkeypatch.setattr("batch_transform.core.sending.object_sizes.MAX_OBJECT_BYTES", 300)


@pytest.fixture(scope="module")
def rows(spark):
    return spark.range(ROWS, numPartitions=2).select(F.col("id").cast("string").alias("key")).localCheckpoint()


@pytest.mark.long
def test_an_instance_that_never_works_is_repeated_and_told_of(world, rows, tmp_path, monkeypatch):
    # Objects reach instances by a hash of their names, which are random: of twenty, each instance has some.
    monkeypatch.setattr("batch_transform.core.sending.object_sizes.MAX_OBJECT_BYTES", 40)
    arguments = world.arguments(
        tmp_path, "logging", transform={"instance_count": 2, "spread": "instances", "poll_seconds": 0.1}
    )
    with world.faults({"fault": "instance_fails", "instance": 1, "calls": [1]}):
        result = score(rows, **arguments)
    is_right(rows, result)
    assert result.report["rounds"] == 2
    (advice,) = result.report["advice"]
    assert advice.startswith("1 of 2 instances of ")
    assert "fewer CPUs" in advice


def is_right(rows, result, *dead):
    """Each row has its own prediction, but for the dead ones."""
    good = rows.where(~F.col("key").isin([str(key) for key in dead]))
    assert_same_rows(result.df, good.withColumn("echo", F.col("key")))
    assert sorted(row["key"] for row in result.dead_letters.collect()) == sorted(map(str, dead))


@pytest.mark.parametrize(("fault", "error_class", "evidence"), one_in(4, BAD_ROW.values()), ids=BAD_ROW)
def test_a_bad_row_dies_alone_of_its_class(world, rows, tmp_path, fault, error_class, evidence):
    with world.faults({**fault, "record": POISON}):
        result = score(rows, **world.arguments(tmp_path, errors={"max_rows": 1}))
    is_right(rows, result, 17)
    (error,) = [row["error"] for row in result.dead_letters.collect()]
    assert error["class"] == error_class
    assert error["evidence"].startswith(evidence)
    assert error["message"]
    assert error["job"] in {job["name"] for job in result.report["jobs"]}
    # What nobody answered for is sent once more as it is: the server may not have been there.
    assert result.report["rounds"] == error["rounds"] <= (4 if fault["fault"] == "drop" else 3)
    (told,) = result.report["errors"]
    assert (told["class"], told["rows"], told["examples"][0]["object"]) == (error_class, 1, error["object"])
    assert POISON not in str(result.report)


@pytest.mark.parametrize(("fault", "rounds"), one_in(8, PASSING.values()), ids=PASSING)
def test_what_passes_by_itself_costs_rounds_and_no_row(world, rows, tmp_path, fault, rounds):
    with world.faults(fault):
        result = score(rows, **world.arguments(tmp_path))
    is_right(rows, result)
    assert result.report["rounds"] <= rounds


def test_s3_that_refuses_the_workers_probe_ends_the_run_as_what_may_pass(world, rows, tmp_path):
    arguments = world.arguments(tmp_path)
    with world.faults({"fault": "s3_internal_error", "key": "*/probe/*"}):
        with pytest.raises(ServiceFailure, match=r"workspace: S3 did not let Python workers .* nothing is paid for"):
            score(rows, **arguments)
        assert world.jobs(arguments["run_id"]) == []
    is_right(rows, score(rows, **arguments))


STOPPING = {
    "all rows refused": ({"fault": "status", "status": 400}, "no record at all was scored", 2),
    "no capacity": ({"fault": "capacity_error"}, "capacity in 3 jobs", 3),
    "never healthy": ({"fault": "no_ping"}, "the model never answered", 1),
    "all rows failing": ({"fault": "status", "status": 500}, "no record at all was scored", 2),
}


@pytest.mark.parametrize(("fault", "words", "rounds"), one_in(4, STOPPING.values()), ids=STOPPING)
def test_what_does_not_pass_ends_the_run_which_can_be_resumed(world, rows, tmp_path, fault, words, rounds):
    arguments = world.arguments(tmp_path)
    with world.faults(fault), pytest.raises(ServiceFailure, match=words):
        score(rows, **arguments)
    names = world.jobs(arguments["run_id"])
    assert len(names) == rounds
    assert not (tmp_path / "out").exists()
    if "no record" in words:
        (probe,) = [name for name in names if "-r2-" in name]
        assert len(world.inputs(probe)) <= 32
    is_right(rows, score(rows, **arguments))


def test_a_budget_that_is_exceeded_publishes_nothing_and_keeps_the_dead_letters(spark, world, rows, tmp_path):
    arguments = world.arguments(tmp_path)
    with world.faults({"fault": "status", "status": 400, "record": POISON}):
        with pytest.raises(ErrorBudgetExceeded, match="1 of 60 rows has no prediction"):
            score(rows, **arguments)
        assert not (tmp_path / "out").exists()
        kept = spark.read.parquet(f"{tmp_path}/staging/{arguments['run_id']}/dead_letters")
        assert [(row["key"], row["error"]["class"]) for row in kept.collect()] == [("17", "rejected by the model")]
        # The owner alone reads what lies on disk of rows, whatever the umask.
        on_disk = list((tmp_path / "staging" / arguments["run_id"]).rglob("*"))
        assert {path.is_dir(): path.stat().st_mode & 0o777 for path in on_disk} == {True: 0o700, False: 0o600}
        jobs = world.jobs(arguments["run_id"])
        is_right(rows, score(rows, **arguments, errors={"max_rows": 1}), 17)
    assert world.jobs(arguments["run_id"]) == jobs


@pytest.mark.long
def test_a_job_past_its_time_is_stopped_tried_once_more_and_given_up(world, rows, tmp_path, monkeypatch):
    """The service has no limit of its own; what the job had scored until then is kept where the service keeps it."""
    monkeypatch.setattr("batch_transform.pipeline.loop.handlers.poll_jobs._is_late", lambda ctx, found: True)
    arguments = world.arguments(tmp_path)
    slow = {"fault": "slow_start", "seconds": 30}
    with world.faults(slow), pytest.raises(ServiceFailure, match="job_timeout_minutes, twice"):
        score(rows, **arguments)
    assert len(world.jobs(arguments["run_id"])) == 2
    monkeypatch.undo()
    is_right(rows, score(rows, **arguments))


@pytest.mark.long
def test_a_job_stopped_by_somebody_else_ends_the_run(world, rows, tmp_path):
    arguments = world.arguments(tmp_path)
    stopped = []

    def stop(event):
        if "InProgress" in event.text and not stopped:
            stopped.append(event.text.partition(":")[0])
            world.client("sagemaker").stop_transform_job(TransformJobName=stopped[0])

    with world.faults({"fault": "slow_start", "seconds": 5}), pytest.raises(ServiceFailure, match="by somebody else"):
        score(rows, **arguments, listener=stop)
    is_right(rows, score(rows, **arguments))
