"""Many bad rows that come to be alone in a job: it scores nothing else, and what is scored elsewhere is sent beside."""

from __future__ import annotations

import random
from collections import deque

import pytest

from batch_transform.core.errors import ErrorBudgetExceeded, ServiceFailure
from support.memory_run import MemoryRun, all_rows, echoing
from support.sampling import one_in


def refusing(sizes, bad, status=400, **changes):
    return MemoryRun(sizes, echoing(lambda row: status if row in bad else None), **changes)


def dead(run):
    return {row for row, leaf in run.outcomes(run.state()).items() if isinstance(leaf, dict)}


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize(("objects", "rows"), one_in(2, [(20, 200), (10, 1500), (10, 50)]))
def test_a_block_that_fills_one_object(objects, rows, status):
    sizes = [rows] * objects
    bad = set(all_rows(sizes)[5 * rows : 6 * rows])
    run = refusing(sizes, bad, status)
    assert run.to_the_gate().rounds <= 6
    assert dead(run) == bad


def test_a_lane_of_which_every_row_is_refused():
    sizes = [100] * 3 + [1] * 33
    bad = set(all_rows(sizes)[300:])
    run = refusing(sizes, bad, 413, oversize=bad)
    assert run.to_the_gate().rounds <= 3
    assert dead(run) == bad


@pytest.mark.parametrize("good", [1, 3, 4])
def test_few_good_rows_among_objects_of_one_row(good):
    sizes = [1] * 100
    bad = set(all_rows(sizes)[good:])
    run = refusing(sizes, bad)
    assert run.to_the_gate().rounds <= 4
    assert dead(run) == bad


def test_dead_rows_that_are_sent_once_more_and_fail_again_are_dead_again():
    sizes = [100] * 10
    bad = set(random.Random(33).sample(all_rows(sizes), 40))
    run = refusing(sizes, bad, errors={})
    for ask in ({}, {"retry_dead": True}):
        with pytest.raises(ErrorBudgetExceeded):
            run.to_the_end(**ask)
    run.errors = {"max_rows": 40}
    assert run.to_the_end().report["rows_dead_letter"] == 40


def test_a_job_of_suspects_that_was_stopped_is_made_up_for_by_a_resume():
    sizes = [100] * 10
    bad = set(random.Random(50).sample(all_rows(sizes), 50))
    run = refusing(sizes, bad, 500)
    run.service.job_faults = deque([None] * 3 + ["stopped"])
    with pytest.raises(ServiceFailure, match="stopped by somebody else"):
        run.to_the_gate()
    run.to_the_gate()
    assert dead(run) == bad


@pytest.mark.parametrize("failing", [500, 502, "drop"])
@pytest.mark.parametrize("sizes", [[1, 100, 100], [1] * 3 + [1000] * 5])
def test_single_rows_that_failed_do_not_say_that_a_model_is_broken_which_was_not_asked_for_others(sizes, failing):
    """One bad row in each object, and each fails as in an outage."""
    rows, begun, bad = all_rows(sizes), 0, set()
    for size in sizes:
        bad.add(rows[begun + size // 2])
        begun += size
    run = refusing(sizes, bad, failing)
    run.to_the_gate()
    assert dead(run) == bad


def test_a_model_that_answers_nothing_is_given_up_though_some_objects_are_one_row():
    run = MemoryRun([1, 100, 100], echoing(lambda row: 502))
    with pytest.raises(ServiceFailure, match="no record at all was scored"):
        run.to_the_gate()
    assert run.state().rounds <= 5
    assert run.service.records_sent < 4 * 201
