"""Why a span has no prediction: error classes, each with what is done about it, told from the evidence of its job.

A 500 is how most containers refuse a bad row, and also how they fail under load: "5xx is transient" would loop, "5xx is
terminal" would bury good rows. So what may be either is ambiguous, and is confirmed before a row is given up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from .data_log import LogEntry
from .status import JobStatus


class Remedy(Enum):
    """What is done about a failed span."""

    ISOLATE = "split it; a single row is dead"
    CONFIRM = "split it; a single row is dead once it has failed alone in two jobs, one of which scored something else"
    ENLARGE = "send it again with a larger payload, as long as there is one; then isolate it"
    REPEAT = "send it again as it is, a bounded number of times"
    STOP = "end the run: another job at once would end alike"


class ErrorClass(Enum):
    """The classes of failure; the value stands in dead letters and reports."""

    TOO_LARGE = "payload too large"
    OVER_LIMIT = "over the payload limit"
    REJECTED = "rejected by the model"
    UNREADABLE = "unreadable prediction"
    PLACEHOLDER = "placeholder instead of a prediction"
    MODEL_ERROR = "model error"
    TIMED_OUT = "model timed out"
    NO_ANSWER = "model gave no answer"
    OUT_OF_MEMORY = "out of memory"
    MISMATCH = "mismatching output"
    THROTTLED = "throttled"
    CAPACITY = "capacity"
    INTERNAL = "internal error"
    NO_OUTPUT = "no output"
    STOPPED = "stopped"
    UNHEALTHY = "model never healthy"

    @property
    def remedy(self) -> Remedy:
        """What is done about a span that failed so."""
        return _REMEDIES[self]


_REMEDIES = {
    ErrorClass.TOO_LARGE: Remedy.ISOLATE,
    ErrorClass.OVER_LIMIT: Remedy.ENLARGE,
    ErrorClass.REJECTED: Remedy.ISOLATE,
    ErrorClass.UNREADABLE: Remedy.ISOLATE,
    ErrorClass.PLACEHOLDER: Remedy.ISOLATE,
    ErrorClass.MODEL_ERROR: Remedy.CONFIRM,
    ErrorClass.TIMED_OUT: Remedy.CONFIRM,
    ErrorClass.NO_ANSWER: Remedy.CONFIRM,
    ErrorClass.OUT_OF_MEMORY: Remedy.CONFIRM,
    ErrorClass.MISMATCH: Remedy.CONFIRM,
    ErrorClass.THROTTLED: Remedy.REPEAT,
    ErrorClass.CAPACITY: Remedy.REPEAT,
    ErrorClass.INTERNAL: Remedy.REPEAT,
    ErrorClass.NO_OUTPUT: Remedy.REPEAT,
    ErrorClass.STOPPED: Remedy.REPEAT,
    ErrorClass.UNHEALTHY: Remedy.STOP,
}


@dataclass(frozen=True)
class Failure:
    """Why a span failed.

    Attributes:
        error_class: what is done about it follows from it.
        message: in words, never row data.
        evidence: what service and model said of this object, as they said it; may hold row data.
        certain: whether the evidence is of this very object, rather than of its job.
    """

    error_class: ErrorClass
    message: str
    evidence: str | None = None
    certain: bool = True

    @property
    def remedy(self) -> Remedy:
        """What is done about it: what is not certain is confirmed before a row is given up."""
        remedy = self.error_class.remedy
        return Remedy.CONFIRM if remedy is Remedy.ISOLATE and not self.certain else remedy


# Beginnings and parts of FailureReason (batch_transform_facts, 4), first match wins.
_REASONS = (
    ("failed to respond to ping", ErrorClass.UNHEALTHY),
    ("CapacityError", ErrorClass.CAPACITY),
    ("InternalServerError", ErrorClass.INTERNAL),
    ("with more memory", ErrorClass.OUT_OF_MEMORY),
    ("Out of Memory", ErrorClass.OUT_OF_MEMORY),
    ("AlgorithmError", ErrorClass.MODEL_ERROR),
    ("ClientError", ErrorClass.REJECTED),
)
# Headlines of the data log (batch_transform_facts, 4), first match wins; the first two groups are statuses.
_HEADLINES = (
    ("Unable to get response from algorithm", ErrorClass.NO_ANSWER),
    ("did not respond to /invocations", ErrorClass.TIMED_OUT),
    ("Too much data for max payload size", ErrorClass.OVER_LIMIT),
    ("with more memory", ErrorClass.OUT_OF_MEMORY),
    ("Out of Memory", ErrorClass.OUT_OF_MEMORY),
)
_STATUS_HEADLINE = re.compile(r"(?:ClientError|Bad HTTP status received from algorithm): (\d{3})\b")
_PAYLOAD_TOO_LARGE, _REQUEST_TIMEOUT, _TOO_MANY_REQUESTS, _SERVER_ERRORS = 413, 408, 429, 500


def of_log_entry(entry: LogEntry) -> Failure:
    """Returns why an object failed, from what the data log says of it."""
    status = _STATUS_HEADLINE.search(entry.headline)
    if status:
        error_class = _of_status(int(status[1]))
        return Failure(error_class, f"the model answered {status[1]}", entry.evidence)
    for words, error_class in _HEADLINES:
        if words in entry.headline:
            return Failure(error_class, entry.headline, entry.evidence)
    # Words that nobody has written down yet: whoever is at fault, a row is not given up for them unconfirmed.
    return Failure(ErrorClass.MODEL_ERROR, entry.headline[:200], entry.evidence)


def _of_status(status: int) -> ErrorClass:
    if status == _PAYLOAD_TOO_LARGE:
        return ErrorClass.TOO_LARGE
    if status in (_REQUEST_TIMEOUT, _TOO_MANY_REQUESTS):
        return ErrorClass.THROTTLED
    return ErrorClass.MODEL_ERROR if status >= _SERVER_ERRORS else ErrorClass.REJECTED


def of_missing_output(status: JobStatus, failure_reason: str | None) -> Failure:
    """Returns why a span of an ended job has no output object and no line in the data log.

    The service writes an `.out` only for a whole file and names no failed file, so the FailureReason decides. It is not
    certain: it may be another object's, and a ClientError may have been a 429. A job that calls itself Completed and
    lacks an output has happened (boto3 issue 2044).
    """
    if status is JobStatus.STOPPED:
        return Failure(ErrorClass.STOPPED, "the job was stopped before this object was scored")
    reason = failure_reason or ""
    for words, error_class in _REASONS:
        if words in reason:
            return Failure(error_class, reason, certain=False)
    return Failure(
        ErrorClass.NO_OUTPUT, f"the job is {status.value} and has no output for this object. {reason}".strip()
    )


def of_mismatch(rows: int, lines: int, blank_lines: int, wrong_key: int | None = None) -> Failure:
    """Returns why an output is not used: it does not hold exactly one line, not blank and of its row, for each row."""
    if wrong_key is not None:
        return Failure(ErrorClass.MISMATCH, f"line {wrong_key} of the output echoes another key than its record has")
    blanks = f", {blank_lines} of them blank" if blank_lines else ""
    return Failure(
        ErrorClass.MISMATCH, f"{lines} lines{blanks} in the output for {rows} rows; one line per row is used"
    )
