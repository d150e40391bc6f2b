"""Serverless compute of Databricks, as far as a client of Spark Connect meets it: few settings can be set or read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid

import pytest

from support.drivers import IDENTITY, PATIENCE_SECONDS, ROOT
from support.emulated import BUCKET, REGION
from support.sampling import one_in

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]

# Whoever asks for a setting is refused as Databricks does, but for those that its documentation names, and but for
# reading those that are `held`. What the client itself asks for, it may.
NOTEBOOK = """
import json, sys
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from pyspark.sql.connect.conf import RuntimeConf
from batch_transform import score
from batch_transform.core.errors import ConfigurationError
from batch_transform.spark.refused_settings import SERVERLESS_SETTINGS

held, arguments = json.loads(sys.argv[1])
spark = SparkSession.builder.getOrCreate()

def guarded(call, free):
    def called(self, key, *more):
        if key not in free and sys._getframe(1).f_globals["__name__"].startswith("batch_transform."):
            raise AnalysisException(f"[CONFIG_NOT_AVAILABLE] Configuration {key} is not available. SQLSTATE: 42K0I")
        return call(self, key, *more)
    return called

for key, value in held.items():
    spark.conf.set(key, value)
for name in ("get", "set", "unset"):
    free = SERVERLESS_SETTINGS | (held.keys() if name == "get" else set())
    setattr(RuntimeConf, name, guarded(getattr(RuntimeConf, name), free))
rows = spark.range(40).selectExpr(
    "cast(id as string) AS key", "timestamp_seconds(id) AS at", "cast(concat('b', id) AS binary) AS bytes"
)
try:
    told = []
    result = score(rows, **arguments, listener=lambda event: told.append([event.step, event.text]))
except ConfigurationError as err:
    print(json.dumps(str(err)))
else:
    again = result.df.where("echo = key AND bytes = concat('b', key)").count()
    print(json.dumps([again, result.df.dtypes, [text for step, text in told if step == "warning"]]))
"""


def notebook(scene, tmp_path, held, **variables):
    arguments = {
        "run_id": f"r{uuid.uuid4().hex[:10]}",
        "model": "echo",
        "workspace": f"s3://{BUCKET}",
        "staging": str(tmp_path / "staging"),
        "output": {"path": str(tmp_path / "out")},
        "prediction": "echo string",
        "record": {"columns": ["key"]},
        "transform": {"poll_seconds": 0.1, "invocations_max_retries": 0},
        "aws": {"endpoint_url": scene.proxy.url, "region": REGION},
    }
    scene.proxy.reset()
    environment = {**os.environ, **IDENTITY, "PYTHONPATH": str(ROOT / "lib"), "SPARK_REMOTE": scene.remote, **variables}
    command = [sys.executable, "-c", NOTEBOOK, json.dumps([held, arguments])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1]), arguments


@pytest.mark.parametrize("variables", one_in(2, [{"IS_SERVERLESS": "TRUE"}, {}]))
def test_a_run_passes_where_few_settings_can_be_set_and_says_once_what_it_cannot_promise(scene, tmp_path, variables):
    told, _ = notebook(scene, tmp_path, {}, **variables)
    assert isinstance(told, list), told
    right, types, warnings = told
    assert right == 40
    assert types == [["key", "string"], ["at", "timestamp"], ["bytes", "binary"], ["echo", "string"]]
    (warning,) = warnings
    assert "it is not promised that a task's memory follows from the largest record" in warning


def test_a_setting_that_is_held_and_would_change_rows_ends_the_run_before_anything_is_paid(scene, tmp_path):
    told, arguments = notebook(scene, tmp_path, {"spark.sql.parquet.binaryAsString": "true"})
    assert "spark.sql.parquet.binaryAsString is true in this session, which takes no other value" in told
    assert scene.world.objects(f"runs/{arguments['run_id']}/") == []
