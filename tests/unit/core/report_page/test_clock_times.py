"""What was done when, by the clock on the wall."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.report_page.clock_times import Interval, clock_times
from batch_transform.core.report_page.timeline import timeline
from support.core_tables import step
from support.reported import reported_state

BEGUN = datetime.fromisoformat("2024-05-01T10:00:00+00:00")
(JOB,) = reported_state().jobs


def at(seconds):
    return (BEGUN + timedelta(seconds=seconds)).isoformat()


def interval(start, stop):
    return Interval(BEGUN + timedelta(seconds=start), BEGUN + timedelta(seconds=stop))


OPENED = step("opened", run_id="r", nonce="n", config={}, at=at(0))


def times_of(steps, jobs=(), now=0):
    return clock_times([OPENED, *steps], jobs, BEGUN + timedelta(seconds=now))


def job(made, started, ended, name="j1", number=1):
    times = {"created_at": at(made), "started_at": started and at(started), "ended_at": ended and at(ended)}
    return replace(JOB, name=name, round_number=number, **times)


def test_a_step_ends_when_it_was_recorded_and_began_its_seconds_before():
    found = times_of([step("staged", seconds=10.0, clock=at(12)), step("exported", seconds=3.0, clock=at(20))])
    assert found.work == {"Stage": (interval(2, 12),), "Export": (interval(17, 20),)}
    assert found.waiting == (interval(0, 2), interval(12, 17))


def test_between_two_commands_nothing_runs_and_while_jobs_run_they_are_waited_for():
    steps = [step("planned", seconds=1.0, clock=at(1)), step("job_judged", seconds=2.0, clock=at(100))]
    found = times_of(steps, [job(5, 20, 60)])
    assert found.waiting_for_jobs == (interval(5, 60),)
    assert found.waiting == (interval(1, 5), interval(60, 98))


def test_steps_of_an_earlier_version_follow_each_other_from_the_beginning():
    steps = [step("staged", seconds=10.0), step("exported", seconds=20.0), step("planned", seconds=1.0, at=at(40))]
    found = times_of(steps)
    assert found.work == {"Stage": (interval(0, 10),), "Export": (interval(10, 30),), "Plan": (interval(39, 40),)}


def test_rounds_may_overlap_since_each_job_is_where_its_own_times_are():
    found = times_of([], [job(0, 10, 100, "a", 1), job(50, 60, 90, "b", 2)])
    assert [(each.job.name, each.made, each.ended) for each in found.jobs] == [
        ("a", BEGUN, BEGUN + timedelta(seconds=100)),
        ("b", BEGUN + timedelta(seconds=50), BEGUN + timedelta(seconds=90)),
    ]
    assert found.waiting_for_jobs == (interval(0, 100),)


def test_the_time_of_the_jobs_is_that_in_which_one_was_at_work_and_no_pause_between_them():
    found = times_of([], [job(0, 10, 30, "a"), job(20, 25, 40, "b"), job(140, 150, 152, "c", 2)], now=500)
    assert found.jobs_seconds == 40 + 12


def test_a_job_in_flight_lasts_until_now_and_was_made_when_that_was_recorded():
    flying = replace(JOB, created_at=None, started_at=None, ended_at=None, status=None)
    found = times_of([step("job_created", job="j1", at=at(7))], [flying], now=30)
    assert found.waiting_for_jobs == (interval(7, 30),)
    assert found.whole == interval(0, 30)


SECONDS = st.integers(-(10**9), 10**9).filter(bool)  # None is what `job` takes 0 for


@given(st.lists(SECONDS, min_size=4, max_size=4), st.tuples(SECONDS, SECONDS, SECONDS), SECONDS)
def test_nothing_takes_less_than_no_time_however_clocks_were_put(clocks, of_job, now):
    kinds = ("staged", "planned", "job_judged", "gated")
    steps = [step(kind, seconds=9.0, clock=at(clock)) for kind, clock in zip(kinds, clocks, strict=True)]
    found = times_of(steps, [job(*of_job)], now)
    spans = [found.whole, *itertools.chain(*found.work.values()), *found.waiting_for_jobs, *found.waiting]
    assert min(each.seconds for each in spans) >= 0
    assert found.jobs_seconds >= 0
    timeline(found)


def test_a_job_that_was_never_created_has_no_row():
    assert times_of([], [replace(JOB, created_at=None)]).jobs == ()


PIECES = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 50)), max_size=8)


@given(steps=PIECES, jobs=PIECES)
def test_work_and_both_kinds_of_waiting_are_the_whole_and_do_not_overlap(steps, jobs):
    ends = sorted(start + length for start, length in steps)
    told = [
        step("job_judged", seconds=float(min(length, end)), clock=at(end))
        for end, (_, length) in zip(ends, steps, strict=True)
    ]
    found = times_of(told, [job(start, None, start + length, f"j{n}") for n, (start, length) in enumerate(jobs)])
    pieces = [*found.waiting, *found.waiting_for_jobs, *(each for row in found.work.values() for each in row)]
    ordered = sorted(pieces, key=lambda each: each.start)
    assert sum(each.seconds for each in pieces) == found.whole.seconds
    assert all(before.stop <= after.start for before, after in itertools.pairwise(ordered))
