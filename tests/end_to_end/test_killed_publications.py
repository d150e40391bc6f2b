"""Publishing is killed and resumed again and again: each row once, and `_SUCCESS` beside a whole table only."""

from __future__ import annotations

import random
import threading
import time
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError
from pyspark.sql.connect.session import SparkSession

from batch_transform.outputs.registry import DEFAULT
from support.drivers import POISON, ROWS, expected
from support.emulated import BUCKET
from support.memory_run import rows_of_file
from support.strikes import Strike

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]
AGAIN = 10
MODES = {
    "append": {"mode": "append"},
    "overwrite": {"mode": "overwrite"},
    "overwrite_partitions": {"mode": "overwrite_partitions", "partition_by": ["part"]},
    "partitioned": {"mode": "append", "partition_by": ["part"]},
    "orc": {"mode": "overwrite_partitions", "partition_by": ["part"], "format": "orc"},
}
PUBLISHING = {"gated", "publication", "published"}


def published(scene, output):
    """A run that nobody disturbs."""
    run = scene.run(output=output)
    run.finish()
    return run


def kill_again_and_again(scene, output, times, seed):
    """A run whose drivers are all killed while they publish, but for the last one."""
    draw = random.Random(seed)
    run = scene.run(output=output)
    points = []
    for number in range(times):
        driver = run.start()
        strike = Strike(draw.randrange(12), number % 2 == 1, driver.kill, fits=_publishes).into(scene.proxy)
        driver.wait()
        scene.proxy.watch = scene.proxy.answered = lambda passing: None
        points.append(str(strike.struck))
    run.finish()
    return run, points


def _publishes(passing):
    """Whether it changes the output, or is one of the last steps of the ledger."""
    in_output = f"/{BUCKET}/out/" in passing.path and "_probe" not in passing.path
    in_ledger = "/ledger/" in passing.path and passing.step in ("gated", "publication", "published")
    return passing.mutates and (in_output or in_ledger)


@contextmanager
def reading(world, base, allowed, format):
    """Reads the output in a loop, as a reader does who honours `_SUCCESS`; yields what it found."""
    found, wrong, ended = set(), [], threading.Event()
    client = world.client("s3")

    def rows():
        listed = {o["Key"]: o["LastModified"] for o in _list(client, base)}
        if f"{base}/_SUCCESS" not in listed:
            return None
        try:
            data = [key for key in listed if key.endswith(f".{format}")]
            bodies = [client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in data]
        except ClientError:
            return None  # it was removed while it was read: the marker went before it
        again = {o["Key"]: o["LastModified"] for o in _list(client, base)}
        if again.get(f"{base}/_SUCCESS") != listed[f"{base}/_SUCCESS"]:
            return None
        return sorted(row["id"] for body in bodies for row in rows_of_file(body, format).to_pylist())

    def loop():
        while not ended.is_set():
            seen = rows()
            if seen is not None:
                found.add(len(seen))
                if seen not in allowed:
                    wrong.append(seen)
            time.sleep(0.02)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()
    assert wrong == []


def _list(client, base):
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{base}/")
    return [found for page in pages for found in page.get("Contents", ())]


IDS = sorted(place for place in range(ROWS) if place not in POISON)


def check_files(scene, name, times, seed):
    output = {"path": f"s3://{BUCKET}/out/{name}-{seed}", **MODES[name]}
    before = published(scene, output)
    twice = sorted([*IDS, *IDS])
    after = twice if MODES[name]["mode"] == "append" else IDS
    with reading(scene.world, f"out/{name}-{seed}", [IDS, after], MODES[name].get("format", DEFAULT)) as seen:
        run, points = kill_again_and_again(scene, output, times, seed)
    assert [row[0] for row in run.table("result")] == after
    assert set(run.table("result")) == set(expected())
    assert len(seen) >= 1
    assert len(run.table("dead_letter")) == len(POISON) * (2 if after is twice else 1)
    assert before.run_id != run.run_id
    return points


def check_delta(scene, times, seed):
    output = {"path": f"s3://{BUCKET}/out/delta-{seed}", "format": "delta", "mode": "append"}
    _, points = kill_again_and_again(scene, output, times, seed)
    spark = SparkSession.builder.remote(scene.remote).create()
    table = spark.read.format("delta").load(f"s3a://{BUCKET}/out/delta-{seed}")
    assert sorted(map(tuple, table.select("id", "echo").collect())) == expected()
    spark.stop()
    return points


@pytest.mark.long
def test_files_killed_while_it_publishes(scene):
    assert len(check_files(scene, "overwrite", 2, seed=5)) == 2


@pytest.mark.long
def test_delta_killed_while_it_publishes(scene):
    assert len(check_delta(scene, 2, seed=5)) == 2


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", MODES)
def test_files_resumed_ten_times(scene, name):
    points = check_files(scene, name, AGAIN, seed=8)
    print(f"{name}: killed at {points}")
    assert len(points) == AGAIN


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_delta_append_resumed_ten_times(scene):
    points = check_delta(scene, AGAIN, seed=8)
    print(f"delta: killed at {points}")
    assert len(points) == AGAIN
