"""What `stop` leaves of a run for whoever looks at it next: what its end said, its page, and the way on."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from batch_transform.core.errors import Interrupted, ServiceFailure
from batch_transform.core.publishing.last_words import last_lines
from batch_transform.core.run_views.shown_run import lines_of_run, shown_run
from batch_transform.pipeline.commands import dispatch
from batch_transform.pipeline.commands.command_options import PREPARE, SUBMIT
from batch_transform.pipeline.commands.looked_at import recorded_report
from batch_transform.pipeline.recorded import RecordedRun
from support.memory_run import MemoryRun, echoing
from support.report_pages import driven, raising

STOPPED = "Stopped as a person has asked, the run is not published"
ON = "the same call of score()"


def in_flight(driver):
    return driver.state.in_flight


def a_run(error=None):
    """A run that has ended by an error with a job sent, or whose driver has died then."""
    run = MemoryRun([4, 4], echoing(lambda row: None))
    if error is not None:
        driven(run, raising(error, in_flight))
        return run
    driver = run.driver()
    while not in_flight(driver):
        driver.step()
    driver.ctx.lease.release()
    return run


def recorded(run):
    ledger = run.reader_of_the_ledger()
    return RecordedRun(run.layout, run.store, ledger, ledger.state())


def told_by_stop(run, monkeypatch):
    """The report of `stop`, and what it told meanwhile."""
    monkeypatch.setattr(dispatch, "TransformJobs", lambda session, client: run.service)
    access = SimpleNamespace(session=lambda: None, client=lambda name: None, console_region=None)
    found, told = recorded(run), []
    report = dispatch.stop(SimpleNamespace(run=lambda: (found, found.state), access=access), told.append)
    return report, told


def shown(run):
    found = recorded(run)
    return lines_of_run(shown_run(found.state, recorded_report(found, found.state).report, None), found.state)


def moved_to(run, page):
    """Says of the run's page that its driver has written it there."""
    report = json.loads(run.store.get(run.layout.status)[0])
    run.store.put(run.layout.status, json.dumps({**report, "report": str(page)}).encode())


def test_after_stop_the_end_and_the_way_on_are_told_as_before(monkeypatch):
    run = a_run(Interrupted(2))
    assert shown(run)[0] == "the run ended with: interrupted by Ctrl-C (SIGINT)"
    report, _ = told_by_stop(run, monkeypatch)
    lines = shown(run)
    assert lines[0] == "the run ended with: interrupted by Ctrl-C (SIGINT)"
    assert lines[1].startswith(STOPPED)
    assert last_lines(report)[0].startswith(STOPPED)
    assert lines[-1] == last_lines(report)[-1] == f"To go on: {ON}"


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("error", [None, ServiceFailure("S3 said 500")])
def test_whatever_had_ended_the_driver_a_stopped_run_has_a_way_on(monkeypatch, error, times):
    run = a_run(error)
    for _ in range(times):
        report, _ = told_by_stop(run, monkeypatch)
    assert (report["status"], report["stopped"], report["next"]) == ("interrupted", True, ON)
    assert shown(run)[-1] == f"To go on: {ON}"
    assert report.get("error") == (["S3 said 500"] if error else None)


def test_a_run_in_steps_is_gone_on_with_by_no_poll_once_it_is_stopped(monkeypatch):
    run = MemoryRun([4, 4], echoing(lambda row: None), exported=False)
    run.service.looks = 9
    for command in (PREPARE, SUBMIT):
        assert run.step(command)["next"] not in (None, ON)
    report, told = told_by_stop(run, monkeypatch)
    assert (report["next"], len(told)) == (ON, 1)


def test_what_an_earlier_stop_has_left_without_a_way_on_gets_one(monkeypatch):
    run = a_run(Interrupted(2))
    report = json.loads(run.store.get(run.layout.status)[0])
    del report["next"]
    run.store.put(run.layout.status, json.dumps(report).encode())
    assert told_by_stop(run, monkeypatch)[0]["next"] == ON


def test_stop_draws_the_page_anew_that_the_driver_has_left_on_this_disk(monkeypatch, tmp_path):
    run, page = a_run(Interrupted(2)), tmp_path / "report.html"
    page.write_text("as it was")
    moved_to(run, page)
    report, _ = told_by_stop(run, monkeypatch)
    assert report["report"] == str(page)
    assert STOPPED in page.read_text()


@pytest.mark.parametrize("name", ["gone/report.html", "notes.txt"])
def test_stop_writes_no_file_that_is_no_page_of_this_machine(monkeypatch, tmp_path, name):
    run, notes = a_run(Interrupted(2)), tmp_path / "notes.txt"
    notes.write_text("mine")
    moved_to(run, tmp_path / name)
    report, _ = told_by_stop(run, monkeypatch)
    assert report["report"] == str(run.layout.page)
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]
    assert notes.read_text() == "mine"


def test_only_a_job_that_is_in_flight_is_told_to_have_been_asked_to_stop(monkeypatch):
    assert told_by_stop(a_run(Interrupted(2)), monkeypatch)[1] == []
    run = a_run()
    (job,) = recorded(run).state.in_flight
    assert told_by_stop(run, monkeypatch)[1] == [f"{job.name}: stop requested"]
