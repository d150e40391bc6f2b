"""What is told of expectations has the values that were found, and none that may be a row's own."""

from __future__ import annotations

from batch_transform.core.expectations import accepted, kept_values, not_met, refusal, sentences


def expectation(expression, held, **more):
    found = {
        "expression": expression,
        "held": held,
        "accepted": False,
        "values": {},
        "untold": [],
        "previous": None,
        "previous_run": None,
        "note": None,
    }
    return {**found, **more}


LATE = expectation("avg(p) < 0.4", False, values={"avg(p)": 0.4000000001})
COUNT = expectation("count(*) = 5", True, values={"count(*)": 1234567})
DRIFT = expectation(
    "avg(p) > previous.avg(p)", False, values={"avg(p)": 0.5}, previous={"avg(p)": 0.75}, previous_run="monday"
)
NAME = expectation("max(name) < 'z'", False, untold=["max(name)"])
FIRST = expectation("avg(p) > previous.avg(p)", None, values={"avg(p)": None}, note="no run has published before")


def test_all_that_is_not_met_is_told_at_once_with_its_values():
    assert refusal([LATE, COUNT, DRIFT, NAME]) == [
        "expect: 3 of 4 expectations not met; nothing is published, and what was scored is kept",
        "not met: avg(p) < 0.4 (avg(p) is 0.4000000001)",
        "not met: avg(p) > previous.avg(p) (avg(p) is 0.5, was 0.75 in monday)",
        "not met: max(name) < 'z' (max(name) is not told, as it may be a row's own value)",
    ]


def test_what_held_and_what_was_not_checked_is_told_as_well():
    assert sentences([COUNT, FIRST]) == [
        "held: count(*) = 5 (count(*) is 1,234,567)",
        "not checked: avg(p) > previous.avg(p) (avg(p) is null; no run has published before)",
    ]


def test_what_a_person_accepts_keeps_no_run_from_publishing_and_is_told_so():
    found = accepted([LATE, COUNT, FIRST])
    assert not_met(found) == []
    assert [each["accepted"] for each in found] == [True, False, False]
    assert sentences(found)[0] == "not met, accepted: avg(p) < 0.4 (avg(p) is 0.4000000001)"


def test_all_values_are_kept_for_the_runs_to_come():
    assert kept_values([LATE, COUNT, NAME]) == {"avg(p)": 0.4000000001, "count(*)": 1234567}
