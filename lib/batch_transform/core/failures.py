"""Why a span has no prediction: error classes, told from what the service says of the job."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .status import JobStatus


class ErrorClass(Enum):
    """The classes of failure; the value stands in dead letters and reports."""

    TOO_LARGE = "record too large"
    REJECTED = "rejected by the model"
    MODEL_FAILED = "model failed"
    MISMATCH = "mismatching output"
    UNREADABLE = "unreadable prediction"
    NO_OUTPUT = "no output"
    UNHEALTHY = "model never healthy"
    CAPACITY = "capacity"
    INTERNAL = "internal error"
    STOPPED = "stopped"

    @property
    def may_pass(self) -> bool:
        """Whether the same spans may succeed in another job: the failure is no record's."""
        return self in (ErrorClass.CAPACITY, ErrorClass.INTERNAL, ErrorClass.STOPPED, ErrorClass.UNHEALTHY)


@dataclass(frozen=True)
class Failure:
    """A class and the words that go with it (never row data)."""

    error_class: ErrorClass
    message: str


# Beginnings and parts of FailureReason (batch_transform_facts, 4), first match wins.
_REASONS = (
    ("failed to respond to ping", ErrorClass.UNHEALTHY),
    ("CapacityError", ErrorClass.CAPACITY),
    ("InternalServerError", ErrorClass.INTERNAL),
    ("AlgorithmError", ErrorClass.MODEL_FAILED),
    ("ClientError", ErrorClass.REJECTED),
)


def of_missing_output(status: JobStatus, failure_reason: str | None) -> Failure:
    """Returns why a span of an ended job has no output object.

    The service writes an `.out` only for a whole file and names no failed file; without a log line the FailureReason
    decides. A job that calls itself Completed and lacks an output has happened (boto3 issue 2044).
    """
    if status is JobStatus.STOPPED:
        return Failure(ErrorClass.STOPPED, "the job was stopped before this object was scored")
    reason = failure_reason or ""
    for words, error_class in _REASONS:
        if words in reason:
            return Failure(error_class, reason)
    return Failure(
        ErrorClass.NO_OUTPUT, f"the job is {status.value} and has no output for this object. {reason}".strip()
    )


def of_mismatch(rows: int, lines: int, blank_lines: int) -> Failure:
    """Returns why an output is not used: it does not hold exactly one line, not blank, for each row."""
    blanks = f", {blank_lines} of them blank" if blank_lines else ""
    return Failure(
        ErrorClass.MISMATCH, f"{lines} lines{blanks} in the output for {rows} rows; one line per row is used"
    )
