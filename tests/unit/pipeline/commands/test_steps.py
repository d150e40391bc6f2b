"""A run that is gone through by `prepare`, `submit` and `collect`, in the real loop over ports in memory."""

from __future__ import annotations

import json
import random
import signal
from contextlib import suppress

import pytest

from batch_transform.core.errors import ConfigurationError, Interrupted, RunHeld, RunStopped, ServiceFailure
from batch_transform.core.run_state import ASKED
from batch_transform.pipeline.commands.command_options import COLLECT, PREPARE, STEPS, SUBMIT
from batch_transform.pipeline.ending.stopping import stop_jobs
from batch_transform.pipeline.handshake import Handshake
from batch_transform.pipeline.lifecycle.guarded_process import Guarded
from batch_transform.pipeline.lifecycle.interrupts import Interrupts
from batch_transform.s3.lease import RunLease
from support.crashing_run import DEATHS, begun, check, check_published, killed
from support.faults import Crash, Fate
from support.memory_run import MemoryRun, echoing

MOST_TURNS = 60


def in_steps(looks=0, **options):
    run = begun(**options)
    run.service.looks = looks
    return run


def to_the_end(run):
    """The three commands as an orchestrator gives them; returns what each `collect` said."""
    run.step(PREPARE)
    run.step(SUBMIT)
    reports = []
    while not reports or reports[-1]["status"] != "published":
        assert len(reports) < MOST_TURNS
        run.sleep(60)
        reports.append(run.step(COLLECT))
    return reports


def kinds(run):
    return [step.kind for step in run.reader_of_the_ledger().load()]


def stopped(run):
    """`stop`, where no driver is at work."""
    driver = run.driver()
    driver.state, names = stop_jobs(driver.state, driver.ctx.lease, driver.ctx.ledger, driver.ctx.jobs, ASKED)
    driver.ctx.lease.release()
    return names


def test_the_steps_publish_the_table_of_a_run():
    run = in_steps(looks=2)
    reports = to_the_end(run)
    check(run, run.state())
    assert run.state().rounds >= 3
    assert {report["status"] for report in reports} == {"waiting", "published"}
    assert all(report["wait_for"] for report in reports[:-1])


@pytest.mark.parametrize(
    "again", [lambda run: run.driver(), lambda run: run.step(SUBMIT), lambda run: run.step(PREPARE)]
)
def test_a_published_run_that_is_begun_again_says_so_and_that_nothing_is_done(again):
    run = in_steps()
    to_the_end(run)
    before, run.events[:] = kinds(run), []
    again(run)
    (said,) = [event.text for event in run.events]
    assert said == f"already published at {run.state().report['output']}, nothing done"
    assert kinds(run) == before


def test_each_step_says_what_comes_next():
    run = in_steps(looks=1)
    said = [run.step(command) for command in (PREPARE, SUBMIT, COLLECT)]
    assert [report["status"] for report in said] == ["prepared", "waiting", "waiting"]
    assert [report["next"] for report in said] == [SUBMIT, COLLECT, COLLECT]
    names = [request["TransformJobName"] for request in run.service.requests]
    assert [report["wait_for"] for report in said] == [[], names, names]
    last = to_the_end(run)[-1]
    assert (last["status"], last["next"], last["wait_for"]) == ("published", None, [])


def test_a_look_that_finds_nothing_leaves_no_step_in_the_ledger():
    run = in_steps(looks=9)
    for command in (PREPARE, SUBMIT):
        run.step(command)
    before = kinds(run)
    for _ in range(3):
        assert run.step(COLLECT)["status"] == "waiting"
    assert kinds(run) == before


def test_a_step_that_is_done_is_not_done_again():
    run = in_steps(looks=1)
    for command in STEPS:
        run.step(command)
        before = run.store.world.tree("runs/run/ledger/"), list(run.service.requests)
        if command != COLLECT:
            run.step(command)
            assert (run.store.world.tree("runs/run/ledger/"), run.service.requests) == before
    to_the_end(run)
    before = run.store.world.tree()
    assert [run.step(command)["status"] for command in STEPS] == ["published"] * 3
    assert run.store.world.tree() == before


def test_no_more_jobs_are_in_flight_than_may_be():
    run = MemoryRun([5, 5], echoing(lambda row: None), oversize=[0], exported=False, transform={"max_parallel_jobs": 1})
    run.service.looks = 1
    run.step(PREPARE)
    assert len(run.step(SUBMIT)["wait_for"]) == 1
    reports = [run.step(COLLECT) for _ in range(3)]
    first, second = run.service.requests
    waited = [[first["TransformJobName"]], [second["TransformJobName"]], []]
    assert [report["wait_for"] for report in reports] == waited
    assert reports[-1]["rows_scored"] == 10


def test_a_quota_is_left_to_the_next_call():
    """A run waits for hours; a step that did would hold what an orchestrator wants back."""
    run = in_steps()
    run.step(PREPARE)
    run.service.refusals.extend(["quota", "quota"])
    began = run.seconds
    report = run.step(SUBMIT)
    assert (report["status"], report["wait_for"], run.seconds - began) == ("waiting", [], 0)
    to_the_end(run)
    check(run, run.state())


def test_a_second_orchestrator_is_refused_while_a_step_works():
    run = in_steps()
    run.step(PREPARE)
    other = run.driver()
    run.sleep_before, run.sleep = run.sleep, lambda seconds: (run.sleep_before(seconds), other.ctx.lease.renew())
    with pytest.raises(RunHeld):
        run.step(SUBMIT)
    assert not run.service.requests


def test_a_step_before_prepare_is_refused():
    with pytest.raises(ConfigurationError):
        in_steps().step(SUBMIT)


def test_a_run_that_a_person_stopped_is_not_gone_on_with_by_a_poll():
    run = in_steps(looks=3, transform={"instance_count": 2})
    run.step(PREPARE)
    waiting = run.step(SUBMIT)["wait_for"]
    assert stopped(run) == waiting == run.service.stopped
    with pytest.raises(RunStopped, match=r"`submit s3://[^`]*` or `resume s3://[^`]*` goes on with it"):
        run.step(COLLECT)
    assert len(run.service.requests) == len(waiting)
    run.step(SUBMIT)
    to_the_end(run)
    check_published(run)


@pytest.mark.parametrize("seed", range(8))
def test_any_order_of_commands_with_kills_between_gives_the_same_table(seed):
    """`run` among them; each command may be killed at any of its mutations, and then comes another one."""
    draw = random.Random(seed)
    run = in_steps(looks=draw.randrange(3))
    for _ in range(12):
        fates = {draw.randrange(25): draw.choice(DEATHS)}
        if draw.random() < 0.2:
            killed(run, fates)
        else:
            run.beset(fates if draw.random() < 0.7 else {})
            with suppress(Crash, ConfigurationError):
                run.step(draw.choice(STEPS))
    run.beset({})
    if draw.random() < 0.5:
        to_the_end(run)
    else:
        run.to_the_end()
    check(run, run.state())


def test_a_step_that_died_is_fenced_by_the_next_one():
    run = in_steps(looks=9)
    run.step(PREPARE)
    run.beset({3: Fate.DIE_AFTER})
    with suppress(Crash):
        run.step(SUBMIT)
    run.beset({})
    run.step(COLLECT)
    assert kinds(run).count("resumed") == 1


def test_a_run_that_gave_up_is_tried_once_more_by_the_next_call():
    run = MemoryRun([6], echoing(lambda row: 500), exported=False)
    with pytest.raises(ServiceFailure, match="start the run again"):
        to_the_end(run)
    jobs = len(run.state().jobs)
    with suppress(ServiceFailure):
        run.step(COLLECT)
    assert len(run.state().jobs) > jobs


@pytest.mark.parametrize("command", [PREPARE, COLLECT])
def test_a_stop_between_two_rounds_holds_until_somebody_means_to_go_on(command):
    """No job is in flight to be stopped, and still the next poll must create none."""
    run = in_steps()
    driver = run.driver()
    while driver.state.last_round is None or driver.state.last_round.leaves is None:
        driver.step()
    driver.ctx.lease.release()
    jobs = len(run.service.requests)
    assert stopped(run) == []
    with pytest.raises(RunStopped):
        run.step(command)
    assert len(run.service.requests) == jobs
    run.step(SUBMIT)
    to_the_end(run)
    check_published(run)


def test_a_stop_after_the_last_job_keeps_a_poll_from_publishing():
    run = in_steps()
    run.to_the_gate()
    stopped(run)
    with pytest.raises(RunStopped):
        run.step(COLLECT)
    run.to_the_end()
    check_published(run)


def test_a_run_that_is_published_or_cleaned_needs_no_stop():
    run = in_steps()
    to_the_end(run)
    before = kinds(run)
    assert stopped(run) == []
    assert kinds(run) == before


def test_a_step_that_is_interrupted_as_it_gets_the_run_keeps_nobody_waiting(monkeypatch):
    run = in_steps()
    run.step(PREPARE)
    acquire = RunLease.acquire

    def interrupted(lease, *args):
        acquire(lease, *args)
        raise Interrupted(15)

    monkeypatch.setattr(RunLease, "acquire", interrupted)
    with pytest.raises(Interrupted):
        run.step(SUBMIT)
    monkeypatch.undo()
    began = run.seconds
    run.step(SUBMIT)
    assert run.seconds == began


NOTHING = "nothing was begun and nothing is paid; the same command begins it"


@pytest.mark.parametrize(
    ("place", "is_new", "said"),
    [
        (None, False, f"if the run was begun before, its jobs go on, until it is stopped; if not, {NOTHING}"),
        (
            "s3://b/r",
            False,
            "if the run was begun before, its jobs go on; `batch-transform stop s3://b/r` ends them; "
            f"if not, {NOTHING}",
        ),
        ("s3://b/r", True, NOTHING),
    ],
)
def test_who_is_interrupted_before_the_run_is_its_own_says_what_goes_on_if_anything(tmp_path, place, is_new, said):
    handshake = Handshake(report_file=tmp_path / "report")
    guarded = Guarded("run", handshake, Interrupts(watch_parent=False))
    guarded.place, guarded.is_new = place, is_new
    assert guarded.do(lambda: signal.raise_signal(signal.SIGTERM)) == 143
    report = json.loads((tmp_path / "report").read_text())
    assert report["status"] == "interrupted"
    assert report["error"] == ["interrupted by SIGTERM", said]


def two_jobs(**transform):
    """A run whose first job is in flight, and whose second one a quota keeps from being created."""
    run = MemoryRun(
        [5, 5], echoing(lambda row: None), oversize=[0], exported=False, transform={"instance_count": 2, **transform}
    )
    run.service.looks = 1
    run.step(PREPARE)
    run.service.refusals.extend([None, *["quota"] * 9])
    return run


def test_a_job_in_flight_is_looked_at_while_a_quota_keeps_the_next_one_from_being_created():
    """The quota may be free only once that job has ended, and its time is bounded all the same."""
    run = two_jobs()
    (name,) = run.step(SUBMIT)["wait_for"]
    report = run.step(COLLECT)
    assert (report["status"], report["wait_for"]) == ("waiting", [])
    assert [job["status"] for job in report["jobs"]] == ["Completed", None]
    assert run.service.looked[name] == 2


def test_a_job_that_is_late_is_stopped_while_a_quota_is_used_up():
    run = two_jobs(job_timeout_minutes=1)
    run.service.looks = 99
    (name,) = run.step(SUBMIT)["wait_for"]
    run.sleep(61)
    run.step(COLLECT)
    assert run.service.stopped == [name]


def test_a_quota_that_stays_used_up_ends_the_steps_as_it_ends_a_run():
    """Else an orchestrator asks for ever, and is told each time that all is well."""
    run = in_steps(transform={"job_timeout_minutes": 1})
    run.step(PREPARE)
    run.service.refusals.extend(["quota"] * 3)
    assert run.step(SUBMIT)["status"] == "waiting"
    run.sleep(61)
    with pytest.raises(ServiceFailure, match="quota; no job of the run is in flight, and none could be created for 1 "):
        run.step(COLLECT)
    run.service.refusals.clear()
    to_the_end(run)


def test_a_quota_has_a_jobs_time_again_once_a_job_has_ended():
    run = two_jobs(job_timeout_minutes=1)
    run.step(SUBMIT)
    run.sleep(50)
    run.step(COLLECT)
    ended = run.seconds
    run.service.refusals.append("quota")
    run.sleep(50)
    assert run.step(COLLECT)["status"] == "waiting"
    assert run.seconds == ended + 50
