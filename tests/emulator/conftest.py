"""An emulator in this process, and a fixture that runs one job from files to outputs."""

import contextlib
import socket
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from support.emulator_aws import TELLING_MODEL, Aws, Ran, request
from support.model_server import model_command
from support.scripted_model import ScriptedModel
from transform_emulator.emulator import Emulator
from transform_emulator.service.switches import Switches
from transform_emulator.settings import Settings

DEFAULTS = Switches()


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
    models = {
        "scripted": scripted_server.url,
        "command": TELLING_MODEL,
        "crashing": model_command("crashing"),
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
