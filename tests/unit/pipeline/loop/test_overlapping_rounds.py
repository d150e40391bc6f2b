"""A failed span of one job is split and sent while the other jobs of its round still run: the real loop, in memory.

The time is the run's own: a job takes what it is told to, and the loop's sleeps are all that passes besides.
"""

from __future__ import annotations

import itertools
import json
from collections import deque
from contextlib import suppress
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batch_transform.core.errors import ErrorBudgetExceeded, ServiceFailure
from batch_transform.core.limits import BYTES_PER_MB
from batch_transform.core.publishing.report import run_report
from batch_transform.core.run_settings import START_SECONDS
from batch_transform.core.sending.spreading import REQUEST_BYTES
from batch_transform.core.state import next_action
from batch_transform.core.statuses import RunStatus
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.loop import workspace_repair
from support.crashing_run import DEATHS, covered, early_steps, killed
from support.memory_run import RUN, MemoryRun, all_rows, echoing

SIX = [12] * 24  # objects, four in each of six jobs
LONG, SHORT = 2_000.0, 600.0
A_ROW, A_ROW_OF_EACH_OBJECT, ALL_ROWS = slice(5, 6), slice(5, None, 12), slice(None)


def six_jobs(lasts=None, poison=(0, 1), refused=A_ROW, **transform):
    """A planned run of six jobs, or of as many as may run at once, and the rows that its model refuses.

    All but the first two take long.

    Args:
        lasts: seconds that each job takes, by its number.
        poison: the jobs of which rows are refused.
        refused: which of theirs.
        transform: that section.
    """
    bad = set()
    asked = {"instance_count": 6, "instance_start_seconds": 0, **transform}
    run = MemoryRun(SIX, echoing(lambda row: 500 if row in bad else None), transform=asked)
    run.service.lasts = lasts or (lambda number: LONG if 2 <= number < 6 else SHORT)
    run.step("prepare")
    assert len(run.state().jobs) == transform.get("max_parallel_jobs", 6)
    for number in poison:
        bad.update(rows_of(run, number)[refused])
    return run, bad


def rows_of(run, number):
    spans = run.reader_of_the_ledger().read_part(run.state().jobs[number].spans).to_pylist()
    return [row for span in spans for row in range(span["start"], span["stop"])]


def elapsed(run, state):
    """Seconds from the first Create to the last end of a job."""
    times = [run.service.describe(job.name) for job in state.jobs]
    return (max(it.ended_at for it in times) - min(it.created_at for it in times)).total_seconds()


def check(run, state, poison):
    outcomes = run.outcomes(state)
    assert {row for row, got in outcomes.items() if isinstance(got, dict)} == poison
    assert all(got == row for row, got in outcomes.items() if row not in poison)


@pytest.mark.parametrize("short", [300.0, 600.0, 900.0, 1_500.0])
def test_poison_in_two_of_six_jobs_takes_the_longest_chain_and_not_the_sum_of_the_rounds(short):
    run, bad = six_jobs(lambda number: LONG if 2 <= number < 6 else short)
    state = run.to_the_gate()
    check(run, state, bad)
    assert early_steps(run)
    one_after_the_other = LONG + (state.rounds - 1) * short
    longest = max(LONG, state.rounds * short)
    assert elapsed(run, state) <= longest + START_SECONDS < one_after_the_other


def a_slow_model(slower):
    """A planned run of six jobs, of two start-ups' work each by its run file; the model is so many times slower."""
    start, sizes, row_bytes = 60.0, [200] * 60, 2_000
    weight = sum(sizes) * row_bytes + len(sizes) * REQUEST_BYTES
    speed = weight / BYTES_PER_MB / 6 / (2 * start)
    transform = {"instance_count": 6, "instance_start_seconds": start, "instance_mb_per_second": speed}
    bad = set()
    model = echoing(lambda row: 500 if row in bad else None)
    run = MemoryRun(sizes, model, dict.fromkeys(all_rows(sizes), row_bytes), transform=transform)

    def lasts(number):
        place = run.service.requests[number]["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        names = json.loads(run.store.get(S3Uri.parse(place))[0])[1:]
        size = sum(len(run.store.world.objects["bucket", f"rows/run/input/{name}"][0]) for name in names)
        took = start + slower * (size + len(names) * REQUEST_BYTES) / BYTES_PER_MB / speed
        return took if number else 0.9 * took

    run.service.lasts = lasts
    run.step("prepare")
    bad.add(rows_of(run, 0)[5])
    return run, bad


def test_where_a_model_is_far_slower_than_was_said_what_is_left_is_not_packed_into_the_one_instance_that_is_free():
    """By the run file it is less work than a start-up, for which no instance is waited for."""
    run, bad = a_slow_model(40)
    state = run.to_the_gate()
    check(run, state, bad)
    assert early_steps(run)
    assert sum(job.round_number == 2 for job in state.jobs) == 6
    with mock.patch.object(next_action, "_isolating", return_value=None):
        in_turn, _ = a_slow_model(40)
        one_after_the_other = elapsed(in_turn, in_turn.to_the_gate())
    assert elapsed(run, state) <= one_after_the_other


def test_where_all_jobs_end_together_they_go_on_together():
    """One look finds them all, and one plan is made of what failed in them: a start-up is paid once."""
    run, bad = six_jobs(lasts=lambda number: SHORT)
    state = run.to_the_gate()
    check(run, state, bad)
    assert not early_steps(run)
    assert len(state.round_records) == state.rounds


def test_no_more_instances_than_are_asked_for_all_rounds_together():
    run, bad = six_jobs(poison=(0, 1, 2), max_parallel_jobs=4)
    flying, create = [], run.service.create

    def created(request):
        create(request)
        flying.append(sum(run.service._is_in_flight(name) for name in run.service._jobs))

    run.service.create = created
    check(run, run.to_the_gate(), bad)
    assert max(flying) == 4


def test_names_of_jobs_are_those_of_their_rounds_and_none_comes_twice():
    run, _ = six_jobs(lambda number: [300, 700, LONG][min(number, 2)] if number < 6 else SHORT)
    state = run.to_the_gate()
    names = [job.name for job in state.jobs]
    assert len(set(names)) == len(names)
    second = [job for job in state.jobs if job.round_number == 2]
    assert len({job.plan for job in second}) == 2
    assert [name.split("-r2-")[1] for name in (job.name for job in second)] == ["s0-a1", "s1-a1"]


def test_a_job_that_fails_before_anything_was_scored_waits():
    """It may be the model: the first two jobs score nothing, and of the others nothing is known for long."""
    run, bad = six_jobs(refused=A_ROW_OF_EACH_OBJECT)
    check(run, run.to_the_gate(), bad)
    assert not early_steps(run)


def test_what_another_job_has_scored_says_that_it_is_not_the_model():
    run, bad = six_jobs(lambda number: SHORT if number < 3 else LONG, refused=A_ROW_OF_EACH_OBJECT)
    check(run, run.to_the_gate(), bad)
    assert early_steps(run)


def test_a_model_that_is_broken_is_told_by_a_probe_after_all_jobs():
    run, _ = six_jobs(poison=range(6), refused=ALL_ROWS)
    with pytest.raises(ServiceFailure, match="no record at all was scored"):
        run.to_the_gate()
    assert [record.is_probe for record in run.state().round_records] == [False, True]
    assert not early_steps(run)


def test_the_last_try_before_the_run_would_end_is_made_when_the_others_have_given_their_instances_back():
    """What lacks capacity beside the jobs of the first round would else have spent its three tries long before."""
    run, bad = six_jobs()
    names = set(run.reader_of_the_ledger().read_part(run.state().jobs[1].spans)["object"].to_pylist())
    first = [job.name for job in run.state().jobs[2:]]
    service, create, lacked = run.service, run.service.create, []

    def created(request):
        place = S3Uri.parse(request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"])
        is_lacking = names & {*json.loads(run.store.get(place)[0])[1:]}
        if is_lacking and (any(map(service._is_in_flight, service._jobs.keys() & first)) or len(service._jobs) < 6):
            service.job_faults = deque(["capacity"])
            lacked.append(request["TransformJobName"])
        create(request)

    service.create = created
    state = run.to_the_gate()
    check(run, state, bad)
    assert {name.split("-")[-3] for name in lacked} == {"r1", "r2"}
    assert early_steps(run)


def test_a_stop_that_one_job_asks_for_ends_the_run_when_all_jobs_have_ended():
    run, bad = six_jobs()
    run.service.job_faults = deque([None, "ping", None, None, None, None])
    with pytest.raises(ServiceFailure, match="the model never answered"):
        run.to_the_gate()
    state = run.state()
    assert all(job.status is not None and job.settled_in for job in state.jobs)
    assert early_steps(run), "the other chain went on"
    check(run, run.to_the_gate(), bad)


def test_a_job_that_somebody_else_stopped_ends_the_run_when_all_jobs_have_ended():
    run, bad = six_jobs()
    run.service.job_faults = deque([None, "stopped", None, None, None, None])
    with pytest.raises(ServiceFailure, match="stopped by somebody else"):
        run.to_the_gate()
    assert all(job.settled_in for job in run.state().jobs)
    assert early_steps(run)
    check(run, run.to_the_gate(), bad)


def test_over_budget_is_told_once_every_chain_has_ended():
    run, _ = six_jobs()
    run.errors = {"max_rows": 1}
    with pytest.raises(ErrorBudgetExceeded):
        run.to_the_end()
    sent = len(run.service.requests)
    run.errors = {"max_rows": 2}
    run.to_the_end()
    assert len(run.service.requests) == sent


def test_steps_of_many_overlap_rounds_as_well():
    run, _ = six_jobs()
    for command in ("prepare", "submit"):
        run.step(command)
    while (report := run.step("collect"))["status"] != RunStatus.PUBLISHED.value:
        run.sleep(60)
    assert early_steps(run)
    assert report["rows_dead_letter"] == 2


def test_a_report_in_the_middle_tells_of_all_chains():
    run, _ = six_jobs()
    driver = run.driver()
    while driver.state.plans < 2:
        assert driver.step()
    report = run_report(driver.state, RunStatus.RUNNING, str(RUN))
    flying = [job.name for job in driver.state.in_flight]
    assert len(flying) == 4
    assert (report["rounds"], {job["round"] for job in report["jobs"]}) == (2, {1, 2})
    assert {job["name"] for job in report["jobs"] if job["round"] == 1 and job["status"] is None} == {*flying}


@pytest.mark.parametrize("few", [0, 10_000])
def test_what_is_altered_after_the_first_job_was_judged_is_not_believed_either(few, monkeypatch):
    """Many objects are not listed again before each verdict, but when another job has ended."""
    monkeypatch.setattr(workspace_repair, "_FEW_OBJECTS", few)
    run, bad = six_jobs(poison=())
    driver = run.driver()
    while not any(job.verdicts for job in driver.state.jobs):
        assert driver.step()
    last = driver.state.jobs[5]
    assert last.status is None
    name = driver.ctx.ledger.read_part(last.spans)["object"][0].as_py()
    run.store.world.objects["bucket", f"rows/run/input/{name}"] = (b"other records", run.now())
    while driver.state.gate is None:
        assert driver.step()
    leaves = driver.ctx.ledger.read_part(driver.state.gate.parts[0])
    assert not [leaf for leaf in leaves.to_pylist() if (leaf["job"], leaf["object"]) == (last.name, name)]
    check(run, driver.state, bad)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_fails_wherever_and_whenever_the_driver_is_killed_each_row_is_scored_once_or_dead(data):
    sizes = data.draw(st.lists(st.integers(1, 12), min_size=4, max_size=10), "rows of the objects")
    rows = all_rows(sizes)
    statuses = st.sampled_from([400, 500])
    bad = data.draw(st.dictionaries(st.sampled_from(rows), statuses, max_size=min(4, len(rows) - 1)), "poison")
    count = data.draw(st.integers(2, 6), "instances")
    lasts = data.draw(st.lists(st.sampled_from([100.0, 700.0, 5_000.0]), min_size=5, max_size=5), "seconds of jobs")
    run = MemoryRun(
        sizes, echoing(bad.get), exported=False, transform={"instance_count": count, "instance_start_seconds": 0}
    )
    run.service.lasts = lambda number: lasts[number % 5]
    faults = st.lists(st.sampled_from([None, None, None, "capacity", "internal", "lost"]), max_size=9)
    run.service.job_faults = deque(data.draw(faults, "faults"))
    kills = st.lists(st.tuples(st.integers(0, 50), st.sampled_from(DEATHS)), max_size=4)
    for point, death in data.draw(kills, "kills"):
        with suppress(ServiceFailure):
            killed(run, {point: death})
    run.beset({})
    run.driver().ctx.lease.release()
    while not run.state().report:
        with suppress(ServiceFailure):
            run.to_the_end()
        assert not run.state().in_flight, "it was given up while jobs ran"
    state = run.state()
    assert set(run.outcomes(state)) == set(rows)
    check(run, state, set(bad))
    assert {number for row, number in covered(run).items() if row not in bad} <= {1}
    assert most_at_once(run) <= count


def most_at_once(run):
    """The most instances that were at work at a time."""
    jobs = [run.service.describe(request["TransformJobName"]) for request in run.service.requests]
    moments = sorted((time, step) for job in jobs for time, step in ((job.created_at, 1), (job.ended_at, -1)))
    return max(itertools.accumulate(step for _, step in moments))
