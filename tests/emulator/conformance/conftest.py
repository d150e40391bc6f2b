"""The service under test. `pytest tests/emulator/conformance --aws --aws-bucket B --aws-role ARN --aws-image URI`."""

import uuid
from collections.abc import Iterator

import boto3
import pytest

from support.conformance_service import Service
from support.model_server import model_command
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings

KEYS = {"aws_access_key_id": "AKIATEST", "aws_secret_access_key": "secret", "region_name": "us-west-2"}
AWS_JOB_SECONDS = 1800.0


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--aws", action="store_true", help="run the suite on a real account, which costs money")
    group.addoption("--aws-bucket", help="a bucket that the role can read and write")
    group.addoption("--aws-role", help="the execution role's ARN")
    group.addoption("--aws-image", help="an image in ECR that runs model_server.py mirror")
    group.addoption("--aws-instance-type", default="ml.m5.large")


@pytest.fixture(scope="session")
def account(request: pytest.FixtureRequest) -> Iterator[dict[str, object]]:
    """Clients, bucket and model; what was created ends with the session."""
    if not request.config.getoption("--aws", default=False):
        with Emulator(Settings({"mirror": model_command("mirror")}, buckets=["conformance"])) as emulator:
            clients = {
                name: boto3.client(name, endpoint_url=emulator.endpoint_url, **KEYS)
                for name in ("s3", "sagemaker", "logs")
            }
            place = {"bucket": "conformance", "model": "mirror", "instance_type": "ml.m5.large"}
            yield clients | place | {"seconds": 60.0, "poll_seconds": 0.02}
        return
    chosen = {name: request.config.getoption(f"--aws-{name}") for name in ("bucket", "role", "image")}
    if not all(chosen.values()):
        raise pytest.UsageError("--aws needs --aws-bucket, --aws-role and --aws-image")
    clients = {name: boto3.client(name) for name in ("s3", "sagemaker", "logs")}
    model = f"conformance-{uuid.uuid4().hex[:16]}"
    container = {"Image": chosen["image"]}
    clients["sagemaker"].create_model(ModelName=model, PrimaryContainer=container, ExecutionRoleArn=chosen["role"])
    place = {"bucket": chosen["bucket"], "model": model}
    place["instance_type"] = request.config.getoption("--aws-instance-type")
    yield clients | place | {"seconds": AWS_JOB_SECONDS, "poll_seconds": 30.0}
    clients["sagemaker"].delete_model(ModelName=model)


@pytest.fixture
def service(account: dict[str, object]) -> Service:
    """The service with a prefix that no other test uses."""
    return Service(**account)  # type: ignore[arg-type]
