"""What the jobs may cost is held: by an estimate before the first of them, by what was paid before each further one."""

from __future__ import annotations

import re

import pytest

from batch_transform.core.errors import ConfigurationError, OverCost
from batch_transform.core.publishing.report import run_report
from batch_transform.core.statuses import RunStatus
from support.memory_run import RUN, MemoryRun, all_rows, echoing

GOOD = echoing(lambda row: None)
BAD_ROW = echoing(lambda row: 400 if row == 2 else None)
AN_HOUR = 3600.0
# An instance costs a dollar an hour, starts at once, and a job takes an hour in fact, which nobody has estimated.
PRICED = {"price_per_hour": 1.0, "instance_start_seconds": 0, "instance_count": 2, "job_timeout_minutes": 100}


def run(model, budget, **transform):
    made = MemoryRun([4, 4], model, transform={**PRICED, **transform}, sections={"budget_usd": budget})
    made.service.lasts = lambda job: AN_HOUR
    return made


def report_of(made, state):
    return run_report(state, RunStatus.PUBLISHED, str(RUN))


def test_the_report_tells_what_each_job_has_cost_and_all_of_them():
    made = run(GOOD, None)
    report = report_of(made, made.to_the_end())
    assert [job["cost_usd"] for job in report["jobs"]] == [1.0, 1.0]
    assert report["cost_usd"] == 2.0
    assert sum(job["bytes"] for job in report["jobs"]) == sum(len(made.record(row)) for row in all_rows([4, 4]))


def test_an_estimate_over_the_budget_refuses_the_run_before_any_job():
    made = run(GOOD, 0.5, instance_start_seconds=7200)
    with pytest.raises(ConfigurationError, match=r"estimated at \$2.00.*--set|budget_usd=2") as refused:
        made.to_the_end()
    assert made.service.requests == []
    assert refused.value.exit_code == 2


def test_beyond_the_budget_no_job_is_created_and_those_in_flight_finish():
    made = run(BAD_ROW, 1.5)
    with pytest.raises(OverCost, match=r"2 jobs would have cost \$2.00 on AWS: no further") as ended:
        made.to_the_end()
    assert (ended.value.exit_code, ended.value.status) == (3, RunStatus.OVER_COST)
    assert len(made.service.requests) == 2
    assert not made.service.stopped
    assert not list(made.store.list(made.targets["result"]))


@pytest.mark.parametrize(("region", "words"), [("us-east-1", "2 jobs have cost"), (None, "2 jobs would have cost")])
def test_only_of_jobs_that_are_paid_is_it_said_that_they_have_cost_something(region, words):
    made = run(BAD_ROW, 1.5)
    made.region = region
    with pytest.raises(OverCost, match=rf"budget_usd: is 1.5, and {words} \$2.00"):
        made.to_the_end()


def test_the_command_in_the_message_goes_on_and_scores_only_what_is_left():
    made = run(BAD_ROW, 1.5)
    with pytest.raises(OverCost) as ended:
        made.to_the_end()
    (amount,) = re.findall(r"budget_usd=([\d.]+)", str(ended.value).partition("To go on")[2])
    made.sections["budget_usd"] = 10 * float(amount)
    state = made.to_the_end()
    assert state.report is not None
    assert {row for row, outcome in made.outcomes(state).items() if outcome != row} == {2}


def test_without_a_budget_and_within_it_nothing_is_held_back():
    for budget in (None, 100.0):
        made = run(BAD_ROW, budget)
        assert made.to_the_end().report is not None


def test_what_a_job_costs_that_is_not_known_to_have_ended_is_not_told_as_nothing():
    """Of a job that Ctrl-C has asked to stop, say; it was created all the same."""
    made = run(GOOD, None, instance_count=1)
    driver = made.driver()
    while not driver.state.in_flight:
        assert driver.step()
    (job,) = report_of(made, driver.state)["jobs"]
    assert (report_of(made, driver.state)["cost_usd"], job["cost_usd"], job["status"]) == (None, None, None)
    assert job["created_at"] == made.now().isoformat()


def test_a_run_of_which_no_job_was_created_has_cost_nothing():
    made = run(GOOD, None)
    assert report_of(made, made.driver().state)["cost_usd"] == 0.0
