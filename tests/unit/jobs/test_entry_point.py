"""`jobs/score.py` and `exec_command`: the exit code and the report reach whoever waits, also when something breaks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest

import score
from batch_transform.pipeline.run_switches import RunSwitches

ROOT = Path(__file__).parents[3]


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Runs the entry point with a pipeline that is handed in, and gives its exit code."""
    for name in ("PID", "REPORT", "EXIT"):
        monkeypatch.setenv(f"BATCH_TRANSFORM_{name}_FILE", str(tmp_path / name))
    (tmp_path / "resolved.json").write_text('{"run_id": "r1"}')
    monkeypatch.setattr(sys, "argv", ["score.py", "--resolved", str(tmp_path / "resolved.json")])

    def run(run_job):
        module = types.ModuleType("batch_transform.pipeline.commands.run")
        module.run_job = run_job
        monkeypatch.setitem(sys.modules, "batch_transform.pipeline.commands.run", module)
        return score.main()

    return run


def test_the_pipeline_gets_the_document_and_its_code_is_the_jobs(start, tmp_path):
    seen = []

    def run_job(document, handshake, command, switches):
        seen.append((document, command))
        handshake.report({"status": "published"})
        return 3

    assert start(run_job) == 3
    assert seen == [({"run_id": "r1"}, "run")]
    assert json.loads((tmp_path / "REPORT").read_text()) == {"status": "published"}
    assert (tmp_path / "EXIT").read_text() == "3\n"


def test_dead_rows_are_sent_again_only_on_request(start, monkeypatch):
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--step", "resume", "--retry-dead"])
    told = "resume", RunSwitches(retry_dead=True)
    assert start(lambda document, handshake, command, switches: int((command, switches) == told)) == 1


def test_a_plan_is_no_run(start, tmp_path, monkeypatch):
    planned = types.ModuleType("batch_transform.pipeline.commands.plan")
    planned.plan_job = lambda document, handshake, **how: 0 if document == {"run_id": "r1"} else 4
    monkeypatch.setitem(sys.modules, "batch_transform.pipeline.commands.plan", planned)
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--step", "plan"])
    assert start(lambda document, handshake: 3) == 0
    assert (tmp_path / "EXIT").read_text() == "0\n"


def test_the_pid_is_known_before_the_pipeline_starts(start, tmp_path):
    own = f"{os.getpid()}\n"
    assert start(lambda document, handshake, command, switches: int((tmp_path / "PID").read_text() == own)) == 1


def test_an_error_without_a_name_ends_with_4_and_is_shown(start, tmp_path, capsys):
    def run_job(document, handshake, command, switches):
        raise RuntimeError("unforeseen")

    assert start(run_job) == 4
    assert (tmp_path / "EXIT").read_text() == "4\n"
    assert json.loads((tmp_path / "REPORT").read_text())["error"] == ["RuntimeError: unforeseen"]
    shown = capsys.readouterr().err
    assert "in run_job" in shown
    assert "unforeseen" in shown


def test_an_interruption_is_not_taken_for_an_error(start, tmp_path):
    def run_job(document, handshake, command, switches):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(run_job)
    assert not (tmp_path / "EXIT").exists()


def test_a_launched_command_has_its_own_session_its_variables_and_a_working_sigint(tmp_path):
    told = (
        "import json, os, signal; print(json.dumps([os.getsid(0) == os.getpid(), os.environ['ADDED'], "
        "signal.getsignal(signal.SIGINT) is signal.default_int_handler]))"
    )
    described = {"command": [sys.executable, "-c", told], "environment": {"ADDED": "é"}}
    (tmp_path / "command.json").write_text(json.dumps(described))
    launch = ROOT / "lib" / "batch_transform" / "pipeline" / "submit" / "exec_command.py"
    done = subprocess.run(
        [sys.executable, "-I", str(launch), str(tmp_path / "command.json")],
        capture_output=True,
        text=True,
        check=True,
        # What a shell does to the commands that it starts in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    assert json.loads(done.stdout) == [True, "é", True]
