"""What tests with drivers of their own share: one emulator behind one proxy, and one warm Spark."""

from __future__ import annotations

import pytest

from support.drivers import Scene, connect_server
from support.emulated import emulated
from support.watching_proxy import watching


@pytest.fixture(scope="session")
def scene(tmp_path_factory):
    """Everything that the drivers of a test need; each run in it has a folder and an output of its own."""
    folder = tmp_path_factory.mktemp("drivers")
    with (
        emulated() as world,
        watching(world.url, ask_who=False) as proxy,
        connect_server(folder, proxy.url) as remote,
    ):
        yield Scene(world, proxy, folder, remote)
