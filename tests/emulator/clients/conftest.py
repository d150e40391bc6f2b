"""Emulators that clients are told of, and virtual environments for those that must not share one with the rest."""

import uuid
from collections.abc import Callable, Iterator, Mapping

import pytest

from support import venvs
from support.emulator_aws import Aws
from support.venvs import Venv
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings


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
