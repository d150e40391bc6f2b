"""Model servers that the emulator starts: their environment, their logs, their end."""

import json
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from support.emulator_aws import TELLING_MODEL, Aws, Ran, request
from transform_emulator.emulator import Emulator
from transform_emulator.service.allowed_callers import behind_doors
from transform_emulator.settings import Settings


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


def test_a_model_server_has_nothing_of_the_emulators_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container has what the service, its model and its job set; here also where programs are, and what was named."""
    for variable in ("HOME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONHASHSEED", "VIRTUAL_ENV"):
        monkeypatch.setenv(variable, "0")
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GITHUB_TOKEN", "LC_ALL"):
        monkeypatch.setenv(variable, f"the {variable}")
    monkeypatch.setenv("NAMED", "passed")
    monkeypatch.setenv("PYTHON_AWS_SECRET", "another")
    monkeypatch.setenv("PYTHONKEY", "the AWS_SECRET_ACCESS_KEY")  # a copy of a key is one
    settings = Settings({"telling": TELLING_MODEL}, create_buckets=True, pass_env=["NAMED", "AWS_ACCESS_KEY_ID"])
    with Emulator(settings) as emulator:
        aws = Aws.of(emulator.endpoint_url)
        aws.s3.put_object(Bucket=name, Key="in/a", Body=b"1\n")
        own = {"AWS_ACCESS_KEY_ID": "the job's", "LANG": "de"}
        aws.sagemaker.create_transform_job(**request(name, name, ModelName="telling", Environment=own))
        assert aws.wait_until(name)["TransformJobStatus"] == "Completed"
        (server,) = told(aws, name)
    environment = server["environment"]
    kept = {"HOME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONHASHSEED", "VIRTUAL_ENV", "PATH", "NAMED"}
    given = {"SAGEMAKER_BATCH", "SAGEMAKER_BIND_TO_PORT", "AWS_ACCESS_KEY_ID"}
    # What a Python sets in its own environment, and what this session of pytest had.
    assert {name for name in environment if not name.startswith("PYTHON")} - {"LC_CTYPE"} == (kept | given) - {
        "PYTHONHASHSEED"
    }
    assert not {"PYTHON_AWS_SECRET", "PYTHONKEY"} & set(environment)
    assert (environment["AWS_ACCESS_KEY_ID"], environment["LANG"]) == ("the job's", "de")


def test_a_script_server_answers_this_machine_alone() -> None:
    """It listens too: what a page could ask the emulator it must not ask a model."""

    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"scored"]

    for head, status in (
        ({"HTTP_HOST": "127.0.0.1:8080"}, "200 OK"),
        ({"HTTP_HOST": "page.example:8080"}, "403 Forbidden"),
        ({"HTTP_HOST": "127.0.0.1:8080", "HTTP_ORIGIN": "http://page.example"}, "403 Forbidden"),
        ({}, "403 Forbidden"),
    ):
        seen: list[str] = []
        behind_doors(application)(head, lambda status, headers, seen=seen: seen.append(status))
        assert seen == [status]
