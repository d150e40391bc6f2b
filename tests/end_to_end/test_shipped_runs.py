"""A run at a standalone cluster whose workers are bare, from what `package` makes alone."""

from __future__ import annotations

import json
import sys

import pytest

from support.bare_workers import BARE, console
from support.clusters import standalone
from support.drivers import Scene
from support.emulated import emulated
from support.shipped import Place, check_published_once, kill_driver, shipped_run
from support.watching_proxy import watching

pytestmark = [pytest.mark.spark, pytest.mark.long]
SETTINGS = {"spark.driver.host": "127.0.0.1", "spark.executor.memory": "700m"}
LIMIT_MB = 125


def test_workers_with_a_bare_python_score_a_table_from_the_package_alone_and_its_driver_may_be_killed(tmp_path):
    packaged = json.loads(console("package", "--target", "standalone", cwd=tmp_path).stdout)
    assert packaged["archive_bytes"] <= LIMIT_MB * 1_000_000
    with (
        emulated() as world,
        watching(world.url, ask_who=False) as proxy,
        standalone(tmp_path, BARE) as master,
    ):
        run = shipped_run(Scene(world, proxy, tmp_path), tmp_path)
        place = Place(tmp_path, ("--target", "standalone", "--master", master), SETTINGS, {})
        code, report = place.struck(run, kill_driver)
        assert (code, report["status"]) == (4, "failed"), report
        code, report = place.start(run)
        assert code == 0, report
        check_published_once(run, report)
    # Each worker has found the Python of its machine, and it is none of this environment's.
    links = list(tmp_path.glob("127.0.0.*/app-*/*/environment/bin/python3.*"))
    assert links
    assert not any(str(link.resolve()).startswith(sys.prefix) for link in links)
