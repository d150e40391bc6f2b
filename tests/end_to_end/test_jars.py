"""The jars that a submission names are there and fit together: Delta on S3 through the slim set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).parents[2]
RUN = """\
run_id: r1
workspace: s3://jars-bucket/prefix
input: {path: in}
model: {name: churn}
output: {path: out, format: delta}
"""
DRIVER = """\
import os
from batch_transform.pipeline.handshake import Handshake
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
spark.range(10).write.format("delta").save("s3a://jars-bucket/delta")
spark.range(20).write.parquet("s3a://jars-bucket/parquet")
rows = [spark.read.format(name).load("s3a://jars-bucket/" + name).count() for name in ("delta", "parquet")]
handshake = Handshake.from_environ(os.environ)
handshake.report({"rows": rows})
handshake.end(0)
"""


@pytest.fixture
def endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.mark.spark
@pytest.mark.jars
def test_delta_and_parquet_are_written_and_read_on_s3(tmp_path, endpoint):
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    session = boto3.Session("test", "test", region_name="us-east-1")
    session.client("s3", endpoint_url=endpoint).create_bucket(Bucket="jars-bucket")
    session.client("sagemaker", endpoint_url=endpoint).create_model(
        ModelName="churn", PrimaryContainer={"Image": "churn"}, ExecutionRoleArn="arn:aws:iam::123456789012:role/models"
    )
    (tmp_path / "run.yml").write_text(RUN)
    (tmp_path / "driver.py").write_text(DRIVER)
    environ = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "SPARK_HOME")}
    done = subprocess.run(
        [
            str(ROOT / "spark-submit.sh"),
            "run.yml",
            *("--set", f"aws.endpoint_url={endpoint}"),
            *("--set", "aws.region=us-east-1"),
        ],
        cwd=tmp_path,
        env=environ
        | credentials
        | {"VIRTUAL_ENV": sys.prefix, "BATCH_TRANSFORM_ENTRY_POINT": str(tmp_path / "driver.py")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == {"rows": [10, 20]}
