"""`run_job`, as far as it needs no Spark."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from batch_transform.pipeline import recorded
from batch_transform.pipeline.commands import run
from batch_transform.pipeline.run_switches import RunSwitches

DOCUMENT = {
    "run_id": "a",
    "workspace": "s3://bucket",
    "input": {"path": "in"},
    "model": {"name": "m"},
    "output": {"path": "out"},
}
REPORT = {"status": "published", "output": "out", "workspace": "s3://bucket/runs/a", "rows_dead_letter": 0}


@pytest.mark.parametrize(("command", "asked"), [("run", {}), ("resume", {}), ("resume", {"retry_dead": True})])
def test_a_published_run_prints_its_report_says_that_nothing_is_done_and_begins_no_spark(
    monkeypatch, capsys, command, asked
):
    monkeypatch.setattr(recorded, "published_report", lambda config, access: REPORT)
    reports = []
    handshake = SimpleNamespace(alive_file=None, report=reports.append)
    assert run.run_job(DOCUMENT, handshake, command, RunSwitches(**asked)) == 0
    assert reports == [REPORT]
    assert capsys.readouterr().err == "[batch-transform] publish   already published at out, nothing done\n"
