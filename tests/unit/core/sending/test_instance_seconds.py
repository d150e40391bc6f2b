"""The figures of tests/benchmarks/instance_seconds.py at a small scale: paid instances are busy, and sizing pays."""

from __future__ import annotations

import pytest

from benchmarks.instance_seconds import GB, ONE_AT_A_TIME, Service, grid_line, ways


@pytest.mark.parametrize("instances", [1, 4, 16, 64])
@pytest.mark.parametrize("gigabytes", [0.1, 1, 10])
def test_a_run_takes_a_start_up_and_its_share_of_the_work_and_no_more_is_paid(gigabytes, instances):
    """Within a tenth of start-up + work / j, and a twentieth of work + j start-ups; the worst of two distributions."""
    for name in ("lognormal", "heavy tail"):
        elapsed, paid = ways(name, round(gigabytes * GB), instances, Service(), 1)["jobs"]
        assert elapsed <= 0.10
        assert paid <= 0.05


def test_instances_of_one_job_are_paid_while_they_wait():
    found = ways("uniform, 0.2 to 8 kB", 10 * GB, 4, Service(), 1)
    assert found["jobs"][1] < 0.05 < found["hash"][1] < found["before"][1]
    assert found["one"][1] > 1.5  # where all keys go to one of them, the others are paid for nothing


@pytest.mark.parametrize("name", ["equal, 2 kB", "1 kB and 3.9 MB"])
@pytest.mark.parametrize("server", [Service(), Service(mb_seconds=0.46, workers=4)], ids=["as many", "four"])
def test_what_is_chosen_is_within_a_tenth_of_the_best_of_a_grid(name, server):
    ours, default, _ = grid_line(name, GB, 16, server, 2)
    assert ours <= 0.10 < default


@pytest.mark.parametrize("name", ["equal, 2 kB", "1 kB and 3.9 MB"])
def test_of_a_server_that_serves_one_at_a_time_it_is_enough_to_say_so(name):
    """Before any job nobody knows; few large requests would be half as fast where many are worked on at once."""
    assert grid_line(name, GB, 16, ONE_AT_A_TIME, 2, at_once=1)[0] <= 0.10
