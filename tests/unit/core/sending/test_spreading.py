"""Work is spread over no more instances than it is worth, and packed so that they end together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.run_settings import TransformSettings
from batch_transform.core.sending.job_planning import plan_lanes, spread_out
from batch_transform.core.sending.spreading import Speed, busy_share, packed, shares
from batch_transform.core.spans import OVERSIZE
from support.core_tables import span, spans

MB = 1_000_000
WEIGHTS = st.lists(st.integers(0, 10**9), max_size=200)
JOBS = st.integers(1, 64)
GROUPS = st.lists(st.tuples(st.floats(0, 1e4), st.integers(1, 500)), max_size=5)


def loads(weights, jobs):
    return [sum(weights[place] for place in places) for places in packed(weights, jobs)]


@given(WEIGHTS, JOBS)
def test_each_object_is_in_exactly_one_job_and_in_order_there(weights, jobs):
    chosen = packed(weights, jobs)
    assert len(chosen) == jobs
    assert all(places == sorted(places) for places in chosen)
    assert sorted(place for places in chosen for place in places) == list(range(len(weights)))


@given(WEIGHTS.filter(len), JOBS)
def test_no_job_is_heavier_than_the_mean_and_one_object_allow(weights, jobs):
    assert max(loads(weights, jobs)) <= sum(weights) / jobs + max(weights) * (1 - 1 / jobs) + 1e-3


@given(st.lists(st.integers(1, 60), min_size=1, max_size=9), st.integers(1, 3))
def test_the_heaviest_job_is_within_grahams_bound_of_the_best_packing(weights, jobs):
    """Against every packing that there is."""
    best = sum(weights)
    for number in range(jobs ** len(weights)):
        of_jobs = [0] * jobs
        for weight in weights:
            number, job = divmod(number, jobs)
            of_jobs[job] += weight
        best = min(best, max(of_jobs))
    assert max(loads(weights, jobs)) <= best * (4 / 3 - 1 / (3 * jobs)) + 1e-9


@given(st.integers(1, 64), st.integers(0, 2**32 - 1))
def test_twenty_objects_for_each_job_of_sizes_within_a_third_end_within_two_percent(jobs, seed):
    sizes = np.random.default_rng(seed).uniform(0.7, 1.3, 20 * jobs)
    assert max(loads(sizes.tolist(), jobs)) <= 1.02 * sizes.sum() / jobs


@given(GROUPS, JOBS)
def test_no_job_without_work_for_a_start_up_or_without_an_object(groups, most):
    work, objects = [group[0] for group in groups], [group[1] for group in groups]
    counts = shares(work, objects, most)
    for of_group, held, count in zip(work, objects, counts, strict=True):
        assert count == 1 or of_group / count >= 1
        assert 1 <= count <= held
    assert sum(counts) <= max(most, len(groups))


@given(st.floats(0, 1e4), st.integers(1, 500), JOBS)
def test_one_lane_has_as_many_jobs_as_are_worth_it(work, objects, most):
    assert shares([work], [objects], most) == [max(1, min(most, int(work), objects))]


def test_further_jobs_go_where_most_is_to_do():
    assert shares([30.0, 10.0], [100, 100], 4) == [3, 1]
    assert shares([30.0, 10.0], [2, 100], 4) == [2, 2]
    assert shares([30.0, 0.1], [100, 1], 64) == [30, 1]


def test_a_start_that_costs_nothing_is_worth_any_work():
    assert shares([Speed(0, 1).start_ups(1)], [10], 4) == [4]
    assert shares([Speed(0, 1).start_ups(0)], [10], 4) == [1]
    assert Speed(240, 2).start_ups(960 * MB) == pytest.approx(2)


def table(*megabytes, **more):
    return spans(*(span(10 * i, 10 * i + 10, bytes=size * MB, **more) for i, size in enumerate(megabytes)))


def spread(spans, in_flight=0, **asked):
    return spread_out(plan_lanes(spans, "auto", "auto"), TransformSettings(**asked), in_flight)


def test_jobs_of_one_instance_hold_what_the_lane_holds():
    jobs = spread(table(*[48] * 20), instance_count=8)
    assert len(jobs) == 4  # 960 MB, of which 240 are worth a start-up
    assert [job.spans.num_rows for job in jobs] == [5] * 4
    assert sorted(start for job in jobs for start in job.spans["start"].to_pylist()) == list(range(0, 200, 10))
    assert len({job.throughput for job in jobs}) == 1


def test_instances_of_one_job_are_one_job():
    jobs = spread(table(*[48] * 20), instance_count=8, spread="instances")
    assert [job.spans.num_rows for job in jobs] == [20]


@pytest.mark.parametrize("asked", [{"instance_count": 16, "max_parallel_jobs": 1}, {"instance_count": 1}])
def test_jobs_that_can_only_come_one_after_the_other_are_one(asked):
    assert len(spread(table(*[48] * 20), **asked)) == 1


def test_no_job_has_work_for_more_than_half_of_the_time_after_which_it_is_stopped():
    """960 MB at 1 MB a second are 16 minutes; a job that is stopped has scored nothing."""
    for minutes, jobs in ((480, 1), (33, 1), (17, 2), (4, 9), (1, 20)):
        assert len(spread(table(*[48] * 20), job_timeout_minutes=minutes)) == jobs, minutes
    many = {"instance_count": 4, "spread": "instances"}
    assert [len(spread(table(*[48] * 20), job_timeout_minutes=each, **many)) for each in (9, 4, 1)] == [1, 3, 9]


def test_a_start_up_that_a_person_knows_decides_how_many_jobs_are_worth_it():
    assert len(spread(table(*[48] * 20), instance_count=8, instance_start_seconds=480)) == 2
    assert len(spread(table(*[48] * 20), instance_count=8, instance_mb_per_second=10)) == 1


@pytest.mark.parametrize(("in_flight", "jobs"), [(0, 8), (5, 3), (7, 1), (8, 1)])
def test_what_fails_beside_other_jobs_is_packed_into_the_instances_that_are_free(in_flight, jobs):
    assert len(spread(table(*[1] * 20), in_flight, instance_count=8, instance_start_seconds=0)) == jobs


def test_much_work_is_worth_waiting_for_instances_that_others_still_have():
    assert len(spread(table(*[48] * 20), 7, instance_count=8)) == 4
    assert len(spread(table(*[48] * 20), 7, instance_count=8, instance_start_seconds=0)) == 4


def test_a_copy_of_an_object_is_work_as_well():
    once = table(*[24] * 10)
    four_times = table(*[24] * 10, copies=["a", "b", "c"], copy_etags=[None] * 3)
    assert (len(spread(once, instance_count=8)), len(spread(four_times, instance_count=8))) == (1, 4)


def test_all_lanes_share_the_instances():
    rows = [*(span(i, i + 1, bytes=60 * MB, largest=10) for i in range(40))]
    rows += [span(i, i + 1, bytes=60 * MB, lane=OVERSIZE, largest=60 * MB) for i in range(40, 60)]
    jobs = spread(spans(*rows), instance_count=6)
    assert [job.lane for job in jobs] == ["standard"] * 4 + [OVERSIZE] * 2


def test_instances_of_one_job_wait_for_the_last_of_them():
    """As the issue of the spread measured it: ten objects an instance, their sizes within a third."""
    sizes = np.random.default_rng(1).uniform(0.7, 1.3, 10 * 64).tolist()
    shares_of = {count: busy_share(map(str, range(10 * count)), sizes[: 10 * count], count) for count in (1, 16, 64)}
    assert shares_of[1] == pytest.approx(1)
    assert 0.5 < shares_of[64] < shares_of[16] < 0.75
    assert busy_share([], [], 3) == 1.0
