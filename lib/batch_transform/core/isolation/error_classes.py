"""Why a span has no prediction: error classes, each with what is done about it, told from the evidence of its job.

A 500 is how most containers refuse a bad row, and also how they fail under load: "5xx is transient" would loop, "5xx is
terminal" would bury good rows. A 400 may be flaky just as well. So whatever may be a row's fault splits its span, and
how often a single row fails before it is given up is for `core.isolation.evidence` to say, whatever it is called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from batch_transform.core.amounts import counted, verb
from batch_transform.core.isolation.data_log_evidence import LogEntry
from batch_transform.core.predictions.output_counts import OutputCount
from batch_transform.core.statuses import JobStatus


class Remedy(Enum):
    """What is done about a failed span."""

    ISOLATE = "split it; a single row is dead once it has failed alone so often that no good row would"
    CONFIRM = "the same; but what failed may have been the server, so the next try is helped"
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
    UNAVAILABLE = "model unavailable"
    TIMED_OUT = "model timed out"
    NO_ANSWER = "model gave no answer"
    OUT_OF_MEMORY = "out of memory"
    MISMATCH = "mismatching output"
    MISCONFIGURED = "refused media type"
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

    @property
    def counts(self) -> bool:
        """Whether a request that failed so was refused, for its row or at random; else nobody answered for it."""
        return self.remedy in (Remedy.ISOLATE, Remedy.CONFIRM)

    @property
    def may_be_an_outage(self) -> bool:
        """Whether the model's server may not have been there, whatever it was asked."""
        return self in _OUTAGE

    @property
    def may_be_load(self) -> bool:
        """Whether it may pass with fewer requests at a time."""
        return self in _LOAD


_REMEDIES = {
    ErrorClass.TOO_LARGE: Remedy.ISOLATE,
    ErrorClass.OVER_LIMIT: Remedy.ENLARGE,
    ErrorClass.REJECTED: Remedy.ISOLATE,
    ErrorClass.MISCONFIGURED: Remedy.ISOLATE,
    ErrorClass.UNREADABLE: Remedy.ISOLATE,
    ErrorClass.PLACEHOLDER: Remedy.ISOLATE,
    ErrorClass.MODEL_ERROR: Remedy.CONFIRM,
    ErrorClass.UNAVAILABLE: Remedy.CONFIRM,
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


_LOAD = {
    ErrorClass.MODEL_ERROR,
    ErrorClass.UNAVAILABLE,
    ErrorClass.TIMED_OUT,
    ErrorClass.NO_ANSWER,
    ErrorClass.OUT_OF_MEMORY,
    ErrorClass.THROTTLED,
}
# A connection that was refused or closed, and what a proxy says with nobody behind it.
_OUTAGE = {ErrorClass.NO_ANSWER, ErrorClass.UNAVAILABLE}


@dataclass(frozen=True)
class Failure:
    """Why a span failed.

    Attributes:
        error_class: what is done about it follows from it.
        message: in words, never row data.
        evidence: what service and model said of this object, as they said it; may hold row data.
        certain: whether the evidence is of this very object, rather than of its job.
        setting: the settings with which this very output would be read, if nothing but its form is wrong.
    """

    error_class: ErrorClass
    message: str
    evidence: str | None = None
    certain: bool = True
    setting: str | None = None

    @property
    def remedy(self) -> Remedy:
        """What is done about it: what is not certain is confirmed before a row is given up."""
        remedy = self.error_class.remedy
        return Remedy.CONFIRM if remedy is Remedy.ISOLATE and not self.certain else remedy


# Beginnings and parts of FailureReason (transform_emulator/FACTS.md, 4), first match wins.
_REASONS = (
    ("failed to respond to ping", ErrorClass.UNHEALTHY),
    ("CapacityError", ErrorClass.CAPACITY),
    ("InternalServerError", ErrorClass.INTERNAL),
    ("with more memory", ErrorClass.OUT_OF_MEMORY),
    ("Out of Memory", ErrorClass.OUT_OF_MEMORY),
    ("AlgorithmError", ErrorClass.MODEL_ERROR),
    ("ClientError", ErrorClass.REJECTED),
)
# Headlines of the data log (transform_emulator/FACTS.md, 4), first match wins; the first two groups are statuses.
_HEADLINES = (
    ("Unable to get response from algorithm", ErrorClass.NO_ANSWER),
    ("did not respond to /invocations", ErrorClass.TIMED_OUT),
    ("Too much data for max payload size", ErrorClass.OVER_LIMIT),
    ("with more memory", ErrorClass.OUT_OF_MEMORY),
    ("Out of Memory", ErrorClass.OUT_OF_MEMORY),
    # What a filter or a join finds (FACTS.md, 2.4), of one record of a mini-batch or of every one.
    ("Failed to parse output from the algorithm", ErrorClass.MODEL_ERROR),
    ("Fail to join data", ErrorClass.MISMATCH),
    ("Invalid JsonPath", ErrorClass.MODEL_ERROR),
    ("Failed to apply JsonPath", ErrorClass.MODEL_ERROR),  # the emulator's words for what a record has not
)
_STATUS_HEADLINE = re.compile(r"(?:ClientError|Bad HTTP status received from algorithm): (\d{3})\b")
# Of what a status speaks. RFC 9110, 15.5, unless another is named; every other one may be the row or the server.
_STATUSES = {
    400: ErrorClass.REJECTED,  # the server cannot or will not process the request, for something that is a client error
    413: ErrorClass.TOO_LARGE,  # the content is larger than the server takes
    422: ErrorClass.REJECTED,  # it understands the content, whose instructions it cannot process
    415: ErrorClass.MISCONFIGURED,  # the format of the content is none that it supports: record.content_type
    408: ErrorClass.THROTTLED,  # the request did not come in the time that it was prepared to wait: to be repeated
    429: ErrorClass.THROTTLED,  # too many requests (RFC 6585, 4)
    # What stands before the model had no worker for it: all were busy, or one died, and that may have been of the row.
    502: ErrorClass.UNAVAILABLE,  # a gateway got no valid response
    503: ErrorClass.UNAVAILABLE,  # overload or maintenance
    504: ErrorClass.UNAVAILABLE,  # a gateway got no response in time
}
# 4xx that speak of the server, a proxy or an address before it, or of what was there at the time, and of no record.
_OF_THE_SERVER = {
    401: "unauthorized",
    403: "forbidden",
    404: "not found, as a proxy says before its model is loaded",
    405: "method not allowed",
    409: "a conflict with the state of the server",
    421: "a request that went to the wrong server",
    423: "locked (RFC 4918, 11.3)",
    424: "failed dependency (RFC 4918, 11.4), as an endpoint says of its model's container",
    425: "too early (RFC 8470, 5.2)",
    451: "unavailable for legal reasons (RFC 7725)",
    499: "the client closed the connection (nginx)",
}


def of_log_entry(entry: LogEntry) -> Failure:
    """Returns why an object failed, from what the data log says of it."""
    status = _STATUS_HEADLINE.search(entry.headline)
    if status:
        error_class = _of_status(int(status[1]))
        speaks_of = _OF_THE_SERVER.get(int(status[1]))
        words = f"the model answered {status[1]}" + (f" ({speaks_of})" if speaks_of else "")
        return Failure(error_class, words, entry.evidence)
    for words, error_class in _HEADLINES:
        if words in entry.headline:
            return Failure(error_class, words, entry.evidence)
    # Words that nobody has written down yet: whoever is at fault, a row is not given up for them unconfirmed. They may
    # be the model's: lines come late or never, and a body whose headline is missing would be taken for one.
    return Failure(ErrorClass.MODEL_ERROR, "the data log has no headline that is known", entry.evidence)


def _of_status(status: int) -> ErrorClass:
    return _STATUSES.get(status, ErrorClass.MODEL_ERROR)


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


def of_shape(rows: int, output: OutputCount) -> Failure:
    """Returns why an output is not used that is in another form than was configured, and with what it can be read."""
    shape, setting = output["shape"] or "", output["setting"]
    if output["is_error"]:
        return Failure(ErrorClass.MISMATCH, shape)
    if setting is None:
        words = f"{shape}; it is read as prediction.format and prediction.records_path say, for {counted(rows, 'row')}"
        return Failure(ErrorClass.MISMATCH, words)
    lines = counted(rows, "line")
    where = "" if shape.startswith(f"{lines} ") else f" where {lines} {verb(rows, 'was', 'were')} expected"
    words = f"{shape}{where}; set {setting}"
    return Failure(ErrorClass.MISMATCH, words, setting=setting if output["misread"] else None)


def of_mismatch(rows: int, output: OutputCount) -> Failure:
    """Returns why an output is not used: it does not hold exactly one line, not blank and of its row, for each row."""
    lines, blank_lines, wrong_key = output["lines"], output["blank"], output["wrong_key"]
    if wrong_key is not None:
        return Failure(ErrorClass.MISMATCH, f"line {wrong_key} of the output echoes another key than its record has")
    blanks = f", {blank_lines} of them blank" if blank_lines else ""
    words = f"{counted(lines, 'line')}{blanks} in the output for {counted(rows, 'row')}; one line per row is used"
    unread = output["unreadable"]
    is_first = unread and unread[0]["start"] == 0 and not unread[0]["placeholder"]
    if is_first and lines - sum(run["stop"] - run["start"] for run in unread) == rows:
        words += ", and the first cannot be read: a model must answer no header, nor anything else before its answers"
    return Failure(ErrorClass.MISMATCH, words)
