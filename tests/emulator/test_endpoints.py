"""Real-time endpoints of the models that jobs use."""

import contextlib
import json
from collections.abc import Iterator

import psutil
import pytest
from botocore.exceptions import ClientError

from support.emulator_aws import TELLING_MODEL, Aws
from support.model_server import DROP
from support.scripted_model import ScriptedModel
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings

MB = 2**20


def create_endpoint(aws: Aws, name: str, model: str) -> None:
    variant = {"VariantName": "all", "ModelName": model, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    aws.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    aws.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


@pytest.fixture
def runtime(aws: Aws, name: str, model: ScriptedModel):
    """A client, with an endpoint `name` of the scripted model."""
    create_endpoint(aws, name, "scripted")
    return aws.client("sagemaker-runtime")


def test_an_endpoint_answers_as_the_model_does(runtime, name: str, model: ScriptedModel) -> None:
    """InvokeEndpoint passes body, content type, accept and attributes on, and the answer back (API reference)."""
    model.script.answer = lambda body: (200, b"<" + body + b">")
    kinds = {"ContentType": "text/csv", "Accept": "text/plain", "CustomAttributes": "c=1"}
    answer = runtime.invoke_endpoint(EndpointName=name, Body=b"1,2", **kinds)
    assert (answer["Body"].read(), answer["InvokedProductionVariant"]) == (b"<1,2>", "all")
    (seen,) = model.invocations
    headers = {key.lower(): value for key, value in seen.headers.items()}
    assert (headers["content-type"], headers["accept"]) == ("text/csv", "text/plain")
    assert headers["x-amzn-sagemaker-custom-attributes"] == "c=1"


@pytest.mark.parametrize(("status", "kind"), [(400, "client"), (503, "server")])
def test_a_models_error_is_a_model_error(runtime, name: str, model: ScriptedModel, status: int, kind: str) -> None:
    """ModelError, HTTP 424, with the original status and message; a real-time call is not retried by the service."""
    model.script.answer = lambda _: (status, b"bad")
    with pytest.raises(runtime.exceptions.ModelError) as caught:
        runtime.invoke_endpoint(EndpointName=name, Body=b"1")
    answer = caught.value.response
    assert (answer["OriginalStatusCode"], answer["OriginalMessage"]) == (status, "bad")
    assert f'Received {kind} error ({status}) from primary with message "bad"' in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424


def test_a_model_that_does_not_answer(runtime, name: str, model: ScriptedModel) -> None:
    """A closed connection is a model's error too."""
    model.script.answer = lambda _: (DROP, b"")
    with pytest.raises(runtime.exceptions.ModelError):
        runtime.invoke_endpoint(EndpointName=name, Body=b"1")


def test_an_unknown_endpoint(runtime) -> None:
    """`Endpoint nobody of account 123456789012 not found.`, a ValidationError."""
    with pytest.raises(ClientError, match="Endpoint nobody of account 123456789012 not found"):
        runtime.invoke_endpoint(EndpointName="nobody", Body=b"1")


def test_a_body_over_the_limit(runtime, name: str) -> None:
    """Real-time payloads are limited, which is what mini-batches of a loop are made for."""
    with pytest.raises(ClientError, match="exceeds the limit"):
        runtime.invoke_endpoint(EndpointName=name, Body=b"x" * (25 * MB + 1))


@pytest.fixture
def started() -> Iterator[Aws]:
    """An emulator of its own whose model is a command."""
    with Emulator(Settings({"echo": TELLING_MODEL})) as emulator:
        yield Aws.of(emulator.endpoint_url)


def children() -> list[psutil.Process]:
    """Of this process, those that serve the model; another test's child may be about to be gone."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found += [process] if TELLING_MODEL in " ".join(process.cmdline()) else []
    return found


def test_a_server_lives_from_the_first_call_to_the_deletion(started: Aws) -> None:
    """One server for all calls, gone with DeleteEndpoint; and an endpoint that is deleted is not found."""
    create_endpoint(started, "one", "echo")
    runtime = started.client("sagemaker-runtime")
    before = len(children())
    for number in range(3):
        body = json.dumps(number).encode()
        assert runtime.invoke_endpoint(EndpointName="one", Body=body)["Body"].read() == body
    running = children()
    assert len(running) > before
    started.sagemaker.delete_endpoint(EndpointName="one")
    _, alive = psutil.wait_procs(running, timeout=10)
    assert alive == []
    with pytest.raises(ClientError, match="not found"):
        runtime.invoke_endpoint(EndpointName="one", Body=b"1")


def test_an_endpoint_of_an_image_that_nobody_serves_says_so(aws: Aws, name: str) -> None:
    """Not that there is no such endpoint, which sends its user to look in the wrong place."""
    role = "arn:aws:iam::123456789012:role/r"
    aws.sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer={"Image": "nobodys:1"})
    create_endpoint(aws, name, name)
    with pytest.raises(ClientError, match="the emulator serves no nobodys:1: name it with --model"):
        aws.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=b"1")
