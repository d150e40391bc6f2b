"""Where a run stands for whoever looks at it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from batch_transform.core.lease import Lease
from batch_transform.core.publishing.report import Took, run_report
from batch_transform.core.publishing.standing import report_as_it_stands, standing, who_drives
from batch_transform.core.statuses import RunStatus
from support.reported import reported_state

BEGAN = "2024-05-01T00:00:00+00:00"
STATE = replace(reported_state(), opened_at=BEGAN, driver_at=BEGAN, report=None)
NOW = datetime(2024, 5, 1, 0, 1, tzinfo=timezone.utc)
LEASE = Lease("w", 1, 0, 60.0, holder="ann on laptop, process 7")


@pytest.mark.parametrize(
    ("lease", "age", "status"),
    [
        (None, 0.0, RunStatus.ENDED),
        (replace(LEASE, released=True), 0.0, RunStatus.ENDED),
        (LEASE, 59.0, RunStatus.RUNNING),
        (LEASE, 61.0, RunStatus.DIED),
    ],
)
def test_a_lease_and_its_age_say_whether_a_driver_is_at_work(lease, age, status):
    assert standing(STATE, lease, age) is status


def said(**other):
    report = run_report(STATE, RunStatus.INTERRUPTED, "s3://b/run", Took(60.0, resumed=True))
    return {**report, "error": ["why"], "next": "resume", "report": "s3://b/page", **other}


def seen(status, told):
    return report_as_it_stands(STATE, status, "s3://b/run", told, NOW + timedelta(days=1))


def test_what_an_end_has_said_holds_as_long_as_nothing_was_recorded_since():
    found = seen(RunStatus.ENDED, said())
    assert (found["status"], found["error"], found["next"]) == ("interrupted", ["why"], "resume")
    assert (found["seconds"], found["resumed"]) == (60.0, True)
    later = seen(RunStatus.ENDED, said(seconds_by_step={}))
    assert (later["status"], later.get("next")) == ("ended", None)


@pytest.mark.parametrize("status", [RunStatus.RUNNING, RunStatus.DIED])
def test_of_a_driver_that_came_since_nothing_of_the_one_before_is_told(status):
    found = seen(status, said())
    assert (found["status"], found.get("next"), found["report"]) == (status, None, None)


def test_seconds_go_on_only_while_a_driver_is_at_work():
    assert seen(RunStatus.RUNNING, None)["seconds"] == 86_460.0
    assert seen(RunStatus.RUNNING, None)["resumed"] is False
    assert "seconds" not in seen(RunStatus.DIED, None)


def test_seconds_are_those_of_the_driver_that_is_at_work_and_not_of_the_pause_before_it():
    state = replace(STATE, driver_at="2024-05-01T23:00:00+00:00")
    found = report_as_it_stands(state, RunStatus.RUNNING, "s3://b/run", None, NOW + timedelta(days=1))
    assert (found["seconds"], found["resumed"]) == (3_660.0, True)


def test_seconds_of_a_driver_whose_machine_has_a_clock_that_is_ahead_are_none_and_not_less():
    state = replace(STATE, driver_at=(NOW + timedelta(minutes=10)).isoformat())
    assert report_as_it_stands(state, RunStatus.RUNNING, "s3://b/run", None, NOW)["seconds"] == 0.0


@pytest.mark.parametrize(
    ("lease", "status", "words"),
    [
        (LEASE, RunStatus.RUNNING, "ann on laptop, process 7 (is at work)"),
        (LEASE, RunStatus.DIED, "ann on laptop, process 7 (has died)"),
        (replace(LEASE, holder=""), RunStatus.PUBLISHED, "w (has ended)"),
        (None, RunStatus.ENDED, None),
    ],
)
def test_a_driver_is_named_as_a_person_knows_it(lease, status, words):
    assert who_drives(lease, status) == words
