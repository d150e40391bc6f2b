"""A dozen hurts of a workspace under Spark: what can be derived is derived again, and the table is the right one."""

from __future__ import annotations

import json

import pytest
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.core.amounts import counted
from batch_transform.core.errors import LedgerCorrupt, RowsLost
from support.emulated import BUCKET
from support.sampling import one_in
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ROWS = 60
POISON = {"fault": "status", "status": 400, "record": '"key":"17"'}


@pytest.fixture(autouse=True)
def _small_objects(monkeypatch):
    monkeypatch.setattr("batch_transform.core.sending.object_sizes.MAX_OBJECT_BYTES", 300)


@pytest.fixture(scope="module")
def rows(spark):
    return spark.range(ROWS, numPartitions=2).select(F.col("id").cast("string").alias("key")).localCheckpoint()


class Hurting:
    """Hurts the objects of a folder once, at an event of a step: every third deleted, every third altered."""

    def __init__(self, world, run_id, step, folder, text=""):
        self.world, self.step, self.text = world, step, text
        self.folder = f"{'runs' if folder == 'manifests' else 'rows'}/{run_id}/{folder}/"
        self.hurt = 0
        self.said = []

    def __call__(self, event):
        self.said.append(str(event.text))
        if event.step != self.step or self.text not in event.text or self.hurt:
            return
        client = self.world.client("s3")
        for place, key in enumerate(self.world.objects(self.folder)):
            body = self.world.body(key)
            if place % 3 == 0:
                client.delete_object(Bucket=BUCKET, Key=key)
            elif place % 3 == 1:
                client.put_object(Bucket=BUCKET, Key=key, Body=body.translate(bytes.maketrans(b"12345", b"54321")))
            self.hurt += 1


def test_input_objects_and_the_manifest_are_made_again_before_a_job(world, rows, tmp_path):
    arguments = world.arguments(tmp_path)
    inputs = Hurting(world, arguments["run_id"], "plan", "input")
    manifests = Hurting(world, arguments["run_id"], "plan", "manifests")

    def listener(event):
        inputs(event)
        manifests(event)

    result = score(rows, **arguments, listener=listener)
    assert inputs.hurt > 3
    assert manifests.hurt == 1
    assert_same_rows(result.df, rows.withColumn("echo", F.col("key")))
    assert len(result.report["jobs"]) == 1
    steps = [json.loads(world.body(key))["kind"] for key in world.objects(f"runs/{arguments['run_id']}/ledger/")]
    assert steps.count("mended") == 1


@pytest.mark.long
def test_input_objects_are_made_again_before_they_are_cut(world, rows, tmp_path):
    arguments = world.arguments(tmp_path, errors={"max_rows": 1})
    listener = Hurting(world, arguments["run_id"], "reconcile", "input", text="round 1")
    with world.faults(POISON):
        result = score(rows, **arguments, listener=listener)
    assert listener.hurt > 3
    assert_same_rows(result.df, rows.where("key <> 17").withColumn("echo", F.col("key")))
    assert [row["key"] for row in result.dead_letters.collect()] == ["17"]


@pytest.mark.long
def test_outputs_are_scored_again_and_no_others(world, rows, tmp_path):
    arguments = world.arguments(tmp_path)
    listener = Hurting(world, arguments["run_id"], "gate", "output")
    result = score(rows, **arguments, listener=listener)
    assert_same_rows(result.df, rows.withColumn("echo", F.col("key")))
    first, second = (job["objects"] for job in result.report["jobs"])
    assert second == len([place for place in range(first) if place % 3 < 2]) < first == listener.hurt


@pytest.mark.long
def test_outputs_are_scored_again_for_a_delta_table(spark, world, rows, tmp_path):
    out = str(tmp_path / "delta")
    arguments = world.arguments(tmp_path, output={"path": out, "format": "delta"})
    score(rows, **arguments, listener=Hurting(world, arguments["run_id"], "gate", "output"))
    assert_same_rows(spark.read.format("delta").load(out), rows.withColumn("echo", F.col("key")))


def test_merged_files_are_merged_again(spark, world, rows, tmp_path):
    arguments = world.arguments(tmp_path)
    lost = []

    def listener(event):
        if event.step == "merge" and not lost:
            lost.extend(tmp_path.glob(".out.batch_transform-*-result/*.parquet"))
            for path in lost:
                path.unlink()

    score(rows, **arguments, listener=listener)
    assert lost
    assert_same_rows(spark.read.parquet(str(tmp_path / "out")), rows.withColumn("echo", F.col("key")))


def staged_files(tmp_path):
    return sorted((tmp_path / "staging").rglob("staging/*/*/*/*.parquet"))


def test_rows_are_staged_again_while_no_job_is_planned(world, rows, tmp_path):
    arguments = world.arguments(tmp_path)
    lost = []

    def listener(event):
        if event.step == "export" and not lost:
            lost.extend(staged_files(tmp_path))
            lost[0].unlink()

    result = score(rows, **arguments, listener=listener)
    assert lost
    assert_same_rows(result.df, rows.withColumn("echo", F.col("key")))


@pytest.mark.parametrize("step", one_in(3, ["gate", "plan", "reconcile"]))
def test_staged_rows_that_are_altered_end_the_run_for_good(world, rows, tmp_path, step):
    arguments = world.arguments(tmp_path)
    done = []

    def listener(event):
        if event.step == step and not done:
            path = staged_files(tmp_path)[0]
            body = bytearray(path.read_bytes())
            body[len(body) // 3] ^= 1
            path.write_bytes(body)
            done.append(path)

    with pytest.raises(RowsLost, match="another run_id") as first:
        score(rows, **arguments, listener=listener)
    jobs = world.jobs(arguments["run_id"])
    with pytest.raises(RowsLost) as second:
        score(rows, **arguments)
    assert str(first.value) == str(second.value)
    assert world.jobs(arguments["run_id"]) == jobs
    assert f"Paid: {counted(len(jobs), 'job')}" in str(first.value)


def test_staged_files_that_only_look_younger_are_the_same(world, rows, tmp_path):
    arguments = world.arguments(tmp_path)

    def listener(event):
        if event.step == "reconcile":
            for path in staged_files(tmp_path):
                path.touch()

    result = score(rows, **arguments, listener=listener)
    assert_same_rows(result.df, rows.withColumn("echo", F.col("key")))


@pytest.mark.long
def test_a_damaged_ledger_says_the_same_each_time(world, rows, tmp_path):
    arguments = world.arguments(tmp_path)

    def listener(event):
        if event.step == "gate":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(rows, **arguments, listener=listener)
    client, folder = world.client("s3"), f"runs/{arguments['run_id']}/"
    client.delete_object(Bucket=BUCKET, Key=f"{folder}ledger/000000000002.json")
    client.put_object(Bucket=BUCKET, Key=f"{folder}lease.json", Body=b"no lease")
    said = set()
    for _ in range(2):
        with pytest.raises(LedgerCorrupt, match=r"step 3 where step 2 belongs.*Paid.*1 job\b.*another run_id") as error:
            score(rows, **arguments)
        said.add(str(error.value))
    assert len(said) == 1
    assert len(world.jobs(arguments["run_id"])) == 1
