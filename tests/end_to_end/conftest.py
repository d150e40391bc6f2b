"""What tests with drivers of their own share: one emulator behind one proxy, and one warm Spark."""

from __future__ import annotations

import os
from contextlib import ExitStack

import pytest

from support.drivers import Scene, connect_server
from support.emulated import emulated
from support.second_s3 import second_s3_server
from support.watching_proxy import watching


@pytest.fixture(scope="session")
def scene(tmp_path_factory):
    """Everything that the drivers of a test need; each run in it has a folder and an output of its own.

    With the environment variable ON_SECOND_S3 the objects lie in an S3 server that is not moto.
    """
    folder = tmp_path_factory.mktemp("drivers")
    with ExitStack() as running:
        behind = running.enter_context(second_s3_server()) if os.environ.get("ON_SECOND_S3") else None
        world = running.enter_context(emulated(behind))
        proxy = running.enter_context(watching(world.url, ask_who=False))
        yield Scene(world, proxy, folder, running.enter_context(connect_server(folder, proxy.url)))
