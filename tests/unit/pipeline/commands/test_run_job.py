"""`run_job`, as far as it needs no Spark."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest

from batch_transform.core.errors import ConfigurationError, Interrupted
from batch_transform.pipeline import recorded
from batch_transform.pipeline.checks import model_servers
from batch_transform.pipeline.commands import plan, run
from batch_transform.pipeline.lifecycle import opening_run
from batch_transform.pipeline.run_switches import NO_SWITCHES, RunSwitches

DOCUMENT = {
    "run_id": "a",
    "workspace": "s3://bucket",
    "input": {"path": "in"},
    "model": {"name": "m"},
    "output": {"path": "out"},
}
REPORT = {"status": "published", "output": "out", "workspace": "s3://bucket/runs/a", "rows_dead_letter": 0}


def known(*, gate=None, intents=(), report=None):
    """What a run's state is asked before Spark."""
    apart = SimpleNamespace(is_one_object=False, is_of_frame=False)
    return SimpleNamespace(run_id="a", report=report, gate=gate, publication=report, intents=intents, settings=apart)


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
    ("state", "asked", "said"),
    [
        (None, {}, "nobody listens there"),
        (known(gate=None), {}, "nobody listens there"),
        (known(gate="passed"), {}, "Spark begins"),
        (known(gate="passed"), {"retry_dead": True}, "nobody listens there"),
        (known(intents=["result"]), {"retry_dead": True}, "a has begun to publish, and its dead rows stay"),
        (known(report={**REPORT, "rows_dead_letter": 2}), {"retry_dead": True}, "a is published, and its dead"),
    ],
)
def test_of_a_run_that_an_emulator_keeps_what_its_state_tells_is_told_before_spark(monkeypatch, state, asked, said):
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
    assert said in reports[0]["error"][0]
    assert begun == (["a"] if said == "Spark begins" else [])


@pytest.mark.parametrize("command", ["run", "prepare"])
def test_of_a_run_that_the_emulator_does_not_know_the_input_is_looked_for_before_spark(monkeypatch, tmp_path, command):
    """Of one that it knows it need not be there any more."""
    emulator = nullcontext(SimpleNamespace(endpoint=lambda: "http://127.0.0.1:1"))
    monkeypatch.setattr(run, "beginning_emulator", lambda config: emulator)
    monkeypatch.setattr(run, "run_session", lambda run_id: pytest.fail("Spark begins"))
    monkeypatch.setattr(recorded, "known_run", lambda config, access: None)
    emulated = {"models": {"m": "python -m model"}, "state": str(tmp_path)}
    document = {**DOCUMENT, "input": {"path": f"{tmp_path}/gone"}, "emulator": emulated}
    reports = []
    handshake = SimpleNamespace(alive_file=None, report=reports.append)
    assert run.run_job(document, handshake, command, RunSwitches()) == 2
    assert "there is no such file or folder" in reports[0]["error"][0]


def test_a_plan_beside_a_run_with_the_same_emulator_is_refused_before_spark(monkeypatch):
    def endpoint():
        raise ConfigurationError("emulator.state: kept is in use")

    monkeypatch.setattr(plan, "beginning_emulator", lambda config: nullcontext(SimpleNamespace(endpoint=endpoint)))
    monkeypatch.setattr(plan, "run_session", lambda run_id: pytest.fail("Spark begins"))
    document = {**DOCUMENT, "emulator": {"models": {"m": "http://127.0.0.1:9"}, "state": "kept"}}
    reports = []
    handshake = SimpleNamespace(alive_file=None, report=reports.append)
    assert plan.plan_job(document, handshake, exact=False, show_record=False) == 2
    assert reports[0]["error"] == ["emulator.state: kept is in use"]


@pytest.mark.parametrize(
    ("state", "kept", "is_told_new"),
    [(None, False, True), (None, True, True), (known(gate="passed"), True, False)],
)
@pytest.mark.parametrize("moment", ["spark", "checks", "begun"])
def test_ctrl_c_in_the_checks_of_a_new_run_says_that_nothing_was_begun(
    monkeypatch, tmp_path, state, kept, is_told_new, moment
):
    """It spoke of jobs in flight, and of a `stop` that then found no run."""

    @contextmanager
    def session(run_id):
        if moment == "spark":
            raise Interrupted(2)
        yield None

    def opened(*args, begins, **asked):
        if moment == "begun":
            begins()
        raise Interrupted(2)

    emulator = nullcontext(SimpleNamespace(endpoint=lambda: "http://127.0.0.1:1", let_end=lambda: None))
    monkeypatch.setattr(run, "beginning_emulator", lambda config: emulator)
    monkeypatch.setattr(run, "check_model_servers", lambda *args: None)
    monkeypatch.setattr(run, "run_session", session)
    monkeypatch.setattr(run, "reaching_s3", lambda *args: nullcontext())
    monkeypatch.setattr(opening_run, "open_run", opened)
    monkeypatch.setattr(recorded, "known_run", lambda config, access: state)
    emulated = {"models": {"m": "http://127.0.0.1:9"}, **({"state": "kept"} if kept else {})}
    document = {**DOCUMENT, "input": {"path": str(tmp_path)}, "emulator": emulated}
    reports = []
    handshake = SimpleNamespace(alive_file=None, report=reports.append)
    assert run.run_job(document, handshake, command="run", switches=NO_SWITCHES) == 130
    _, said = reports[0]["error"]
    nothing = "nothing was begun and nothing is paid; the same command begins it"
    assert (said == nothing) == (is_told_new and (moment != "begun" or not kept))
    assert said.endswith(nothing)
    assert "held" not in said
