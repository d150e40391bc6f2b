"""A client of Spark Connect, whose DataFrames are analysed late: what its session says holds for its input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid

import pytest

from support.drivers import IDENTITY, PATIENCE_SECONDS, ROOT
from support.emulated import BUCKET, REGION

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]

# Nothing of `df` is analysed before `score` asks for its schema.
NOTEBOOK = """
import json, sys
from pyspark.sql import SparkSession, functions as F
from batch_transform import score
from batch_transform.core.errors import ConfigurationError

settings, path, stop_at, arguments = json.loads(sys.argv[1])
spark = SparkSession.builder.getOrCreate()
for key, value in settings.items():
    spark.conf.set(key, value)
reader = spark.read.option("header", True).option("dateFormat", "MM/dd/yyyy")
df = reader.schema("key string, t timestamp, d date").csv(path).where("hour(t) = 0")

def listener(event):
    if event.step == stop_at:
        raise KeyboardInterrupt

try:
    result = score(df, **arguments, listener=listener).df
except KeyboardInterrupt:
    print(json.dumps("interrupted"))
except ConfigurationError as err:
    print(json.dumps(str(err)))
else:
    found = result.select(F.unix_seconds("t"), F.col("d").cast("string"), "hour").collect()
    left = {key: spark.conf.get(key) for key in settings}
    print(json.dumps([list(map(list, found)), left == settings]))
"""
BERLIN = {"spark.sql.session.timeZone": "Europe/Berlin", "spark.sql.legacy.timeParserPolicy": "LEGACY"}
ELSEWHERE = {"spark.sql.session.timeZone": "Asia/Kathmandu", "spark.sql.legacy.timeParserPolicy": "CORRECTED"}


def notebook(scene, *told):
    """What a notebook prints, in a session of its own."""
    environment = {**os.environ, **IDENTITY, "PYTHONPATH": str(ROOT / "lib"), "SPARK_REMOTE": scene.remote}
    command = [sys.executable, "-c", NOTEBOOK, json.dumps(told)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def arguments_of(scene, folder):
    """Arguments of `score` for a new run over the table of NOTEBOOK."""
    return {
        "run_id": f"r{uuid.uuid4().hex[:10]}",
        "model": "echo",
        "workspace": f"s3://{BUCKET}",
        "staging": str(folder / "staging"),
        "output": {"path": str(folder / "out")},
        "prediction": {"schema": "echo string", "sql": ["hour(timestamp_seconds(1714516200)) AS hour"]},
        "record": {"sql": "named_struct('key', key, 'hour', hour(t))"},
        "transform": {"poll_seconds": 0.1, "invocations_max_retries": 0},
        "aws": {"endpoint_url": scene.proxy.url, "region": REGION},
    }


def test_the_session_of_a_connect_client_holds_for_its_input_and_again_in_another_session(scene, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("key,t,d\n1,2024-05-01 00:30:00,3/7/2024\n2,2024-05-01 01:30:00,3/7/2024\n")
    arguments = arguments_of(scene, tmp_path)
    scene.proxy.reset()
    assert notebook(scene, BERLIN, str(path), "export", arguments) == "interrupted"
    # Its own input is read anew there, in whose zone no row is of the first hour: only what was staged counts.
    assert notebook(scene, ELSEWHERE, str(path), None, arguments) == [[[1714516200, "2024-03-07", 0]], True]
    sent = scene.world.objects(f"rows/{arguments['run_id']}/input/")  # of an export that was interrupted, and the other
    assert [json.loads(scene.world.body(key)) for key in sent] == [{"key": "1", "hour": 0}] * 2


def test_the_textbook_export_is_refused_before_any_work(scene, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("key,t,d\n1,2024-05-01 00:30:00,3/7/2024\n")
    arguments = {**arguments_of(scene, tmp_path), "export": "rows"}
    assert "export: rows needs an RDD, which Spark Connect has not" in notebook(scene, {}, str(path), None, arguments)
    assert scene.world.objects(f"runs/{arguments['run_id']}/") == []
    assert not (tmp_path / "staging").exists()
