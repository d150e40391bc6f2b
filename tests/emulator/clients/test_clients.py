"""Clients that nobody here wrote, unchanged: they are told of the emulator by AWS_ENDPOINT_URL and by nothing else."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.client_processes import environment, output_of
from support.emulator_aws import Aws, request
from support.model_server import model_command
from support.venvs import AIRFLOW, Venv

# The first run installs what it tries.
pytestmark = [pytest.mark.timeout(1200), pytest.mark.slow]

HERE = Path(__file__).parent
MIRROR = model_command("mirror")
AWS_CLI = ("awscli==1.46.2",)


@pytest.fixture
def aws(served: Callable[..., Aws], job: str) -> Aws:
    aws = served({"mirror": MIRROR})
    aws.s3.put_object(Bucket=job, Key="in/a", Body=b"1\n2\n")
    return aws


def test_boto3(aws: Aws, job: str) -> None:
    """boto3: create, describe, list, its waiter, its paginator of objects."""
    aws.sagemaker.create_transform_job(**request(job, job, ModelName="mirror"))
    waiter = aws.sagemaker.get_waiter("transform_job_completed_or_stopped")
    waiter.wait(TransformJobName=job, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    (listed,) = aws.sagemaker.list_transform_jobs(NameContains=job)["TransformJobSummaries"]
    assert listed["TransformJobStatus"] == "Completed"
    assert aws.outputs(job) == {"a.out": b"1\n2\n"}


def test_the_sagemaker_sdk(aws: Aws, job: str) -> None:
    """The SDK's `Transformer`, which waits with logs, and `TransformJob.wait`."""
    command = [sys.executable, str(HERE / "sdk_transform.py"), job, f"s3://{job}/in/", f"s3://{job}/out"]
    assert json.loads(output_of(command, environment(aws)).splitlines()[-1]) == {"status": "Completed"}
    assert aws.outputs(job) == {"a.out": b"1\n2\n"}


def test_the_aws_cli(aws: Aws, job: str, venv: Venv, tmp_path: Path) -> None:
    """`aws s3 cp`, `aws sagemaker create-transform-job`, `wait`, `describe-transform-job`, `aws s3 cp` again."""
    command, env = str(venv("awscli", *AWS_CLI) / "aws"), environment(aws)
    given = tmp_path / "b"
    given.write_bytes(b"3\n")
    output_of([command, "s3", "cp", str(given), f"s3://{job}/in/b"], env)
    body = json.dumps(request(job, job, ModelName="mirror"))
    output_of([command, "sagemaker", "create-transform-job", "--cli-input-json", body], env)
    output_of([command, "sagemaker", "wait", "transform-job-completed-or-stopped", "--transform-job-name", job], env)
    described = output_of([command, "sagemaker", "describe-transform-job", "--transform-job-name", job], env)
    assert json.loads(described)["TransformJobStatus"] == "Completed"
    assert output_of([command, "s3", "cp", f"s3://{job}/out/b.out", "-"], env) == "3\n"


def test_airflow(aws: Aws, job: str, venv: Venv, tmp_path: Path) -> None:
    """`SageMakerTransformOperator` creates the job and describes it; `SageMakerTransformSensor` sees it end."""
    python = str(venv("airflow", *AIRFLOW) / "python")
    body = json.dumps(request(job, job, ModelName="mirror"))
    env = environment(aws, AIRFLOW_HOME=str(tmp_path))
    told = output_of([python, str(HERE / "airflow_tasks.py"), body], env).splitlines()[-1]
    assert json.loads(told) == {"created": job, "sensed": True}
    assert aws.outputs(job) == {"a.out": b"1\n2\n"}
