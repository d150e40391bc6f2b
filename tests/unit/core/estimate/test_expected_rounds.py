"""How many rounds are expected is told by what came of earlier runs of the model, and else said to be unknown."""

from __future__ import annotations

import pytest

from batch_transform.core.estimate.expected_rounds import Outcome, expected_rounds, outcome_of, rounds_line
from batch_transform.core.publishing.report import run_report
from batch_transform.core.statuses import RunStatus
from support.reported import reported_state


def test_without_a_run_of_the_model_one_round_is_the_least_and_nobody_knows_the_most():
    found = expected_rounds([], 1_000, "")
    assert (found["least"], found["most"]) == (1, None)
    assert rounds_line(found) == (
        "rounds: not known, one if every row is scored at once; no finished run of this model is recorded in this "
        "workspace"
    )


def test_runs_that_nobody_can_look_at_are_not_told_as_none():
    found = expected_rounds([], 1_000, unknown="no ledger can be read")
    assert rounds_line(found) == "rounds: not known, one if every row is scored at once; no ledger can be read"


def test_earlier_runs_tell_rounds_and_how_many_rows_may_fail():
    found = expected_rounds([Outcome(1_000, 0, 1), Outcome(9_000, 20, 4)], 50_000, "")
    assert (found["least"], found["most"]) == (1, 4)
    assert rounds_line(found) == (
        "rounds: 1 to 4, by 2 earlier runs of this model: 20 of 10,000 rows had no prediction, so about 100 of these "
        "50,000 may have none"
    )


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (100, "rounds: 1, by 1 earlier run of this model: 0 of 100 rows had no prediction"),
        (101, "rounds: 1, by 1 earlier run of this model: 0 of 100 rows had no prediction, which says little of 101"),
    ],
)
def test_a_run_without_failures_says_little_of_a_larger_one(rows, words):
    assert rounds_line(expected_rounds([Outcome(100, 0, 1)], rows, "")) == words


def report(length=None, **changed):
    return {**run_report(reported_state(length), RunStatus.PUBLISHED, "s3://b/run"), **changed}


def test_a_run_whose_rows_all_had_an_outcome_tells_it():
    found = report()
    assert outcome_of(found, "churn") == Outcome(found["rows_in"], found["rows_dead_letter"], found["rounds"])


@pytest.mark.parametrize(
    "told",
    [report(model="another"), report(rows_in=0), report(rows_dead_letter=None), report(rounds=0), report(1)],
)
def test_a_run_of_another_model_or_without_an_outcome_tells_nothing(told):
    assert outcome_of(told, "churn") is None
