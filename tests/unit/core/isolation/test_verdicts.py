"""Outcomes from outputs: a span is scored by its lines alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.isolation.data_log_evidence import LogEntry
from batch_transform.core.isolation.error_classes import ErrorClass
from batch_transform.core.isolation.verdict_rows import DEAD, FAILED, SCORED
from batch_transform.core.isolation.verdicts import Evidence, judge, judge_controls, rows_in_state, unsendable
from batch_transform.core.spans import OVERSIZE, UNSENDABLE, check_tiling
from batch_transform.core.statuses import JobStatus
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
        "unread": None,
        "certain": None,
        "setting": None,
        "tries": None,
        "passed": None,
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


def test_unreadable_lines_have_failed_each_by_itself_with_its_place_and_reason():
    runs = [
        {"start": 1, "stop": 2, "reason": "no JSON", "placeholder": False},
        {"start": 4, "stop": 5, "reason": "no number", "placeholder": False},
    ]
    found = judge(job(), FIVE, evidence({"object": "a", "lines": 5, "unreadable": runs})).to_pylist()
    assert [(row["start"], row["stop"], row["line"], row["state"], row["message"]) for row in found] == [
        (10, 11, 0, SCORED, None),
        (11, 12, 1, FAILED, "no JSON"),
        (12, 14, 2, SCORED, None),
        (14, 15, 4, FAILED, "no number"),
    ]
    assert {(row["lines"], row["etag"], row["error_class"]) for row in found if row["state"] == FAILED} == {
        (5, "e", ErrorClass.UNREADABLE.value)
    }
    assert {row["unread"] for row in found} == {2}


def test_an_object_of_which_no_line_can_be_read_has_failed_as_a_whole():
    runs = [{"start": 0, "stop": 5, "reason": "no JSON", "placeholder": False}]
    row = only(judge(job(), FIVE, evidence({"object": "a", "lines": 5, "unreadable": runs})))
    assert (row["start"], row["stop"], row["state"], row["error_class"]) == (10, 15, FAILED, "unreadable prediction")
    assert "no JSON" in row["message"]


ONE = spans(span(10, 11, object="a", copies=["b", "c"]))
UNREADABLE = [{"start": 0, "stop": 1, "reason": "no JSON", "placeholder": False}]
PLACEHOLDER = [{**UNREADABLE[0], "placeholder": True}]


def of_tries(*answers, **log):
    """The verdict on a row of three tries: each is `scored`, `unreadable`, `placeholder`, or missing."""
    lines = {"scored": [], "unreadable": UNREADABLE, "placeholder": PLACEHOLDER}
    counted = [
        {"object": name, "lines": 1, "unreadable": lines[answer]}
        for name, answer in zip("abc", answers, strict=True)
        if answer in lines
    ]
    known = {name: LogEntry(line) for name, line in log.items()}
    row = only(judge(job(JobStatus.FAILED, "AlgorithmError"), ONE, Evidence(evidence(*counted).outputs, known)))
    return row["state"], row["object"], row["error_class"], row["tries"], row["passed"]


@pytest.mark.parametrize("place", range(3))
def test_one_scored_try_scores_a_row_with_its_own_output(place):
    answers = ["missing"] * 3
    answers[place] = "scored"
    assert of_tries(*answers) == (SCORED, "abc"[place], None, 2, 1)
    assert of_tries("scored", "scored", "scored") == (SCORED, "a", None, 0, 3)


def test_a_row_whose_tries_all_failed_tells_what_most_of_them_did():
    assert of_tries("unreadable", "missing", "missing") == (FAILED, "b", "model error", 3, 0)
    assert of_tries("unreadable", "unreadable", "missing") == (FAILED, "a", "unreadable prediction", 3, 0)


def test_tries_that_nobody_answered_for_are_no_evidence():
    throttled = "ClientError: 429"
    assert of_tries("missing", "missing", "missing", a=throttled, b=throttled) == (FAILED, "c", "model error", 1, 0)
    assert of_tries("missing", "missing", "missing", a=throttled, b=throttled, c=throttled)[2:] == ("throttled", 0, 0)


def test_a_placeholder_is_the_containers_last_word_but_for_a_try_that_it_scored():
    assert of_tries("missing", "placeholder", "missing")[:3] == (DEAD, "b", ErrorClass.PLACEHOLDER.value)
    assert of_tries("missing", "placeholder", "scored")[:2] == (SCORED, "c")


def test_controls_are_counted_by_whether_the_model_answered_for_them():
    controlled = replace(job(JobStatus.FAILED, "AlgorithmError"), controls=("c1", "c2", "c3", "c4"))
    counted = evidence({"object": "c1", "lines": 1}, {"object": "c2", "lines": 1, "unreadable": UNREADABLE}).outputs
    known = {"c3": LogEntry("Bad HTTP status received from algorithm: 500"), "c4": LogEntry("ClientError: 429")}
    assert judge_controls(controlled, Evidence(counted, known)) == (1, 2)


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
