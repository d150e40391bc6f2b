"""Outcomes from outputs: a span is scored by its lines alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.failures import ErrorClass
from batch_transform.core.spans import OVERSIZE, UNSENDABLE, check_tiling
from batch_transform.core.status import JobStatus
from batch_transform.core.verdicts import DEAD, RETRY, SCORED, judge, rows_in_state, unsendable
from support.core_tables import job, leaf, leaves, outputs, span, spans, staged_file

FIVE = spans(span(10, 15, object="a"))


def only(table):
    (row,) = table.to_pylist()
    return row


def test_one_line_for_each_row_is_scored():
    assert only(judge(job(), FIVE, outputs({"object": "a", "lines": 5}))) == {
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
        "rounds": 1,
    }


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED])
def test_the_status_takes_nothing_from_an_output_that_is_there(status):
    assert only(judge(job(status, "ClientError"), FIVE, outputs({"object": "a", "lines": 5})))["state"] == SCORED


@pytest.mark.parametrize(("lines", "blank"), [(4, 0), (6, 0), (0, 0), (5, 1), (6, 1), (10, 5)])
def test_any_other_count_or_a_blank_line_uses_nothing_of_it(lines, blank):
    row = only(judge(job(), FIVE, outputs({"object": "a", "lines": lines, "blank": blank})))
    assert (row["start"], row["stop"], row["state"], row["lines"]) == (10, 15, DEAD, None)
    assert row["error_class"] == ErrorClass.MISMATCH.value


@pytest.mark.parametrize(
    ("status", "reason", "state", "error_class"),
    [
        (JobStatus.FAILED, "ClientError: bad", DEAD, ErrorClass.REJECTED),
        (JobStatus.FAILED, "InternalServerError", RETRY, ErrorClass.INTERNAL),
        (JobStatus.STOPPED, None, RETRY, ErrorClass.STOPPED),
        (JobStatus.COMPLETED, None, DEAD, ErrorClass.NO_OUTPUT),
    ],
)
def test_a_missing_output_is_dead_or_sent_again(status, reason, state, error_class):
    row = only(judge(job(status, reason), FIVE, outputs()))
    assert (row["state"], row["error_class"], row["lines"]) == (state, error_class.value, None)


def test_another_objects_output_is_of_no_use():
    assert only(judge(job(), FIVE, outputs({"object": "b", "lines": 5})))["state"] == DEAD


def test_unreadable_lines_are_dead_with_their_place_and_reason():
    runs = [{"start": 1, "stop": 2, "reason": "no JSON"}, {"start": 4, "stop": 5, "reason": "no number"}]
    found = judge(job(), FIVE, outputs({"object": "a", "lines": 5, "unreadable": runs})).to_pylist()
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
        runs = [{"start": line, "stop": line + 1, "reason": "r"} for line in bad]
        blank = draw(st.sampled_from([0, 0, 0, 1]))
        counted.append({"object": made[-1]["object"], "lines": lines, "blank": blank, "unreadable": runs})
    return made, counted


@given(judged(), st.sampled_from(["ClientError", "InternalServerError", None]))
def test_every_row_of_every_span_is_in_exactly_one_leaf(case, reason):
    made, counted = case
    found = judge(job(JobStatus.FAILED, reason), spans(*made), outputs(*counted))
    rows = made[-1]["stop"]
    check_tiling([staged_file(0, rows)], found)
    assert sum(rows_in_state(found, state) for state in (SCORED, DEAD, RETRY)) == rows


@given(judged())
def test_a_scored_row_is_the_line_of_its_number_in_a_whole_readable_output(case):
    made, counted = case
    by_object, starts = {row["object"]: row for row in counted}, {row["object"]: row["start"] for row in made}
    lengths = {row["object"]: row["stop"] - row["start"] for row in made}
    found = judge(job(), spans(*made), outputs(*counted)).to_pylist()
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
    assert [rows_in_state(table, state) for state in (SCORED, DEAD, RETRY)] == [8, 1, 0]
