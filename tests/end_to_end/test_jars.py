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

pytestmark = pytest.mark.slow

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
    (tmp_path / "in").mkdir()
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


POM = """\
<project><modelVersion>4.0.0</modelVersion><groupId>io.delta</groupId><artifactId>{name}</artifactId>\
<version>4.4.0</version></project>
"""
TRIVIAL = """\
import os
from batch_transform.pipeline.handshake import Handshake
handshake = Handshake.from_environ(os.environ)
handshake.report({"status": "began"})
handshake.end(0)
"""


def left(repository, *kinds):
    name = "delta-spark_4.2_2.13"
    folder = repository / "io" / "delta" / name / "4.4.0"
    folder.mkdir(parents=True)
    for kind in kinds:
        (folder / f"{name}-4.4.0.{kind}").write_bytes(
            POM.format(name=name).encode() if kind == "pom" else b"PK\x05\x06" + bytes(18)  # a zip of nothing
        )


@pytest.mark.spark
@pytest.mark.parametrize("in_public", [True, False])
def test_a_pom_without_its_jar_in_m2_ends_no_run_whose_jar_is_public_and_another_with_a_remedy(tmp_path, in_public):
    """Nothing is asked of a network: what is public is a folder here."""
    left(tmp_path / "home" / ".m2" / "repository", "pom")
    left(tmp_path / "public", *(["pom", "jar"] if in_public else []))
    (tmp_path / "run.yml").write_text(f'{RUN}emulator: {{models: {{churn: "python -m model"}}}}\n')
    (tmp_path / "driver.py").write_text(TRIVIAL)
    (tmp_path / "in").mkdir()
    environ = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "SPARK_HOME")} | {
        "VIRTUAL_ENV": sys.prefix,
        "BATCH_TRANSFORM_ENTRY_POINT": str(tmp_path / "driver.py"),
        "DEFAULT_ARTIFACT_REPOSITORY": f"{(tmp_path / 'public').as_uri()}/",
        "JAVA_TOOL_OPTIONS": f"-Duser.home={tmp_path / 'home'}",
    }
    command = [str(ROOT / "spark-submit.sh"), "run.yml"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=False)
    if in_public:
        assert (done.returncode, json.loads(done.stdout)) == (0, {"status": "began"}), done.stderr[-2000:]
        return
    assert (done.returncode, json.loads(done.stdout)["status"]) == (4, "failed")
    assert "jars      not to be had: io.delta:delta-spark_4.2_2.13:4.4.0; is Maven Central reached" in done.stderr
    assert "a .pom without its .jar has to go" in done.stderr
    assert "\tat org.apache.spark" not in done.stderr
