"""A signal in the seconds in which a driver imports what it needs: a report and an exit code, as at any other time."""

from __future__ import annotations

import json
import signal

import pytest

from batch_transform.pipeline.handshake import EXIT_FILE_VARIABLE, REPORT_FILE_VARIABLE
from batch_transform.pipeline.submit import job


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    monkeypatch.setenv(REPORT_FILE_VARIABLE, str(tmp_path / "report"))
    monkeypatch.setenv(EXIT_FILE_VARIABLE, str(tmp_path / "exit"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_before_the_run_handles_it_is_an_interruption_and_no_failure(tmp_path, monkeypatch, number, code):
    before = signal.getsignal(number)
    monkeypatch.setattr(job, "run", lambda *_: signal.raise_signal(number))
    assert job.main() == code
    report = json.loads((tmp_path / "report").read_text())
    assert (report["status"], report["error"][1]) == ("interrupted", "before the run was begun")
    assert (tmp_path / "exit").read_text() == f"{code}\n"
    assert signal.getsignal(number) == before


def test_a_signal_as_the_work_has_ended_takes_its_report_not_back(tmp_path, monkeypatch):
    def done(_arguments, handshake):
        handshake.report({"status": "published"})
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(job, "run", done)
    assert job.main() == 143
    assert json.loads((tmp_path / "report").read_text()) == {"status": "published"}
