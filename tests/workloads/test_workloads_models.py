"""The rows about sizing, models and what the service tells of its instances."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.config.checking import check
from batch_transform.config.layers import Layer
from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError, PredictionsDiffer
from batch_transform.core.sending.job_planning import Throughput, throughput
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.commands.compare import compare
from batch_transform.pipeline.commands.named_run import Reached
from batch_transform.pipeline.commands.plan import plan
from batch_transform.pipeline.commands.plan_surroundings import NOTHING_AROUND
from support.emulated import BUCKET
from support.memory_run import MemoryRun, echoing
from support.tables import assert_same_rows

pytestmark = pytest.mark.slow

MB = 1_000_000
ROLE = "arn:aws:iam::123456789012:role/model"
ECHO = {"image": "echo", "data_url": "s3://models/echo/model.tar.gz", "role_arn": ROLE, "environment": {"A": "1"}}
ROWS = 600


@pytest.fixture(scope="module", autouse=True)
def _small_objects():
    """Objects of a few rows, as the rows are few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("batch_transform.core.sending.object_sizes.MAX_OBJECT_BYTES", 3_000)
        yield


@pytest.fixture(scope="module")
def table(spark, tmp_path_factory):
    """Where a table lies on disk whose records have one size."""
    path = str(tmp_path_factory.mktemp("table") / "rows")
    keys = spark.range(ROWS, numPartitions=1).select(F.lpad(F.col("id").cast("string"), 6, "0").alias("key"))
    keys.write.parquet(path)
    return path


def run_file(path, **transform):
    document = {
        "run_id": f"plan-{uuid.uuid4().hex[:8]}",
        "workspace": "s3://nobody-may-look/here",
        "input": {"path": path},
        "model": {"name": "echo"},
        "transform": transform,
        "output": {"path": "out"},
    }
    return check(RunConfig, [Layer("run.yml", document)], {})


@pytest.fixture(scope="module")
def scored(world, spark, table, tmp_path_factory):
    """The arguments of a run with a model that it makes, and its result."""
    transform = {"max_payload_mb": 8, "poll_seconds": 0.1, "instance_count": 2}
    arguments = world.arguments(tmp_path_factory.mktemp("scored"), ECHO, transform=transform)
    return arguments, score(spark.read.parquet(table), **arguments)


def requests(world, run_id):
    return [world.client("sagemaker").describe_transform_job(TransformJobName=name) for name in world.jobs(run_id)]


@pytest.mark.spark
def test_a2_payload_and_concurrency_follow_from_the_largest_record(spark, tmp_path):
    """Files of 12, 45 and 28 MB with a row of 6 MB: 100 / 6 = 16 at once."""
    sizes = [6 * MB, *[MB] * (12 - 6), *[MB] * 45, *[MB] * 28]
    around = len('{"text":""}\n')
    rows = spark.createDataFrame([(size - around,) for size in sizes], "size int").repartition(3)
    rows.select(F.expr("repeat('x', size)").alias("text")).write.parquet(str(tmp_path / "rows"))
    found = plan(spark, run_file(str(tmp_path / "rows")), lambda event: None, NOTHING_AROUND)
    (job,) = found["jobs"]
    assert (found["bytes"], found["largest_record_bytes"]) == ((12 + 45 + 28) * MB, 6 * MB)
    assert (job["max_payload_mb"], job["max_concurrent_transforms"]) == (6, 16)


def test_a2_a_file_that_cannot_be_split_costs_concurrency_and_model_leaves_both_to_the_container():
    assert throughput(45 * MB, "auto", "auto") == Throughput(45, 2)
    assert throughput(45 * MB, "model", "model") == Throughput(None, None)


@pytest.mark.spark
def test_a3_a_payload_of_8_mb_gives_12_requests_at_once(world, scored):
    arguments, _ = scored
    (request,) = requests(world, arguments["run_id"])
    assert (request["MaxPayloadInMB"], request["MaxConcurrentTransforms"]) == (8, 12)


def test_a3_both_can_be_pinned_up_to_a_product_of_100():
    assert throughput(MB, 25, 4) == Throughput(25, 4)
    with pytest.raises(
        ConfigurationError, match=r"times max_payload_mb \(25\) that is 125, the service's limit is 100"
    ):
        run_file("in", max_payload_mb=25, max_concurrent_transforms=5)


@pytest.mark.spark
def test_a4_a_job_reads_a_manifest_of_the_objects_that_are_to_run(world, scored):
    arguments, result = scored
    (request,) = requests(world, arguments["run_id"])
    assert request["TransformInput"]["DataSource"]["S3DataSource"]["S3DataType"] == "ManifestFile"
    written = world.objects(f"rows/{arguments['run_id']}/input/")
    assert sorted(world.inputs(request["TransformJobName"])) == [key.rpartition("/")[2] for key in written]
    assert len(written) == result.report["jobs"][0]["objects"] > 1


@pytest.mark.spark
def test_a5_an_invocation_has_an_hour(world, scored):
    (request,) = requests(world, scored[0]["run_id"])
    assert request["ModelClientConfig"]["InvocationsTimeoutInSeconds"] == 3600


def test_a9_instances_that_never_took_part_are_counted_with_advice():
    """What an instance should have scored that never started has no output, and its job no line that says why."""
    run = MemoryRun([5, 5], echoing(lambda row: None))
    read = run.service.read
    run.service.read = lambda *asked, **options: replace(read(*asked, **options), instances=4, data_logs=1)
    run.service.tamper = lambda job, name, body: None if job == 1 and name == run.service.sent[0] else body
    report = run.to_the_end().report
    (advice,) = report["advice"]
    assert report["rows_scored"] == 10
    assert advice.startswith("3 of 4 instances of ")
    assert "take an instance type with fewer CPUs or more memory" in advice


def test_a10_files_that_fail_although_the_payload_is_large_enough_point_to_memory():
    good = echoing(lambda row: None)
    run = MemoryRun([3, 40, 3], lambda records: 500 if len(records) > 10 else good(records))
    report = run.to_the_end().report
    assert report["rows_scored"] == 46
    (advice,) = report["advice"]
    assert advice.startswith("1 object failed although no row of it is bad")
    assert "take an instance type with more memory" in advice


def endpoint(world, model):
    """The name of a new endpoint of a model."""
    sagemaker, name = world.client("sagemaker"), f"live-{uuid.uuid4().hex[:8]}"
    variant = {"VariantName": "all", "ModelName": model, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return name


def compared(world, run_id, model):
    there = Reached(S3Uri.parse(f"s3://{BUCKET}/runs/{run_id}"), world.access)
    asked = parse(["compare", str(there.uri), "--endpoint", endpoint(world, model), "--rows", "100"])
    return compare(there, asked, lambda text: None)


@pytest.mark.spark
def test_b4_an_endpoint_of_the_same_model_gives_the_same_predictions(world, scored):
    """The job's model is the one that the run has made."""
    (request,) = requests(world, scored[0]["run_id"])
    report = compared(world, scored[0]["run_id"], request["ModelName"])
    assert (report["status"], report["rows_compared"], report["rows_different"]) == ("alike", 100, 0)


@pytest.mark.spark
def test_b4_another_models_differences_are_reported(world, scored, monkeypatch):
    other = lambda body: (200, b"\n".join([b'{"echo":"x"}'] * body.count(b"\n")))  # noqa: E731
    monkeypatch.setattr(world.models["shaped"].script, "answer", other)
    with pytest.raises(PredictionsDiffer, match=r"100 rows compared with endpoint live-.*: 100 differ") as caught:
        compared(world, scored[0]["run_id"], "shaped")
    assert caught.value.report["fields"] == [{"field": "echo", "rows_different": 100, "largest_difference": 0.0}]


@pytest.mark.spark
def test_b5_new_data_scored_with_the_same_model_shares_no_path_of_outputs(world, spark, scored, tmp_path):
    arguments, first = scored
    new = spark.range(5).select(F.concat(F.lit("new"), F.col("id").cast("string")).alias("key"))
    later = world.arguments(tmp_path, ECHO)
    result = score(new, **later)
    assert_same_rows(result.df, new.withColumn("echo", F.col("key")))
    both = [requests(world, run["run_id"])[0] for run in (arguments, later)]
    assert both[0]["ModelName"] == both[1]["ModelName"]
    paths = [request["TransformOutput"]["S3OutputPath"] for request in both]
    assert not paths[0].startswith(paths[1])
    assert not paths[1].startswith(paths[0])
    assert first.df.count() == ROWS


@pytest.mark.spark
def test_c5_a_plan_shows_what_instances_and_requests_at_once_buy_and_the_run_then_has_what_was_planned(
    world, spark, table, scored
):
    arguments, result = scored
    told = []
    before = world.objects()
    found = plan(spark, run_file(table, max_payload_mb=8, instance_count=2), told.append, NOTHING_AROUND)
    assert world.objects() == before
    (job,), (run,) = found["jobs"], result.report["jobs"]
    (request,) = requests(world, arguments["run_id"])
    planned = (job["max_payload_mb"], job["max_concurrent_transforms"], job["objects"])
    assert planned == (request["MaxPayloadInMB"], request["MaxConcurrentTransforms"], run["objects"])
    assert found["rows_in"] == ROWS
    assert [step["requests_at_once"] for step in found["instances"]] == [4, 4]
    # Its work is worth one start-up: two instances are two jobs of which one is not begun.
    assert {step["instance_count"]: step["objects_per_instance"] for step in found["instances"]} == {1: 4, 2: 4}
    assert [step["jobs"] for step in found["instances"]] == [1, 1]
    at_once = {step["max_concurrent_transforms"]: step["requests_in_turn"] for step in found["concurrency"]}
    assert at_once == {1: 4, 2: 2, 4: 1, 8: 1, 12: 1}
    assert any("instances" in event.text for event in told)


@pytest.mark.spark
def test_a_refused_run_makes_no_model(world, spark, table, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "there.parquet").write_bytes(b"x")
    model = {**ECHO, "environment": {"A": uuid.uuid4().hex}}
    sagemaker = world.client("sagemaker")
    before = len(sagemaker.list_models()["Models"])
    with pytest.raises(ConfigurationError, match="output"):
        score(spark.read.parquet(table), **world.arguments(tmp_path, model))
    assert len(sagemaker.list_models()["Models"]) == before
