"""A driver tells how far it is while jobs run, and asks neither service nor S3 much for it."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from batch_transform.core.amounts import duration
from batch_transform.core.errors import ErrorBudgetExceeded, ServiceFailure
from batch_transform.core.events import EventKind
from batch_transform.core.progress.figures import figures_of
from batch_transform.core.publishing.last_words import sentence
from batch_transform.core.run_state import ASKED, INTERRUPTED
from batch_transform.core.statuses import JobStatus
from support.memory_run import MemoryRun, all_rows, echoing

SECONDS = 3600.0


@dataclass
class Slow:
    """A service of the run's whose jobs take an hour, and whose outputs are there as soon as they are created."""

    run: MemoryRun

    def __getattr__(self, name):
        return getattr(self.run.service, name)

    def describe(self, name):
        found = self.run.service.describe(name)
        if (self.run.now() - found.created_at).total_seconds() < SECONDS:
            return replace(found, status=JobStatus.IN_PROGRESS, failure_reason=None, ended_at=None)
        return found


@dataclass
class Listed:
    """A store that counts listings of outputs, or fails them."""

    store: object
    asked: Counter[str]
    fails: bool = False

    def __getattr__(self, name):
        return getattr(self.store, name)

    def list(self, prefix):
        self.asked[str(prefix)] += 1
        if self.fails and self.asked[str(prefix)] == 1 and "/output/" in str(prefix):
            raise ServiceFailure("S3 does not answer")
        return self.store.list(prefix)


def driven(sizes, *, fails=False):
    events, asked = [], Counter()
    run = MemoryRun(sizes, echoing(lambda row: None), transform={"instance_count": 1})
    driver = run.driver()
    store = Listed(driver.ctx.store, asked, fails)
    driver.ctx = replace(driver.ctx, jobs=Slow(run), store=store, listener=events.append)
    driver.run()
    return events, {key: count for key, count in asked.items() if "/output/" in key}


def test_each_step_begins_once_in_the_order_in_which_it_is_done():
    events, _ = driven([4, 4])
    # The run of these tests is staged before.
    begun = [event.step for event in events if event.kind is EventKind.BEGINS]
    assert begun == ["plan", "score", "reconcile", "gate", "merge", "publish"]


def test_rows_that_are_held_back_are_the_gates_and_no_merge_begins():
    """A merge was shown as broken off that had never begun."""
    events = []
    run = MemoryRun([4, 4], echoing(lambda row: "bad" if row == 1 else None), errors={"max_rows": 0})
    driver = run.driver()
    driver.ctx = replace(driver.ctx, listener=events.append)
    with pytest.raises(ErrorBudgetExceeded):
        driver.run()
    assert [event.step for event in events if event.kind is EventKind.BEGINS][-1] == "gate"


def test_outputs_that_are_there_are_told_before_their_job_has_ended():
    events, _ = driven([4] * 6)
    figures = [event.figures for event in events if event.kind is EventKind.FIGURES]
    assert any(each.jobs_in_flight and each.objects_done == 6 for each in figures)


def test_the_last_figures_have_all_rows():
    events, _ = driven([4] * 6)
    last = [event.figures for event in events if event.kind is EventKind.FIGURES][-1]
    assert (last.rows, last.rows_scored, last.objects, last.objects_done) == (24, 24, 6, 6)


def test_objects_of_a_job_that_has_ended_are_done_though_no_listing_showed_them():
    events, _ = driven([4] * 6, fails=True)
    last = [event.figures for event in events if event.kind is EventKind.FIGURES][-1]
    assert (last.objects_done, last.bytes_done) == (6, last.bytes)


@pytest.mark.parametrize("objects", [1, 2, 6, 60])
def test_less_than_one_listing_is_made_for_each_object_and_no_more_than_a_person_reads(objects):
    _, asked = driven([4] * objects)
    (count,) = asked.values() if objects > 1 else [0]
    judged = 2  # listings by which its outputs are counted
    assert count <= min(objects - 1, 50) + judged


def test_a_store_that_does_not_answer_is_asked_no_more_and_the_run_goes_on():
    _, asked = driven([4] * 60, fails=True)
    assert sum(asked.values()) <= 1 + 2


def last_figures(run):
    return [event.figures for event in run.events if event.kind is EventKind.FIGURES][-1]


@pytest.mark.parametrize("befalls", ["ping", "internal", "lost"])
def test_what_failed_and_was_scored_since_has_not_failed(befalls):
    run = MemoryRun([40, 60], echoing(lambda row: None))
    run.service.job_faults.append(befalls)
    for _ in range(2):
        with suppress(ServiceFailure):
            run.to_the_end()
    figures = last_figures(run)
    assert (figures.rows_scored, figures.rows_failed, figures.failed_most) == (100, 0, None)


def test_a_row_that_has_no_prediction_has_failed_of_its_class():
    run = MemoryRun([40, 60], echoing(lambda row: 400 if row == 7 else None))
    run.service.job_faults.append("internal")
    run.to_the_end()
    figures = last_figures(run)
    assert (figures.rows_dead, figures.rows_failed, figures.failed_most) == (1, 1, "rejected by the model")


def test_the_seconds_of_a_run_are_those_of_its_driver_and_the_last_figures_have_the_same():
    """The pause between two drivers is hours, and nobody's work."""
    run = MemoryRun([40, 60], echoing(lambda row: None))
    run.service.job_faults.append("ping")
    with suppress(ServiceFailure):
        run.to_the_end()
    run.seconds += 7_200.0
    run.service.lasts = lambda job: 90.0
    report = run.to_the_end().report
    assert 90.0 <= report["seconds"] < 200.0
    assert last_figures(run).seconds == report["seconds"]
    assert f"{duration(report['seconds'])} since it was resumed" in sentence(report)


def test_a_job_in_flight_is_told_once_however_often_others_end():
    """It was told anew whenever another had ended: with 10,000 jobs, 100 at once, a million lines."""
    slow = {"instance_mb_per_second": 0.00001, "instance_start_seconds": 1, "job_timeout_minutes": 60}
    run = MemoryRun([40] * 12, echoing(lambda row: None), transform={"instance_count": 6, **slow})
    run.service.lasts = lambda job: 300.0 + 97 * job
    jobs = run.to_the_end().jobs
    assert len(jobs) == 12
    told = Counter(event.text for event in run.events if event.text.endswith(": InProgress"))
    assert told == {f"{job.name}: InProgress": 1 for job in jobs}


@pytest.mark.parametrize("resumes", [False, True])
def test_what_came_before_the_run_was_held_is_told_as_well(resumes):
    """Spark's start, say. A step that records nothing of its own goes on with what another has begun all the same."""
    run = MemoryRun([40, 60], echoing(lambda row: None))
    run.seconds += 50.0 if resumes else 0.0
    driver = run.driver()
    ctx = replace(driver.ctx, began=run.seconds - 30.0)
    opened = replace(driver.state, opened_at=(run.now() - timedelta(seconds=40.0 if resumes else 20.0)).isoformat())
    took = ctx.took(opened)
    assert (took.seconds, took.resumed) == (pytest.approx(30.0), resumes)


def figures_once_sent(driver):
    """How far a run is as soon as a job of a driver's own is in flight."""
    before = len(driver.state.jobs)
    while len(driver.state.jobs) == before or not driver.state.in_flight:
        assert driver.step()
    return figures_of(driver.state, {}, {}, None)


@pytest.mark.parametrize("reason", [ASKED, INTERRUPTED])
def test_objects_of_a_stopped_job_are_still_to_be_done(reason):
    """The bar stood at a half, with a rate and a time left, before the first row was scored."""
    run = MemoryRun([40, 60], echoing(lambda row: None))
    driver = run.driver()
    sent = figures_once_sent(driver)
    driver.interrupt(reason)
    left = figures_of(driver.state, {}, {}, None)
    assert (sent.jobs_stopping, left.jobs_stopping, left.jobs_in_flight) == (0, 1, 1)
    driver.ctx.lease.release()
    again = figures_once_sent(run.driver())
    assert (again.objects, again.objects_done, again.bytes, again.bytes_done) == (2, 0, sent.bytes, 0)


def test_display_report_and_what_is_told_of_each_job_count_the_same_objects():
    """Neither good rows that are sent along with failed ones, nor further copies of one row, are objects to anybody."""
    sizes = [6, 6]
    run = MemoryRun(sizes, echoing(lambda row: 400 if row == all_rows(sizes)[2] else None))
    state = run.to_the_end()
    assert any(job.controls for job in state.jobs)
    sent = sum(job["objects"] for job in state.report["jobs"])
    told = [event.text for event in run.events if "sent have an output" in (event.text or "")]
    found = [re.search(r": ([0-9,]+) of ([0-9,]+) objects? sent have an output", line) for line in told]
    figures = last_figures(run)
    assert (figures.objects, figures.objects_done) == (sent, sent)
    assert sum(int(each[2]) for each in found) == sent
    assert 0 < sum(int(each[1]) for each in found) < sent
