"""Classes of failure, from the service's words, and what is done about each."""

from __future__ import annotations

import pytest

from batch_transform.core.isolation.data_log_evidence import LogEntry, parse
from batch_transform.core.isolation.error_classes import (
    ErrorClass,
    Failure,
    Remedy,
    of_log_entry,
    of_mismatch,
    of_missing_output,
    of_shape,
)
from batch_transform.core.predictions.output_counts import OutputCount
from batch_transform.core.statuses import JobStatus
from support.core_tables import outputs

REASONS = [
    ("ClientError: See job logs for more information", ErrorClass.REJECTED),
    ("AlgorithmError: See job logs for more information", ErrorClass.MODEL_ERROR),
    ("InternalServerError: We encountered an internal error. Please try again.", ErrorClass.INTERNAL),
    ("CapacityError: Unable to provision requested ML compute capacity.", ErrorClass.CAPACITY),
    (
        "AlgorithmError: Model container failed to respond to ping. Please ensure /ping endpoint is implemented",
        ErrorClass.UNHEALTHY,  # and not MODEL_ERROR, whose word comes first
    ),
    (
        "ClientError: Please use an instance type with more memory, or reduce the size of job data",
        ErrorClass.OUT_OF_MEMORY,  # and not REJECTED
    ),
    ("ClientError: Artifact upload failed:ClientError: Out of Memory. Please use a larger", ErrorClass.OUT_OF_MEMORY),
    ("something new", ErrorClass.NO_OUTPUT),
]
# 4xx that speak of the server, or of what was there at the time.
OF_THE_SERVER = (401, 403, 404, 405, 409, 421, 423, 424, 425, 451, 499)
# Headlines as they were seen (FACTS.md, 4); the last three were not.
HEADLINES = [
    ("ClientError: 400", ErrorClass.REJECTED),
    ("ClientError: 422", ErrorClass.REJECTED),
    ("ClientError: 415", ErrorClass.MISCONFIGURED),
    *[(f"ClientError: {status}", ErrorClass.MODEL_ERROR) for status in OF_THE_SERVER],
    *[(f"ClientError: {status}", ErrorClass.MODEL_ERROR) for status in (402, 406, 410, 412, 414, 418, 431, 460)],
    ("ClientError: 413", ErrorClass.TOO_LARGE),
    ("ClientError: 408", ErrorClass.THROTTLED),
    ("ClientError: 429", ErrorClass.THROTTLED),
    ("Bad HTTP status received from algorithm: 500", ErrorClass.MODEL_ERROR),
    ("Bad HTTP status received from algorithm: 501", ErrorClass.MODEL_ERROR),
    *[(f"Bad HTTP status received from algorithm: {status}", ErrorClass.UNAVAILABLE) for status in (502, 503, 504)],
    ("Unable to get response from algorithm", ErrorClass.NO_ANSWER),
    ("Model server did not respond to /invocations request within 3600 seconds", ErrorClass.TIMED_OUT),
    ("Failed to parse output from the algorithm as CSV", ErrorClass.MODEL_ERROR),
    ("Invalid JsonPath: $[0:2,246:]: only single range filters of format (eg: [1:5])", ErrorClass.MODEL_ERROR),
    ("Failed to apply JsonPath $.a: there is no attribute 'a'", ErrorClass.MODEL_ERROR),
    ("Fail to join data: mismatched line count between the input and the output", ErrorClass.MISMATCH),
    ("Too much data for max payload size", ErrorClass.OVER_LIMIT),
    ("words that nobody has written down", ErrorClass.MODEL_ERROR),
]


@pytest.mark.parametrize(("reason", "error_class"), REASONS)
def test_the_reason_decides_and_is_kept(reason, error_class):
    failure = of_missing_output(JobStatus.FAILED, reason)
    assert failure.error_class is error_class
    assert reason in failure.message


@pytest.mark.parametrize(("headline", "error_class"), HEADLINES)
def test_a_headline_of_the_data_log_has_a_class_and_is_kept(headline, error_class):
    failure = of_log_entry(LogEntry(headline, "the body"))
    assert (failure.error_class, failure.certain) == (error_class, True)
    assert failure.evidence == f"{headline}\nthe body"
    assert "the body" not in failure.message  # it may hold row data, and messages are told on the terminal


@pytest.mark.parametrize(
    "words", ["Failed to parse output from the algorithm", "Invalid JsonPath", "Fail to join data"]
)
def test_what_a_filter_or_a_join_finds_is_told_without_the_answer(words):
    """It was told as a headline that nobody knows; only the dead letters' evidence had the service's words."""
    failure = of_log_entry(LogEntry(f"{words} as JSON: ROWVALUE-7731"))
    assert failure.message == words
    assert failure.remedy is Remedy.CONFIRM  # one record may be at fault, or the settings


@pytest.mark.parametrize("said", ["{row}", "Out of Memory at {row}", "Error: {row}", "ClientError: {row}"])
def test_a_body_whose_headline_is_missing_is_evidence_and_no_message(said):
    prefix = "2024-05-01T00:00:00.000:[sagemaker logs]: b/in/o.jsonl: "
    (entry,) = parse([prefix + said.format(row="ROWVALUE-7731")], "b", "in", {"o.jsonl"}).values()
    failure = of_log_entry(entry)
    assert "ROWVALUE-7731" not in failure.message
    assert "ROWVALUE-7731" in (failure.evidence or "")


@pytest.mark.parametrize("reason", [None, "", "ClientError"])
def test_a_stopped_job_is_stopped_whatever_the_reason(reason):
    assert of_missing_output(JobStatus.STOPPED, reason).error_class is ErrorClass.STOPPED


def test_a_completed_job_without_an_output_is_no_success():
    failure = of_missing_output(JobStatus.COMPLETED, None)
    assert failure.error_class is ErrorClass.NO_OUTPUT
    assert failure.message == "the job is Completed and has no output for this object."


def test_only_what_is_no_records_fault_is_repeated():
    assert {kind for kind in ErrorClass if kind.remedy is Remedy.REPEAT} == {
        ErrorClass.CAPACITY,
        ErrorClass.INTERNAL,
        ErrorClass.STOPPED,
        ErrorClass.THROTTLED,
        ErrorClass.NO_OUTPUT,
    }


def test_every_class_has_a_remedy():
    assert all(isinstance(kind.remedy, Remedy) for kind in ErrorClass)


def test_a_refusal_that_only_the_jobs_reason_tells_of_is_confirmed_before_a_row_is_given_up():
    """A ClientError without a line may be another object's, or a 429."""
    assert of_missing_output(JobStatus.FAILED, "ClientError: See job logs").remedy is Remedy.CONFIRM
    assert of_log_entry(LogEntry("ClientError: 400")).remedy is Remedy.ISOLATE


@pytest.mark.parametrize("kind", [ErrorClass.CAPACITY, ErrorClass.UNHEALTHY, ErrorClass.OVER_LIMIT])
def test_what_is_not_certain_keeps_any_other_remedy(kind):
    assert Failure(kind, "", certain=False).remedy is kind.remedy


@pytest.mark.parametrize("status", OF_THE_SERVER)
def test_a_status_that_speaks_of_the_server_is_said_to(status):
    assert of_log_entry(LogEntry(f"ClientError: {status}")).message.startswith(f"the model answered {status} (")
    assert of_log_entry(LogEntry(f"ClientError: {status}")).remedy is Remedy.CONFIRM


def test_a_try_counts_where_somebody_answered_for_it():
    counting = {kind for kind in ErrorClass if kind.counts}
    assert counting == {kind for kind in ErrorClass if kind.remedy in (Remedy.ISOLATE, Remedy.CONFIRM)}
    assert {ErrorClass.REJECTED, ErrorClass.MODEL_ERROR, ErrorClass.UNREADABLE, ErrorClass.MISMATCH} <= counting
    assert not {ErrorClass.THROTTLED, ErrorClass.CAPACITY, ErrorClass.OVER_LIMIT} & counting


def lined(lines: int, blank: int = 0, *unread: tuple[int, int], placeholder: bool = False) -> OutputCount:
    runs = [{"start": start, "stop": stop, "reason": "no", "placeholder": placeholder} for start, stop in unread]
    (output,) = outputs({"object": "o", "lines": lines, "blank": blank, "unreadable": runs}).to_pylist()
    return output


def test_a_mismatch_says_both_counts():
    few, blank = of_mismatch(3, lined(2)), of_mismatch(3, lined(3, 1))
    assert few.message == "2 lines in the output for 3 rows; one line per row is used"
    assert blank.message == "3 lines, 1 of them blank in the output for 3 rows; one line per row is used"
    assert few.error_class is ErrorClass.MISMATCH


@pytest.mark.parametrize("unread", [[(0, 1)], [(0, 1), (2, 3)]])
def test_a_header_before_answers_is_told_as_one(unread):
    """As pandas writes one: that the lines are too many says little."""
    assert "must answer no header" in of_mismatch(3, lined(3 + len(unread), 0, *unread)).message


@pytest.mark.parametrize(
    "output",
    [lined(5, 0, (4, 5)), lined(5, 0, (0, 2)), lined(5), lined(4, 0, (0, 2)), lined(5, 0, (0, 1), placeholder=True)],
    ids=str,
)
def test_lines_too_many_elsewhere_are_no_header(output):
    assert "header" not in of_mismatch(4, output).message


def shaped(shape: str, setting: str | None, **more: bool) -> OutputCount:
    (output,) = outputs({"object": "o", "shape": shape, "setting": setting, **more}).to_pylist()
    return output


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ("64 lines of one number each", "64 lines of one number each; set prediction.format: text"),
        ("1 array of 64", "1 array of 64 where 64 lines were expected; set prediction.format: text"),
        ("640 lines of one number each", "640 lines of one number each where 64 lines were expected; set"),
    ],
)
def test_as_many_lines_as_were_expected_are_not_said_to_be_others(shape, told):
    assert of_shape(64, shaped(shape, "prediction.format: text")).message.startswith(told)


def test_of_an_answer_that_is_an_error_no_setting_is_named():
    shape = "document 1 of the output: its status is 500"
    assert of_shape(1, shaped(shape, None, is_error=True)).message == shape
    assert "it is read as prediction.format" in of_shape(1, shaped(shape, None)).message
