"""The report as JSON."""

from __future__ import annotations

import json

import pytest

from batch_transform.core.publishing.report import already_published, run_report
from batch_transform.core.statuses import RunStatus
from support.reported import ERRORS, TIMES, reported_state


def test_a_published_run_that_is_started_again_is_told_where_it_lies():
    report = run_report(reported_state(), RunStatus.PUBLISHED, "s3://b/run")
    assert already_published(report) == "already published at s3://b/out, nothing done"
    assert already_published({**report, "output": None}) == "already published at s3://b/run, nothing done"


def test_the_whole_report():
    assert run_report(reported_state(), RunStatus.PUBLISHED, "s3://b/run") == {
        "run_id": "run",
        "status": "published",
        "model": "churn",
        "rows_in": 4,
        "rows_scored": 3,
        "rows_dead_letter": 1,
        "rounds": 1,
        "errors": ERRORS,
        "advice": ["look"],
        "jobs": [
            {
                "name": "j1",
                "round": 1,
                "lane": "standard",
                "objects": 1,
                "bytes": None,
                "status": "Failed",
                "failure_reason": "why",
                "max_payload_mb": 6,
                "max_concurrent_transforms": None,
                "instance_type": "ml.m5.large",
                "instance_count": 2,
                **TIMES,
                "instance_seconds": {"paid": 180.0, "busy": 135.0},
                "cost_usd": None,
            }
        ],
        "output": "s3://b/out",
        "dead_letter": "s3://b/out_dead_letter",
        "instance_seconds": {"paid": 180.0, "busy": 135.0},
        "cost_usd": None,
        "seconds_by_step": {"staged": 10.0, "exported": 20.0, "job_ended": 70.0},
        "workspace": "s3://b/run",
        "report": None,
    }


@pytest.mark.parametrize("length", range(1, 11))
def test_a_run_can_be_reported_wherever_it_stands_with_the_same_keys(length):
    report = run_report(reported_state(length), RunStatus.FAILED, "s3://b/run")
    assert set(json.loads(json.dumps(report))) == set(run_report(reported_state(), RunStatus.PUBLISHED, ""))


@pytest.mark.parametrize("status", ["interrupted", "failed", "died", "ended"])
def test_of_a_run_that_ends_within_its_publication_it_is_told_that_a_part_may_be_there(status):
    def told(length):
        return run_report(reported_state(length), RunStatus(status), "s3://b/run")["advice"][1:]

    begun = next(length for length in range(1, 11) if reported_state(length).publication)
    assert [told(begun - 1), told(begun + 1)] == [[], []]
    (words,) = told(begun)
    assert words.startswith("Its publication has begun: ")


@pytest.mark.parametrize("status", ["running", "refused", "unverified", "published"])
def test_of_one_that_goes_on_or_has_changed_nothing_it_is_not(status):
    begun = next(n for n in range(1, 11) if reported_state(n).publication)
    assert run_report(reported_state(begun), RunStatus(status), "s3://b/run")["advice"] == ["look"]


def test_what_is_not_known_yet_is_null_and_not_zero():
    report = run_report(reported_state(1), RunStatus.FAILED, "w")
    unknown = ("rows_in", "rows_scored", "rows_dead_letter", "output", "dead_letter", "report")
    assert [report[key] for key in unknown] == [None] * 6
    assert (report["rounds"], report["jobs"]) == (0, [])
