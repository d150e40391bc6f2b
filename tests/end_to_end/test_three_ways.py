"""A daily job on a cluster, its file unedited on a laptop, and the call from a notebook give the same table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from batch_transform import score
from support.model_server import model_command
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
DAY = "2024-05-01"
BASE = """\
workspace: s3://my-bucket/scoring
transform: {instance_type: ml.m5.xlarge, instance_count: 4, poll_seconds: 0.2}
output: {format: delta, mode: append}
"""
CHURN = """\
extends: base.yml
run_id: churn-${ds}
input: {path: "${lake}/customers", where: "ds = '${ds}'"}
record: {columns: [age, plan]}
model: {name: churn-v7}
prediction: {schema: p double}
output: {path: "${lake}/scores"}
"""


@pytest.fixture(scope="module")
def emulator():
    """The endpoint of an emulator that stands for AWS: it was there before the run and stays after it."""
    command = [sys.executable, "-m", "transform_emulator", "--port", "0", "--bucket", "my-bucket", "--exit-with-stdin"]
    command += ["--model", f"churn-v7={model_command('churn')}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield json.loads(process.stdout.readline())["endpoint_url"]
        process.stdin.close()


@pytest.fixture(scope="module")
def lake(spark, tmp_path_factory):
    """A folder with a table of three days, and the run files of a team."""
    folder = tmp_path_factory.mktemp("lake")
    (folder / "base.yml").write_text(BASE)
    (folder / "churn.yml").write_text(CHURN)
    rows = spark.range(300).select(
        "id",
        (F.col("id") % 90).cast("int").alias("age"),
        F.lit("basic").alias("plan"),
        F.date_add(F.lit(DAY).cast("date"), (F.col("id") % 3).cast("int")).cast("string").alias("ds"),
    )
    rows.write.partitionBy("ds").parquet(str(folder / "customers"))
    return folder


def of_the_day(spark, lake):
    return spark.read.parquet(str(lake / "customers")).where(f"ds = '{DAY}'")


def submit(folder: Path, *arguments: str, **environment: str) -> dict[str, object]:
    """Runs the wrapper in `folder` and returns its report."""
    environ = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "SPARK_HOME")}
    done = subprocess.run(
        [str(ROOT / "spark-submit.sh"), *arguments],
        cwd=folder,
        env=environ | {"VIRTUAL_ENV": sys.prefix} | environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def is_right(spark, lake, scored):
    wanted = of_the_day(spark, lake).withColumn("p", F.col("age") / 100)
    assert wanted.count() == 100
    assert_same_rows(scored, wanted, key="id")


@pytest.mark.long
def test_a_daily_job_against_a_service_that_is_there(spark, lake, emulator, tmp_path):
    """As on a cluster, but for the rows that Spark writes itself, which need no `s3a://` here."""
    day = ["--var", f"ds={DAY}", "--var", f"lake={lake}", "--set", f"staging={tmp_path}"]
    report = submit(tmp_path, str(lake / "churn.yml"), *day, AWS_ENDPOINT_URL=emulator, AWS_REGION="us-east-1")
    assert report["run_id"] == f"churn-{DAY}"
    is_right(spark, lake, spark.read.format("delta").load(str(lake / "scores")))


@pytest.mark.parametrize("format", ["parquet", pytest.param("delta", marks=pytest.mark.long)])
def test_the_same_file_on_a_laptop(spark, lake, tmp_path, format):
    day = ["--var", f"ds={DAY}", "--var", "lake=s3://not-here", "--set", f"input.path={lake}/customers"]
    model = ["--emulator", f"churn-v7={model_command('churn')}"]
    output = ["--set", "output.path=out", "--set", f"output.format={format}"]
    submit(tmp_path, str(lake / "churn.yml"), *day, *output, *model)
    is_right(spark, lake, spark.read.format(format).load(str(tmp_path / "out")))


@pytest.mark.long
def test_the_call_from_a_notebook(spark, lake, emulator, tmp_path):
    result = score(
        of_the_day(spark, lake),
        run_id=f"notebook-{DAY}",
        model="churn-v7",
        workspace="s3://my-bucket/scoring",
        staging=str(tmp_path),
        columns=["age", "plan"],
        prediction="p double",
        transform={"instance_type": "ml.m5.xlarge", "instance_count": 4, "poll_seconds": 0.2},
        aws={"endpoint_url": emulator, "region": "us-east-1"},
    )
    is_right(spark, lake, result.df)
