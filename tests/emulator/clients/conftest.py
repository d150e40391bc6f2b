"""Emulators that clients are told of, and virtual environments for those that must not share one with the rest."""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping

import pytest

from emulator.conftest import Aws
from support import venvs
from support.venvs import Venv
from transform_emulator.emulator import Emulator, Settings


@pytest.fixture(scope="session")
def venv() -> Venv:
    """Gives the bin folder of an environment with some requirements."""
    return venvs.venv


@pytest.fixture
def served() -> Iterator[Callable[[Mapping[str, str]], Aws]]:
    """Starts an emulator that serves some models and makes buckets, and ends it after the test."""
    running: list[Emulator] = []

    def start(models: Mapping[str, str]) -> Aws:
        running.append(Emulator(Settings(models, create_buckets=True)))
        running[-1].start()
        return Aws.of(running[-1].endpoint_url)

    yield start
    for emulator in running:
        emulator.stop()


@pytest.fixture
def job() -> str:
    """A job's name, which is also its bucket's."""
    return f"job-{uuid.uuid4().hex[:12]}"


def environment(aws: Aws, **more: str) -> dict[str, str]:
    """What a client's process needs to find the emulator: nothing but what any AWS client reads."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    keys = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-west-2"}
    return inherited | keys | {"AWS_ENDPOINT_URL": aws.endpoint_url} | more


def output_of(command: list[str], env: Mapping[str, str]) -> str:
    """Standard output of a command that must succeed."""
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    return ran.stdout
