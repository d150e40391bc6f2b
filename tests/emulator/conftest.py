"""An emulator in this process, boto3 clients for it, and a fixture that runs one job from files to outputs."""

import contextlib
import json
import shlex
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest

from emulator.scripted_model import ScriptedModel
from transform_emulator.emulator import Emulator, Settings
from transform_emulator.service.switches import Switches

LOG_GROUP = "/aws/sagemaker/TransformJobs"
DEFAULTS = Switches()
FINAL = {"Completed", "Failed", "Stopped"}
WAIT_SECONDS = 30
COMMAND_MODEL = Path(__file__).with_name("command_model.py")


@dataclass(frozen=True)
class Aws:
    """boto3 clients of one region, all with the emulator as their endpoint."""

    endpoint_url: str
    region: str = "us-west-2"
    access_key: str = "AKIATEST"
    secret_key: str = "secret"

    @classmethod
    def of(cls, endpoint_url: str, region: str = "us-west-2") -> "Aws":
        return cls(endpoint_url, region)

    @cached_property
    def s3(self) -> Any:
        return self.client("s3")

    @cached_property
    def sagemaker(self) -> Any:
        return self.client("sagemaker")

    @cached_property
    def logs(self) -> Any:
        return self.client("logs")

    def client(self, service: str, **options: Any) -> Any:
        """A client of another service, or with options of its own."""
        keys = {"aws_access_key_id": self.access_key, "aws_secret_access_key": self.secret_key}
        return boto3.client(service, endpoint_url=self.endpoint_url, region_name=self.region, **keys, **options)

    def wait_until(self, job: str, statuses: set[str] = FINAL, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
        """The job's description, once it is in one of the statuses."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            description = self.sagemaker.describe_transform_job(TransformJobName=job)
            if description["TransformJobStatus"] in statuses:
                return description
            time.sleep(0.01)
        raise AssertionError(f"{job} is still {description['TransformJobStatus']}")

    def outputs(self, bucket: str, prefix: str = "out/") -> dict[str, bytes]:
        """All objects below a prefix, by the rest of their keys."""
        listed = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        read = self.s3.get_object
        return {o["Key"].removeprefix(prefix): read(Bucket=bucket, Key=o["Key"])["Body"].read() for o in listed}

    def log_lines(self, job: str, data_log: bool) -> list[str]:
        """The lines of the job's data-log streams, or of its container streams."""
        streams = self.logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{job}/")["logStreams"]
        names = [s["logStreamName"] for s in streams if s["logStreamName"].endswith("/data-log") == data_log]
        read = self.logs.get_log_events
        return [
            e["message"] for n in names for e in read(logGroupName=LOG_GROUP, logStreamName=n, limit=10_000)["events"]
        ]


@dataclass(frozen=True)
class Ran:
    """What one job left behind."""

    description: dict[str, Any]
    outputs: dict[str, bytes]
    bodies: list[bytes]
    data_log: list[str]

    @property
    def status(self) -> str:
        return self.description["TransformJobStatus"]


def request(job: str, bucket: str, **changes: Any) -> dict[str, Any]:
    """A CreateTransformJob request over s3://<bucket>/in/; `changes` are dotted paths with __ for the dot."""
    body: dict[str, Any] = {
        "TransformJobName": job,
        "ModelName": "scripted",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/in/"}},
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": f"s3://{bucket}/out", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = body
        for parent in parents:
            target = target.setdefault(parent, {})
        if value is None:
            target.pop(last, None)
        else:
            target[last] = value
    return body


@pytest.fixture(scope="session")
def scripted_server() -> Iterator[ScriptedModel]:
    server = ScriptedModel()
    yield server
    server.close()


@pytest.fixture
def model(scripted_server: ScriptedModel) -> ScriptedModel:
    scripted_server.reset()
    return scripted_server


@pytest.fixture(scope="session")
def early_server() -> Iterator[str]:
    """The URL of a server that answers every POST with 413 after its headers, and closes."""

    def serve() -> None:
        with contextlib.suppress(OSError):  # the listener is closed at the end of the session
            while True:
                connection, _ = listener.accept()
                with connection:
                    head = connection.recv(65536)
                    refused = head.startswith(b"POST")
                    status = b"413 Payload Too Large" if refused else b"200 OK" if b"/ping" in head else b"404 No"
                    connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    connection.shutdown(socket.SHUT_WR)
                    # Whatever came is read, or the kernel's reset could overtake the answer.
                    connection.settimeout(0.2)
                    with contextlib.suppress(OSError):
                        while connection.recv(65536):
                            pass

    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


@pytest.fixture
def early_refusal(early_server: str) -> str:
    """The name of a model that this server serves."""
    return "early"


@pytest.fixture(scope="session")
def make_aws(scripted_server: ScriptedModel, early_server: str) -> Iterator[Callable[..., Aws]]:
    """Starts an emulator with the given switches; the one for a set of switches is shared by all tests."""
    command = shlex.join([sys.executable, str(COMMAND_MODEL)])
    models = {
        "scripted": scripted_server.url,
        "command": command,
        "crashing": f"{command} crash",
        "early": early_server,
    }
    running: dict[Switches, Emulator] = {}

    def make(switches: Switches = DEFAULTS, region: str = "us-west-2") -> Aws:
        if switches not in running:
            running[switches] = Emulator(Settings(models, create_buckets=True, switches=switches))
            running[switches].start()
        return Aws.of(running[switches].endpoint_url, region)

    yield make
    for emulator in running.values():
        emulator.stop()


@pytest.fixture(scope="session")
def aws(make_aws: Callable[..., Aws]) -> Aws:
    return make_aws()


@pytest.fixture
def name() -> str:
    """A name that no other test uses, good for jobs and buckets."""
    return f"t-{uuid.uuid4().hex[:20]}"


@pytest.fixture
def run(aws: Aws, model: ScriptedModel, name: str) -> Callable[..., Ran]:
    """Puts files below in/, runs one job over them to its end, and collects what it left."""

    def run_job(files: Mapping[str, bytes], on: Aws = aws, **changes: Any) -> Ran:
        for key, body in files.items():
            on.s3.put_object(Bucket=name, Key=f"in/{key}", Body=body)
        on.sagemaker.create_transform_job(**request(name, name, **changes))
        description = on.wait_until(name)
        return Ran(description, on.outputs(name), list(model.bodies), on.log_lines(name, data_log=True))

    return run_job


def manifest(bucket: str, prefix: str, *entries: str) -> bytes:
    """A manifest's bytes."""
    return json.dumps([{"prefix": f"s3://{bucket}/{prefix}"}, *entries]).encode()
