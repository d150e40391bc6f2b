"""A run by the three commands, each a process of its own, against an emulator that runs beside them."""

from __future__ import annotations

import json
import shlex
from contextlib import suppress

import pytest
from botocore.exceptions import WaiterError

from support.drivers import Scene
from support.emulated import BUCKET
from support.stepping import Console

pytestmark = [pytest.mark.spark, pytest.mark.slow]


@pytest.fixture
def run(scene: Scene):
    return scene.run()


@pytest.fixture
def console(scene: Scene, run):
    place = scene.folder / f"steps-{run.run_id}"
    place.mkdir()
    document = {key: value for key, value in run.document.items() if value is not None}
    (place / "run.yml").write_text(json.dumps(document))
    return Console(place, scene.remote)


def test_prepare_submit_collect(scene, run, console):
    """Poison rows, so several rounds; what is printed lies in the workspace; only work on tables has Spark."""
    prepared = console.call("prepare", "run.yml")
    assert (prepared.code, prepared.report["status"]) == (0, "prepared"), prepared.log
    assert scene.world.jobs(run.run_id) == []
    calls = [prepared]
    while calls[-1].report["next"]:
        program, *words = shlex.split(calls[-1].report["next"])
        assert program == "batch-transform"
        calls.append(console.call(*words))
        assert calls[-1].code == 0, calls[-1].log
        assert json.loads(scene.world.body(f"runs/{run.run_id}/status.json")) == calls[-1].report
        ended(scene, calls[-1].report["wait_for"])
    assert [call.report["status"] for call in calls[1:-1]] == ["waiting"] * (len(calls) - 2)
    assert [call.imported_spark for call in calls] == [True, *([False] * (len(calls) - 2)), True]
    assert calls[-1].report["rounds"] >= 2
    run.check(calls[-1].report)
    # Nothing is done twice, and no Spark is begun to find that out.
    again = console.call("collect", f"s3://{BUCKET}/runs/{run.run_id}", "--set", f"aws.endpoint_url={scene.proxy.url}")
    assert (again.report, again.imported_spark) == (calls[-1].report, False), again.log
    run.check(calls[-1].report)


def ended(scene, names):
    """Waits as an orchestrator does, until these jobs have ended in whatever way."""
    waiter = scene.world.client("sagemaker").get_waiter("transform_job_completed_or_stopped")
    for name in names:
        with suppress(WaiterError):  # Failed, which one bad row is enough for
            waiter.wait(TransformJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
