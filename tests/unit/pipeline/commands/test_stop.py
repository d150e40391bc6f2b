"""What `stop` leaves of a run for whoever looks at it next: what its end said, its page, and the way on."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from batch_transform.core.errors import ConfigurationError, Interrupted, RunStopped, ServiceFailure, StopRequested
from batch_transform.core.publishing.last_words import last_lines
from batch_transform.core.run_state import ASKED
from batch_transform.core.run_views.shown_run import lines_of_run, shown_run
from batch_transform.pipeline import recorded as recorded_module
from batch_transform.pipeline.commands import dispatch
from batch_transform.pipeline.commands.command_options import PREPARE, SUBMIT
from batch_transform.pipeline.commands.looked_at import recorded_report
from batch_transform.pipeline.context import Clock
from batch_transform.pipeline.ending.cleaning import clean, leftovers
from batch_transform.pipeline.ending.stopping import stop_jobs
from batch_transform.pipeline.lifecycle import acquiring_run
from batch_transform.pipeline.recorded import RecordedRun
from batch_transform.s3.ledger import Ledger
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


def told_by_stop(run, monkeypatch, *, keeps_jobs=True):
    """The report of `stop`, and what it told meanwhile."""
    monkeypatch.setattr(dispatch, "jobs_of", lambda access: run.service)
    kinds = {"console_region": None, "keeps_jobs": keeps_jobs}
    access = SimpleNamespace(session=lambda: None, client=lambda name: None, **kinds)
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


def test_a_job_that_was_created_and_is_not_known_is_not_told_as_stopped(monkeypatch):
    """As for the credentials of another account, where it runs on and is paid for."""
    run = a_run()
    (job,) = recorded(run).state.in_flight

    def unknown(name):
        raise ServiceFailure(f"DescribeTransformJob {name}: in another account")

    monkeypatch.setattr(run.service, "stop", lambda name: False)
    monkeypatch.setattr(run.service, "describe", unknown)
    with pytest.raises(ServiceFailure, match=f"{job.name}: in another account"):
        told_by_stop(run, monkeypatch)
    assert recorded(run).state.stopped
    report, told = told_by_stop(run, monkeypatch, keeps_jobs=False)  # of which it may have been begun anew
    assert (report["status"], report["stopped"], told) == ("interrupted", True, [])


def clocked(run, monkeypatch, meanwhile):
    """Lets whoever reads the recorded run wait in its time; `meanwhile` is called at each of their sleeps."""

    def sleep(seconds):
        run.sleep(seconds)
        meanwhile()

    now = lambda: run.seconds  # noqa: E731
    monkeypatch.setattr(recorded_module, "CLOCK", Clock(now, lambda: run.now().timestamp(), sleep, now))


def test_a_driver_that_takes_the_run_while_stop_waits_for_a_dead_one_is_stopped_as_well(monkeypatch):
    """`stop` waited ten minutes for it, and said that it was asked, which it never was."""
    run = MemoryRun([4, 4], echoing(lambda row: None))
    dead, others = run.driver(), []

    def meanwhile():
        if not others:
            dead.ctx.lease.release()
            others.append(run.driver())
        try:
            others[0].ctx.refuse_if_asked_to_stop()
            others[0].ctx.lease.renew()
        except StopRequested:
            others[0].interrupt(ASKED)
            others[0].ctx.lease.release()

    clocked(run, monkeypatch, meanwhile)
    report, told = told_by_stop(run, monkeypatch)
    assert (report["status"], report["stopped"]) == ("interrupted", True)
    assert [line.endswith("is asked to stop") for line in told] == [True, True]
    assert run.state().stopped


@pytest.mark.parametrize("end", ["published", "cleaned"])
def test_a_run_that_has_ended_while_stop_waited_is_told_as_what_it_is(monkeypatch, end):
    run = a_run()
    driver = run.driver()

    def meanwhile():
        run.store.delete([run.layout.stop_request])  # the step that it is in is its last
        if end == "published":
            driver.close(driver.run().report)
        else:
            ctx = driver.ctx
            left = leftovers(ctx.config, run.layout, driver.state, run.store, ctx.ledger)
            clean(left, ctx.lease, ctx.ledger)
            driver.ctx.lease.release()

    clocked(run, monkeypatch, meanwhile)
    report, _ = told_by_stop(run, monkeypatch)
    assert (report["status"], report.get("next")) == (end, None)


@pytest.mark.parametrize("error", [Interrupted(2), StopRequested()])
@pytest.mark.parametrize("retry", [False, True])
def test_who_had_read_the_run_before_it_was_stopped_does_not_go_on_with_it(monkeypatch, error, retry):
    """`stop` said that it was stopped, and a `resume` that was just about to begin went on with it.

    So does a second `stop` of a run that was stopped long before.
    """
    run = a_run(error)
    take = acquiring_run.acquired

    def late(lease, ledger):
        told_by_stop(run, monkeypatch)
        return take(lease, ledger)

    monkeypatch.setattr(acquiring_run, "acquired", late)
    with pytest.raises(RunStopped, match="was stopped by a person"):
        run.driver(retry_dead=retry)
    monkeypatch.setattr(acquiring_run, "acquired", take)
    assert run.state().stopped
    run.to_the_end()
    assert len(run.published("result")) == 8


def test_who_had_read_a_run_that_is_stopped_and_cleaned_meanwhile_is_told_that_it_is_cleaned(monkeypatch):
    run = a_run(Interrupted(2))
    take = acquiring_run.acquired
    driver = run.driver()
    driver.ctx.lease.release()

    def late(lease, ledger):
        told_by_stop(run, monkeypatch)
        found = recorded(run)
        with found.held() as (held, state):
            clean(leftovers(driver.ctx.config, run.layout, state, run.store, found.ledger), held, found.ledger)
        return take(lease, ledger)

    monkeypatch.setattr(acquiring_run, "acquired", late)
    with pytest.raises(ConfigurationError, match="was given up and cleaned"):
        run.driver()


def test_stop_leaves_a_driver_alone_that_goes_on_with_the_run_once_it_is_stopped(monkeypatch):
    """It was asked as well, and ended with 143, though it was begun after the run was stopped."""
    run = MemoryRun([4, 4], echoing(lambda row: None))
    first, others = run.driver(), []

    def meanwhile():
        if not others:
            first.interrupt(ASKED)
            first.ctx.lease.release()
            run.store.delete([run.layout.stop_request])
            others.append(run.driver())
        others[0].ctx.refuse_if_asked_to_stop()
        others[0].ctx.lease.renew()

    clocked(run, monkeypatch, meanwhile)
    report, told = told_by_stop(run, monkeypatch)
    assert report["status"] == "running"
    assert [line.partition("is asked to stop")[1] for line in told] == ["is asked to stop", ""]
    assert "was stopped, and " in told[1]
    others[0].close(others[0].run().report)
    assert len(run.published("result")) == 8


def test_of_two_stops_at_once_neither_is_taken_for_a_driver_that_goes_on(monkeypatch):
    run, others = a_run(), []
    dead = run.driver()

    def meanwhile():
        if not others:  # the other takes the lease a moment earlier
            dead.ctx.lease.release()
            ledger = Ledger(run.store, run.layout, "other", 0, run.sleep)
            found = RecordedRun(run.layout, run.store, ledger, ledger.state())
            others.append(found.held())
            lease, before = others[0].__enter__()
            stop_jobs(before, lease, ledger, run.service, ASKED, len(ledger.steps))
        elif len(others) == 1:
            others.append(others[0].__exit__(None, None, None))

    clocked(run, monkeypatch, meanwhile)
    report, told = told_by_stop(run, monkeypatch)
    assert (report["status"], report["stopped"]) == ("interrupted", True)
    assert [line for line in told if "has gone on" in line] == []


def test_each_stop_of_a_run_that_nobody_drives_is_one_step(monkeypatch):
    run = a_run(Interrupted(2))
    for times in (1, 2):
        told_by_stop(run, monkeypatch)
        assert [step.kind for step in run.reader_of_the_ledger().load()].count("stopped") == times
