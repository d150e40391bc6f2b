"""A dozen hurts of a workspace under Spark: what can be derived is derived again, and the table is the right one."""

from __future__ import annotations

import json

import pytest
from pyspark.sql import functions as F

from batch_transform import score
from support.emulated import BUCKET
from support.tables import assert_same_rows

pytestmark = pytest.mark.spark
ROWS = 60
POISON = {"fault": "status", "status": 400, "record": '"key":"17"'}


@pytest.fixture(autouse=True)
def _small_objects(monkeypatch):
    monkeypatch.setattr("batch_transform.core.sizing.MAX_OBJECT_BYTES", 300)


@pytest.fixture(scope="module")
def rows(spark):
    return spark.range(ROWS, numPartitions=2).select(F.col("id").cast("string").alias("key")).localCheckpoint()


class Hurting:
    """Hurts the objects of a folder once, at an event of a step: every third deleted, every third altered."""

    def __init__(self, world, run_id, step, folder, text=""):
        self.world, self.folder, self.step, self.text = world, f"runs/{run_id}/{folder}/", step, text
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


def test_input_objects_are_made_again_before_they_are_cut(world, rows, tmp_path):
    arguments = world.arguments(tmp_path, errors={"max_rows": 1})
    listener = Hurting(world, arguments["run_id"], "reconcile", "input", text="round 1")
    with world.faults(POISON):
        result = score(rows, **arguments, listener=listener)
    assert listener.hurt > 3
    assert_same_rows(result.df, rows.where("key <> 17").withColumn("echo", F.col("key")))
    assert [row["key"] for row in result.dead_letters.collect()] == ["17"]
