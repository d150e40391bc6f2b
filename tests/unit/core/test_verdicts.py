"""Outcomes from outputs: a span is scored by its lines alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.data_log import LogEntry
from batch_transform.core.failures import ErrorClass
from batch_transform.core.spans import OVERSIZE, UNSENDABLE, check_tiling
from batch_transform.core.status import JobStatus
from batch_transform.core.verdicts import DEAD, FAILED, SCORED, Evidence, judge, rows_in_state, unsendable
from support.core_tables import evidence, job, leaf, leaves, span, spans, staged_file

FIVE = spans(span(10, 15, object="a"))


def only(table):
    (row,) = table.to_pylist()
    return row


def test_one_line_for_each_row_is_scored():
    assert only(judge(job(), FIVE, evidence({"object": "a", "lines": 5}))) == {
        "start": 10,
        "stop": 15,
        "state": SCORED,
        "job": "j",
        "object": "a",
        "line": 0,
        "etag": "e",
        "lines": 5,
        "error_class": None,
        "message": None,
        "evidence": None,
        "rounds": 1,
        "at": None,
        "certain": None,
        "setting": None,
    }


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED])
def test_the_status_takes_nothing_from_an_output_that_is_there(status):
    assert only(judge(job(status, "ClientError"), FIVE, evidence({"object": "a", "lines": 5})))["state"] == SCORED


@pytest.mark.parametrize(("lines", "blank"), [(4, 0), (6, 0), (0, 0), (5, 1), (6, 1), (10, 5)])
def test_any_other_count_or_a_blank_line_uses_nothing_of_it(lines, blank):
    row = only(judge(job(), FIVE, evidence({"object": "a", "lines": lines, "blank": blank})))
    assert (row["start"], row["stop"], row["state"], row["lines"]) == (10, 15, FAILED, None)
    assert row["error_class"] == ErrorClass.MISMATCH.value


@pytest.mark.parametrize(
    ("status", "reason", "error_class"),
    [
        (JobStatus.FAILED, "ClientError: bad", ErrorClass.REJECTED),
        (JobStatus.FAILED, "InternalServerError", ErrorClass.INTERNAL),
        (JobStatus.STOPPED, None, ErrorClass.STOPPED),
        (JobStatus.COMPLETED, None, ErrorClass.NO_OUTPUT),
    ],
)
def test_a_missing_output_has_failed_for_its_jobs_reason(status, reason, error_class):
    row = only(judge(job(status, reason), FIVE, evidence()))
    assert (row["state"], row["error_class"], row["lines"]) == (FAILED, error_class.value, None)


def test_an_objects_own_line_in_the_data_log_says_more_than_its_jobs_reason():
    log = Evidence(evidence().outputs, {"a": LogEntry("ClientError: 400", "no number: x")})
    row = only(judge(job(JobStatus.FAILED, "AlgorithmError: See job logs"), FIVE, log))
    assert (row["error_class"], row["certain"]) == (ErrorClass.REJECTED.value, True)
    assert (row["message"], row["evidence"]) == ("the model answered 400", "ClientError: 400\nno number: x")


def test_an_output_that_is_there_is_used_whatever_the_log_says():
    log = Evidence(evidence({"object": "a", "lines": 5}).outputs, {"a": LogEntry("ClientError: 400")})
    assert only(judge(job(), FIVE, log))["state"] == SCORED


def test_another_objects_output_is_of_no_use():
    assert only(judge(job(), FIVE, evidence({"object": "b", "lines": 5})))["state"] == FAILED


def test_a_key_that_is_not_its_records_uses_nothing_of_the_output():
    row = only(judge(job(), FIVE, evidence({"object": "a", "lines": 5, "wrong_key": 3})))
    assert (row["state"], row["error_class"]) == (FAILED, ErrorClass.MISMATCH.value)
    assert "line 3 of the output echoes another key" in row["message"]


def test_placeholders_are_dead_of_their_own_class():
    runs = [{"start": 1, "stop": 3, "reason": "said so", "placeholder": True}]
    found = judge(job(), FIVE, evidence({"object": "a", "lines": 5, "unreadable": runs})).to_pylist()
    assert [(row["state"], row["error_class"]) for row in found] == [
        (SCORED, None),
        (DEAD, ErrorClass.PLACEHOLDER.value),
        (SCORED, None),
    ]


def test_unreadable_lines_are_dead_with_their_place_and_reason():
    runs = [
        {"start": 1, "stop": 2, "reason": "no JSON", "placeholder": False},
        {"start": 4, "stop": 5, "reason": "no number", "placeholder": False},
    ]
    found = judge(job(), FIVE, evidence({"object": "a", "lines": 5, "unreadable": runs})).to_pylist()
    assert [(row["start"], row["stop"], row["line"], row["state"], row["message"]) for row in found] == [
        (10, 11, 0, SCORED, None),
        (11, 12, 1, DEAD, "no JSON"),
        (12, 14, 2, SCORED, None),
        (14, 15, 4, DEAD, "no number"),
    ]
    assert {(row["lines"], row["etag"], row["error_class"]) for row in found if row["state"] == DEAD} == {
        (5, "e", ErrorClass.UNREADABLE.value)
    }


@st.composite
def judged(draw):
    """Spans of one staged file, and outputs that are missing, too short, too long, blank or unreadable in places."""
    lengths = draw(st.lists(st.integers(1, 8), min_size=1, max_size=6))
    starts = [sum(lengths[:index]) for index in range(len(lengths))]
    made, counted = [], []
    for start, rows in zip(starts, lengths, strict=True):
        made.append(span(start, start + rows))
        lines = draw(st.sampled_from([None, rows, rows, rows, rows - 1, rows + 1]))
        if lines is None:
            continue
        bad = sorted(draw(st.sets(st.integers(0, rows - 1)))) if lines == rows else []
        runs = [{"start": line, "stop": line + 1, "reason": "r", "placeholder": False} for line in bad]
        blank = draw(st.sampled_from([0, 0, 0, 1]))
        counted.append({"object": made[-1]["object"], "lines": lines, "blank": blank, "unreadable": runs})
    return made, counted


@given(judged(), st.sampled_from(["ClientError", "InternalServerError", None]))
def test_every_row_of_every_span_is_in_exactly_one_leaf(case, reason):
    made, counted = case
    found = judge(job(JobStatus.FAILED, reason), spans(*made), evidence(*counted))
    rows = made[-1]["stop"]
    check_tiling([staged_file(0, rows)], found)
    assert sum(rows_in_state(found, state) for state in (SCORED, DEAD, FAILED)) == rows


@given(judged())
def test_a_scored_row_is_the_line_of_its_number_in_a_whole_readable_output(case):
    made, counted = case
    by_object, starts = {row["object"]: row for row in counted}, {row["object"]: row["start"] for row in made}
    lengths = {row["object"]: row["stop"] - row["start"] for row in made}
    found = judge(job(), spans(*made), evidence(*counted)).to_pylist()
    for row in (row for row in found if row["state"] == SCORED):
        output, start = by_object[row["object"]], starts[row["object"]]
        assert row["line"] == row["start"] - start
        assert (output["lines"], output["blank"]) == (lengths[row["object"]], 0)
        taken = range(row["line"], row["line"] + row["stop"] - row["start"])
        assert not {run["start"] for run in output["unreadable"]} & set(taken)


def test_only_unsendable_records_are_dead_before_any_job():
    table = spans(span(0, 3), span(3, 4, lane=UNSENDABLE, object=None), span(4, 5, lane=OVERSIZE))
    row = only(unsendable(table))
    assert (row["start"], row["stop"], row["state"], row["rounds"]) == (3, 4, DEAD, 0)
    assert (row["error_class"], row["job"]) == (ErrorClass.TOO_LARGE.value, None)
    assert "100000000 bytes" in row["message"]


def test_rows_are_counted_by_state():
    table = leaves(leaf(0, 3), leaf(3, 4, DEAD), leaf(4, 9))
    assert [rows_in_state(table, state) for state in (SCORED, DEAD, FAILED)] == [8, 1, 0]
