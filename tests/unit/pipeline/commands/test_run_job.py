"""`run_job`, as far as it needs no Spark."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline import recorded
from batch_transform.pipeline.checks import model_servers
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
    monkeypatch.setattr(recorded, "known_run", lambda config, access: SimpleNamespace(report=REPORT))
    reports = []
    handshake = SimpleNamespace(alive_file=None, report=reports.append)
    assert run.run_job(DOCUMENT, handshake, command, RunSwitches(**asked)) == 0
    assert reports == [REPORT]
    assert capsys.readouterr().err == "[batch-transform] publish   already published at out, nothing done\n"


@pytest.mark.parametrize(
    ("state", "asked", "is_refused"),
    [
        (None, {}, True),
        (SimpleNamespace(report=None, gate=None), {}, True),
        (SimpleNamespace(report=None, gate="passed"), {}, False),
        (SimpleNamespace(report=None, gate="passed"), {"retry_dead": True}, True),
        (SimpleNamespace(report={**REPORT, "rows_dead_letter": 2}, gate="passed"), {"retry_dead": True}, False),
    ],
)
def test_of_a_run_that_an_emulator_keeps_a_server_that_is_gone_is_told_before_spark_where_it_is_needed(
    monkeypatch, state, asked, is_refused
):
    begun = []

    @contextmanager
    def session(run_id):
        begun.append(run_id)
        raise ConfigurationError("Spark begins")
        yield

    emulator = nullcontext(SimpleNamespace(endpoint=lambda: "http://127.0.0.1:1"))
    monkeypatch.setattr(run, "beginning_emulator", lambda config: emulator)
    monkeypatch.setattr(run, "run_session", session)
    monkeypatch.setattr(recorded, "known_run", lambda config, access: state)
    monkeypatch.setattr(model_servers, "GRACE_SECONDS", 0.0)
    document = {**DOCUMENT, "emulator": {"models": {"m": "http://127.0.0.1:9"}, "state": "kept"}}
    reports = []
    handshake = SimpleNamespace(alive_file=None, report=reports.append)
    assert run.run_job(document, handshake, "resume", RunSwitches(**asked)) == 2
    assert ("nobody listens there" in reports[0]["error"][0], begun) == (is_refused, [] if is_refused else ["a"])
