"""Model servers that the emulator starts: their environment, their logs, their end."""

import json
from collections.abc import Callable
from typing import Any

import psutil

from support.emulator_aws import Aws, Ran, request


def told(aws: Aws, job: str) -> list[dict[str, Any]]:
    """What each started server printed about itself."""
    return [json.loads(line) for line in aws.log_lines(job, data_log=False)]


def test_a_command_is_started_for_each_instance_and_ended_with_its_job(
    aws: Aws, run: Callable[..., Ran], name: str
) -> None:
    """Instances are provisioned for the job and gone after it; workers that the server started must not stay either."""
    ran = run({"a": b"1\n"}, ModelName="command", TransformResources__InstanceCount=2)
    assert ran.status == "Completed"
    servers = told(aws, name)
    assert len({server["environment"]["SAGEMAKER_BIND_TO_PORT"] for server in servers}) == 2
    pids = [pid for server in servers for pid in server["pids"]]
    assert [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"] == []


def test_only_what_the_request_sets_is_in_the_environment(aws: Aws, run: Callable[..., Ran], name: str) -> None:
    """SAGEMAKER_BATCH always, the other three "only if the user set them in the request" (developer guide)."""
    run({"a": b"1\n"}, ModelName="command", MaxPayloadInMB=7, Environment={"COLOUR": "red"})
    (server,) = told(aws, name)
    mine = {k: v for k, v in server["environment"].items() if k.startswith("SAGEMAKER_") or k == "COLOUR"}
    del mine["SAGEMAKER_BIND_TO_PORT"]
    assert mine == {"SAGEMAKER_BATCH": "true", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "7", "COLOUR": "red"}


def test_all_of_it_in_the_environment(aws: Aws, run: Callable[..., Ran], name: str) -> None:
    """The strategy is in upper snake case for the container (developer guide)."""
    run({"a": b"1\n"}, ModelName="command", MaxConcurrentTransforms=2, BatchStrategy="SingleRecord")
    (server,) = told(aws, name)
    assert server["environment"]["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] == "2"
    assert server["environment"]["SAGEMAKER_BATCH_STRATEGY"] == "SINGLE_RECORD"


def test_a_server_that_ends_before_it_is_healthy(aws: Aws, run: Callable[..., Ran], name: str) -> None:
    """amazon-sagemaker-examples#852: `AlgorithmError: Model container failed to respond to ping. ...`."""
    aws.s3.put_object(Bucket=name, Key="in/a", Body=b"1\n")
    aws.sagemaker.create_transform_job(**request(name, name, ModelName="crashing"))
    described = aws.wait_until(name)
    assert described["FailureReason"].startswith("AlgorithmError: Model container failed to respond to ping.")
    assert aws.log_lines(name, data_log=False) == ["no model here"]
    assert aws.log_lines(name, data_log=True) == []
