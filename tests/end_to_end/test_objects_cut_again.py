"""Copies of files on S3 whose records are larger than the first tell; drivers are killed in either export."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.drivers import IDENTITY, ROOT
from support.emulated import BUCKET
from support.strikes import Strike

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]
# Behind a thousand short values a few long ones, of which a dictionary tells once.
KEYS = [str(place) if place < 1_000 else f"{place % 5}" * 7_000 for place in range(1_600)]


@pytest.fixture(scope="module")
def folder(scene):
    """An input on S3."""
    for part in range(2):
        body = io.BytesIO()
        half = slice(part * 800, part * 800 + 800)
        pq.write_table(pa.table({"id": list(range(1_600))[half], "key": KEYS[half], "text": ["x"] * 800}), body)
        scene.world.client("s3").put_object(Bucket=BUCKET, Key=f"cut again/in/{part}.parquet", Body=body.getvalue())
    return f"s3://{BUCKET}/cut again/in"


def begun(scene, folder):
    return scene.run(
        input={"path": folder}, record={"columns": ["key"]}, errors={"max_rows": 0}, transform={"poll_seconds": 0.1}
    )


def is_input(passing):
    return passing.method == "PUT" and "/input/" in passing.path and "manifest" not in passing.path


def check(run):
    """Each row once, by the objects of one cut alone; nothing is left once the run is cleaned."""
    assert run.table("result") == list(enumerate(KEYS))
    assert len(run.covered()) == len(KEYS)
    assert set(run.covered().values()) == {1}
    world = run.scene.world
    sent = {name for job in world.jobs(run.run_id) for name in world.inputs(job)}
    put = {name.rpartition("/")[2] for name in world.objects(f"rows/{run.run_id}/input/")}
    main = "from batch_transform.pipeline.submit.console_script import main; raise SystemExit(main())"
    command = [sys.executable, "-c", main, "clean", f"s3://{BUCKET}/{run.run_id}"]
    environment = {**os.environ, **IDENTITY, "PYTHONPATH": str(ROOT / "lib"), "AWS_ENDPOINT_URL": world.url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert world.objects(f"rows/{run.run_id}/") == []
    return sent, put


@pytest.fixture(scope="module")
def undisturbed(scene, folder):
    """How many objects a run puts that nobody kills: the first time, and the second."""
    run = begun(scene, folder)
    report = run.finish()
    assert report["rows_scored"] == len(KEYS)
    log = run.started[-1].log()
    assert "copies of the input's" in log, log
    assert "cut again" in log, log
    total = sum(is_input(passing) for passing in scene.proxy.passed)
    sent, put = check(run)
    assert sent == put  # those of the first time are gone
    return total - len(sent), len(sent)


@pytest.mark.parametrize("moment", ["in the first", "between", "in the second"])
@pytest.mark.parametrize("after", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_driver_that_is_killed_in_either_export(scene, folder, undisturbed, moment, after):
    first, second = undisturbed
    number = {"in the first": 2, "between": first, "in the second": first + second - 1}[moment]
    run = begun(scene, folder)
    driver = run.start()
    strike = Strike(number, after, driver.kill, is_input).into(scene.proxy)
    assert driver.wait() == -9, driver.log()
    assert strike.struck
    scene.proxy.watch = scene.proxy.answered = lambda passing: None
    run.finish()
    sent, put = check(run)
    assert sent < put  # what is left of the killed one's is for `clean`
