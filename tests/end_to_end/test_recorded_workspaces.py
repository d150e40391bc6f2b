"""Workspaces that an earlier version has left (tests/recorded) are gone on with, and read, by this one."""

from __future__ import annotations

import pytest

from batch_transform.config.runfile import RunConfig
from support import recorded
from support.drivers import Run, as_run_file
from support.emulated import BUCKET, REGION

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]
ROWS, UNREADABLE, REFUSED = 64, 5, 40
OPEN = range(38, 57)  # the rows of the object that failed


def loaded(scene, name):
    """The run of a recorded workspace, once its objects are there again."""
    recorded.put(scene.world.client("s3"), name)
    scene.proxy.reset()
    document = {
        "run_id": name,
        "workspace": f"s3://{BUCKET}/recorded",
        "input": {"path": f"s3://{BUCKET}/in/{name}"},
        "model": {"name": "shaped"},
        "prediction": {"schema": "echo string"},
        "record": {"columns": ["key", "text"]},
        "transform": {"poll_seconds": 0.1, "max_payload_mb": 1, "invocations_max_retries": 0},
        "errors": {"max_rows": 2},
        "output": {"path": f"s3://{BUCKET}/out/{name}", "mode": "append"},
        "lease_seconds": 1,
        "aws": {"endpoint_url": scene.proxy.url, "region": REGION},
    }
    return Run(scene, name, as_run_file(RunConfig.from_document(document)))


def objects(scene, name):
    """All that a recorded workspace has, and its outputs."""
    prefixes = f"recorded/{name}/", f"out/{name}"
    return {key: scene.world.body(key) for prefix in prefixes for key in scene.world.objects(prefix)}


def rows_sent(scene, run):
    """The rows of the objects of all jobs that this version has created."""
    names = [name for job in scene.world.jobs(run.run_id) for name in scene.world.inputs(job)]
    spans = [map(int, name[1:].split("-")[:2]) for name in names if name.startswith("s")]
    return {row for start, rows in spans for row in range(start, start + rows)}


@pytest.fixture(scope="module")
def unfinished(scene):
    run = loaded(scene, "unfinished")
    return run, run.finish()


def test_an_unfinished_run_is_published_with_every_row_once(unfinished):
    run, report = unfinished
    assert (report["status"], report["rows_in"], report["rows_dead_letter"]) == ("published", ROWS, 2)
    scored = [(row, str(row)) for row in range(ROWS) if row not in (UNREADABLE, REFUSED)]
    assert run.table("result") == scored
    assert run.table("dead_letter") == [(UNREADABLE, "unreadable prediction"), (REFUSED, "model error")]


def test_it_pays_for_nothing_that_was_scored(scene, unfinished):
    run, report = unfinished
    assert rows_sent(scene, run) >= {REFUSED}
    assert rows_sent(scene, run) <= set(OPEN)
    first = report["jobs"][0]
    assert (first["name"].rpartition("-r1-")[2], first["status"]) == ("s0-a1", "Failed")


def test_a_published_run_is_known_and_left_as_it_is(scene):
    run = loaded(scene, "published")
    before = objects(scene, "published")
    assert len(before) == 41  # the archive, with nothing of the other recorded workspace
    report = run.finish()
    assert (report["status"], report["rows_scored"], report["rows_dead_letter"]) == ("published", ROWS - 1, 1)
    assert report["jobs"][0]["name"].startswith("published-")
    assert scene.world.jobs("published") == []
    assert objects(scene, "published") == before
