"""On the emulator: a larger instance type, the next one of a list, and a model that becomes another one meanwhile."""

from __future__ import annotations

import json
import uuid

import pytest
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.core.errors import ServiceFailure
from support.emulated import BUCKET
from support.sampling import one_in
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ROWS = 60
SMALL, LARGE = "ml.m5.large", "ml.m5.4xlarge"
TRANSFORM = {"poll_seconds": 0.1, "invocations_max_retries": 0}


@pytest.fixture(autouse=True)
def _small_objects(monkeypatch):
    monkeypatch.setattr("batch_transform.core.sending.object_sizes.MAX_OBJECT_BYTES", 100)


@pytest.fixture(scope="module")
def rows(spark):
    return spark.range(ROWS, numPartitions=2).select(F.col("id").cast("string").alias("key")).localCheckpoint()


def is_right(rows, result, *dead):
    good = rows.where(~F.col("key").isin([str(key) for key in dead]))
    assert_same_rows(result.df.drop("provenance"), good.withColumn("echo", F.col("key")))


def types(world, result):
    client = world.client("sagemaker")
    jobs = [client.describe_transform_job(TransformJobName=job["name"]) for job in result.report["jobs"]]
    return [job["TransformResources"]["InstanceType"] for job in jobs]


def rows_sent(world, jobs):
    """How many rows the objects of these jobs hold, by their names."""
    return sum(int(name.split("-")[1]) for job in jobs for name in world.inputs(job))


def test_out_of_memory_at_nine_tenths_is_resumed_on_a_larger_type_and_only_the_rest_is_sent(spark, world, tmp_path):
    """What begins at the rows from 50 on needs more memory than there is, however it is cut and as copies too."""
    rows = spark.range(ROWS, numPartitions=1).select(F.col("id").cast("string").alias("key")).localCheckpoint()
    arguments = world.arguments(tmp_path, transform={**TRANSFORM, "instance_type": SMALL})
    with world.faults({"fault": "out_of_memory", "key": "*s5?-*"}), pytest.raises(ServiceFailure) as failure:
        score(rows, **arguments)
    assert "out of memory" in str(failure.value)
    assert 'another transform["instance_type"]' in str(failure.value)
    before = world.jobs(arguments["run_id"])
    arguments["transform"] = {**TRANSFORM, "instance_type": LARGE}
    result = score(rows, **arguments)
    is_right(rows, result)
    new = [job["name"] for job in result.report["jobs"] if job["name"] not in before]
    assert 0 < rows_sent(world, new) < ROWS / 2
    assert {job["instance_type"] for job in result.report["jobs"] if job["name"] in new} == {LARGE}
    assert set(types(world, result)) == {SMALL, LARGE}


@pytest.mark.parametrize(
    "fault",
    one_in(2, [{"fault": "resource_limit_exceeded", "calls": [1]}, {"fault": "capacity_error", "calls": [1]}]),
    ids=str,
)
def test_without_capacity_the_second_type_of_the_list_is_taken(world, rows, tmp_path, fault):
    events = []
    transform = {**TRANSFORM, "instance_type": [SMALL, LARGE]}
    with world.faults(fault):
        result = score(rows, **world.arguments(tmp_path, transform=transform), listener=events.append)
    is_right(rows, result)
    assert types(world, result)[-1] == LARGE
    assert any(event.text.endswith(f"created on {LARGE}") for event in events)


class Model:
    """A model of its own on the emulator, with an artifact that can be overwritten."""

    def __init__(self, world):
        self.name, self.key = f"m-{uuid.uuid4().hex[:8]}", f"models/{uuid.uuid4().hex}/model.tar.gz"
        self.s3, self.sagemaker = world.client("s3"), world.client("sagemaker")
        self.put(b"one")
        self.make()

    def put(self, body):
        self.s3.put_object(Bucket=BUCKET, Key=self.key, Body=body)

    def make(self, **environment):
        container = {"Image": "echo", "ModelDataUrl": f"s3://{BUCKET}/{self.key}", "Environment": environment}
        role = "arn:aws:iam::123456789012:role/model"
        self.sagemaker.create_model(ModelName=self.name, PrimaryContainer=container, ExecutionRoleArn=role)

    def make_anew(self, **environment):
        self.sagemaker.delete_model(ModelName=self.name)
        self.make(**environment)


def interrupt_before_the_second_round(event):
    if event.step == "isolate":
        raise KeyboardInterrupt


@pytest.fixture
def begun(world, rows, tmp_path):
    """A model, and the arguments of a run of which it has done the first round."""
    model = Model(world)
    prediction = {"schema": "echo string", "provenance": True}
    arguments = world.arguments(tmp_path, model.name, prediction=prediction, errors={"max_rows": 1})
    bad = {"fault": "status", "status": 400, "record": '"key":"17"'}
    with world.faults(bad):
        with pytest.raises(KeyboardInterrupt):
            score(rows, **arguments, listener=interrupt_before_the_second_round)
        yield model, arguments


ALTERATIONS = {
    "overwritten": (lambda model: model.put(b"two!"), lambda model: model.put(b"one")),
    "another environment": (lambda model: model.make_anew(SECRET="hidden"), lambda model: model.make_anew()),
    "gone": (lambda model: model.sagemaker.delete_model(ModelName=model.name), lambda model: model.make()),
}


@pytest.mark.parametrize(("alter", "restore"), one_in(3, ALTERATIONS.values()), ids=ALTERATIONS)
def test_a_model_altered_between_two_rounds_ends_the_run_and_back_it_goes_on(world, rows, begun, alter, restore):
    model, arguments = begun
    before = world.jobs(arguments["run_id"])
    alter(model)
    with pytest.raises(ServiceFailure, match=model.name) as failure:
        score(rows, **arguments)
    assert "hidden" not in str(failure.value)
    assert world.jobs(arguments["run_id"]) == before
    restore(model)
    result = score(rows, **arguments)
    is_right(rows, result, 17)
    assert {row["model"] for row in result.df.select("provenance.model").collect()} == {model.name}


@pytest.mark.long
def test_accepted_each_row_says_which_model_scored_it(world, rows, begun):
    model, arguments = begun
    model.put(b"two!")
    result = score(rows, **arguments, accept_model=True)
    is_right(rows, result, 17)
    told = {entry["version"]: entry["model"] for entry in result.report["models"]}
    of_jobs = {job["name"]: f"{model.name}@{told[job['model_version']]}" for job in result.report["jobs"]}
    found = result.df.select("provenance.model", "provenance.job").collect()
    assert len({row["model"] for row in found}) == len(set(of_jobs.values())) == 2
    assert all(row["model"] == of_jobs[row["job"]] for row in found)


def test_what_the_ledger_tells_of_a_model_holds_no_value_of_its_environment(world, rows, begun):
    model, arguments = begun
    steps = [json.loads(world.body(key)) for key in world.objects(f"runs/{arguments['run_id']}/ledger/")]
    (recorded,) = [step["payload"]["identity"] for step in steps if step["kind"] == "model_recorded"]
    (container,) = recorded["containers"]
    assert dict(container["keys"])["Image"] == '"echo"'
    assert container["data"][0]["etag"]
    assert recorded["created_at"]
    assert model.name == recorded["name"]
