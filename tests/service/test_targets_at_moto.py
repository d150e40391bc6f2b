"""Runs that EMR and EMR Serverless are asked for, and what lies on S3 of them: submitted to moto and read back."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from batch_transform.config import load
from batch_transform.pipeline.commands import named_run
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.commands.spark_submit_arguments import SparkArguments
from batch_transform.pipeline.submit.fetched_files import fetched
from batch_transform.pipeline.submit.submission import main
from batch_transform.s3.store import S3Store

REGION, BUCKET = "eu-west-1", "places"
ROLE = "arn:aws:iam::123456789012:role/driver"
RUN = f"""\
run_id: churn-${{ds}}
workspace: s3://{BUCKET}/prefix
input: {{path: s3://{BUCKET}/in}}
model: {{name: churn}}
output: {{path: s3://{BUCKET}/out}}
"""


@pytest.fixture
def aws(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "tests")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield s3


@pytest.fixture
def submitted(aws, tmp_path, monkeypatch):
    """Sends the run file with its keys of `deploy` to a target; gives the report."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "environment.tar.gz").write_bytes(b"an archive")
    (tmp_path / "run.yml").write_text(RUN)

    def run(target, *words):
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        arguments = [str(work), "score.py", "run.yml", "--var", "ds=2024-05-01", "--target", target, *words]
        code = main(arguments, {"AWS_REGION": REGION, "PATH": "/bin"})
        return code, json.loads((work / "fallback.json").read_text())

    return run


def objects(s3):
    return {each["Key"]: each["LastModified"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def uploaded(s3, report):
    """What lies where the report says, by its name."""
    keys = {
        each["target"].rpartition("/")[2]: each["target"].removeprefix(f"s3://{BUCKET}/") for each in report["uploads"]
    }
    return {name: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for name, key in keys.items()}


def test_a_step_of_emr_is_read_back_with_all_that_it_names(submitted, aws, tmp_path):
    emr = boto3.client("emr", region_name=REGION)
    cluster = emr.run_job_flow(
        Name="c",
        ReleaseLabel="emr-7.12.0",
        Instances={"InstanceCount": 1, "MasterInstanceType": "m5.xlarge"},
        JobFlowRole="r",
        ServiceRole="r",
    )["JobFlowId"]
    code, report = submitted("emr", "--set", f"deploy.cluster_id={cluster}")
    assert (code, report["status"]) == (0, "submitted"), report
    step = emr.describe_step(ClusterId=cluster, StepId=report["id"])["Step"]
    words = step["Config"]["Args"]
    assert (step["Name"], step["Config"]["Jar"]) == ("batch-transform churn-2024-05-01", "command-runner.jar")
    assert words == report["request"]["Steps"][0]["HadoopJarStep"]["Args"]
    there = uploaded(aws, report)
    assert there["environment.tar.gz"] == b"an archive"
    assert {word.rpartition("/")[2] for word in words if word.startswith("s3://")} == {
        "environment.tar.gz#environment",
        "lib.zip",
        "score.py",
        "run.yml",
    }
    (tmp_path / "away.yml").write_bytes(there["run.yml"])
    config = load(tmp_path / "away.yml")
    assert (config.run_id, config.aws.region) == ("churn-2024-05-01", REGION)


def test_a_run_of_emr_serverless_is_read_back_and_a_second_one_uploads_nothing_again(submitted, aws):
    serverless = boto3.client("emr-serverless", region_name=REGION)
    application = serverless.create_application(name="a", releaseLabel="emr-7.12.0", type="SPARK")["applicationId"]
    given = ("--set", f"deploy.application_id={application}", "--set", f"deploy.execution_role_arn={ROLE}")
    code, report = submitted("emr-serverless", *given)
    assert (code, report["status"]) == (0, "submitted"), report
    run = serverless.get_job_run(applicationId=application, jobRunId=report["id"])["jobRun"]
    asked = run["jobDriver"]["sparkSubmit"]
    assert asked == report["request"]["jobDriver"]["sparkSubmit"]
    assert "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON=./environment/bin/python" in shlex.split(
        asked["sparkSubmitParameters"]
    )
    assert run["executionRole"] == ROLE
    uploaded(aws, report)
    before = objects(aws)
    assert submitted("emr-serverless", *given)[0] == 0
    assert objects(aws) == before


def test_a_dry_run_asks_nobody_anything(submitted, aws):
    code, report = submitted("emr", "--set", "deploy.cluster_id=j-2AXXXXXXGAPLF", "--dry-run")
    assert (code, report["status"], len(report["uploads"])) == (0, "planned", 4)
    assert objects(aws) == {}


def test_what_a_service_refuses_is_exit_code_4_and_its_words(submitted):
    code, report = submitted(
        "emr-serverless", "--set", "deploy.application_id=00none", "--set", f"deploy.execution_role_arn={ROLE}"
    )
    assert (code, report["status"]) == (4, "failed")
    assert report["error"][0].startswith("emr-serverless.start_job_run: ")
    assert report["error"][0].endswith("nothing was started")


def read_at(location, command="run", *words):
    return named_run.loaded(parse([command, location, *words]), {"AWS_REGION": REGION})


def test_a_run_file_on_s3_is_read_with_those_that_it_extends(aws):
    aws.put_object(Bucket=BUCKET, Key="runs/_base.yml", Body=RUN.encode())
    aws.put_object(Bucket=BUCKET, Key="runs/daily/churn.yml", Body=b"extends: ../_base.yml\nmodel: {name: newer}\n")
    for command in ("run", "plan", "prepare", "resume", "status"):
        config = read_at(f"s3://{BUCKET}/runs/daily/churn.yml", command, "--var", "ds=1")
        assert (config.run_id, config.model.name) == ("churn-1", "newer")


def test_a_run_file_on_this_machine_extends_one_on_s3(aws, tmp_path):
    aws.put_object(Bucket=BUCKET, Key="_base.yml", Body=RUN.encode())
    (tmp_path / "run.yml").write_text(f"extends: s3://{BUCKET}/_base.yml\n")
    assert read_at(str(tmp_path / "run.yml"), "run", "--var", "ds=1").run_id == "churn-1"


def test_a_run_file_that_is_not_on_s3_or_goes_in_a_circle_is_told_by_its_whole_name(aws):
    with pytest.raises(Exception, match=f"s3://{BUCKET}/none.yml: no such file"):
        read_at(f"s3://{BUCKET}/none.yml")
    aws.put_object(Bucket=BUCKET, Key="a.yml", Body=b"extends: x/../a.yml\n")
    with pytest.raises(Exception, match=f"goes in a circle: s3://{BUCKET}/a.yml -> s3://{BUCKET}/a.yml"):
        read_at(f"s3://{BUCKET}/a.yml")


def test_a_folder_on_s3_is_a_run_and_a_run_file_there_is_none():
    folder, file = f"s3://{BUCKET}/prefix/r1", f"s3://{BUCKET}/prefix/r1.yml"
    assert [parse(["resume", place]).names_file for place in (folder, file)] == [False, True]
    assert [parse(["run", place]).names_file for place in (folder, file)] == [True, True]


def test_files_on_s3_are_fetched_for_a_spark_without_that_file_system(aws, tmp_path):
    aws.put_object(Bucket=BUCKET, Key="code/env.tar.gz", Body=b"archive")
    aws.put_object(Bucket=BUCKET, Key="code/a.jar", Body=b"jar")
    given = [
        "--archives",
        f"s3://{BUCKET}/code/env.tar.gz#environment",
        "--conf",
        f"spark.jars=b.jar,s3://{BUCKET}/code/a.jar",
    ]
    spark = fetched(SparkArguments(parse(["run.yml", *given]).spark, {}), tmp_path, lambda: S3Store(aws))
    archive, mark, name = spark.setting("spark.archives").partition("#")
    assert (Path(archive).read_bytes(), mark, name) == (b"archive", "#", "environment")
    first, second = spark.setting("spark.jars").split(",")
    assert (first, Path(second).read_bytes()) == ("b.jar", b"jar")
    with pytest.raises(Exception, match="there is no such object, and spark-submit was given it"):
        fetched(SparkArguments((("--jars", f"s3://{BUCKET}/none.jar"),), {}), tmp_path, lambda: S3Store(aws))
