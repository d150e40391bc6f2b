"""What is done with one failed span: sent again, split, or given up. Pure.

A row is given up (`bury`) once it has failed alone so often, beside good rows that did not, that a flaky model would
hardly do it to any good row of the run (`evidence`). So a model that is flaky, overloaded or down may cost a
round, and never a row. Where its server may not have been there at all, nothing is said of any row: what nobody
answered for is sent once more as it is, and only then split. Two words are taken at once: the container's placeholder,
and the service's that a record is over its largest payload.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypedDict

from batch_transform.core.amounts import counted
from batch_transform.core.framing import WHOLE
from batch_transform.core.isolation.error_classes import ErrorClass, Failure, Remedy
from batch_transform.core.isolation.observed_failures import JudgedJob, Trials
from batch_transform.core.isolation.open_spans import Move
from batch_transform.core.limits import BYTES_PER_MB, MAX_PAYLOAD_MB
from batch_transform.core.run_state import TIMEOUT, JobRecord
from batch_transform.core.spans import Span
from batch_transform.core.statuses import JobStatus

# Failures that are no record's fault, before the run ends: three jobs, or two that took longer than they may.
MAX_REPEATS = 3
MAX_LATE = 2
# Jobs in which a row failed alone and nothing else was scored, before the run ends.
MAX_ALONE = 4
# Jobs in which nobody answered for an object of many rows, before it is split for what may be a row of it.
MAX_UNANSWERED = 2
# Ambiguous failures of an object that must not be split, before the run ends.
MAX_UNDIVIDED = 2


_TOO_LONG = (
    "jobs took longer than transform.job_timeout_minutes, twice; nothing of a job that is stopped is kept. If the "
    "model is at work all that time, raise it, or set transform.instance_mb_per_second to what an instance works "
    "through, from which more and shorter jobs follow. If some requests hang, lower "
    "transform.invocations_timeout_seconds"
)


class HistoryChange(TypedDict, total=False):
    """What changes of a span's columns of that name."""

    repeats: int
    late: int
    alone: int
    witnessed: bool
    payload_mb: int
    unanswered: int


@dataclass(frozen=True)
class Decision:
    """What is done with one failed span.

    Attributes:
        move: that.
        history: what changes of its history.
        stop: why the run cannot go on, if so.
        is_last: whether it is sent for the last time before the run ends. What other jobs are about to show, or the
            capacity that they hold, may save it: so it is not sent beside them.
    """

    move: Move
    history: HistoryChange
    stop: str | None = None
    is_last: bool = False


def decide(span: Span, failure: Failure, job: JudgedJob, found: Trials, *, divisible: bool) -> Decision:
    """Returns what is done with a failed span.

    Args:
        span: of SPAN_SCHEMA.
        failure: its failure.
        job: in which it failed.
        found: what the run has shown, this failure included.
        divisible: whether its rows may be sent in parts; to a clustering model a part is another question.
    """
    remedy = failure.remedy
    if remedy is Remedy.STOP and not job.scored_anything:
        return Decision(Move.AGAIN, {}, f"the model never answered: {failure.message}")
    if remedy in (Remedy.REPEAT, Remedy.STOP):
        return _repeat(span, failure, job)
    if payload := _other_payload(span, failure, job):
        return Decision(Move.AGAIN, {"payload_mb": payload})
    if span["stop"] - span["start"] > 1:
        return _many(span, failure) if divisible else _undivided(span, failure, job)
    if failure.error_class.counts:
        return _alone(span, failure, job, found)
    return Decision(Move.BURY, {})


def _repeat(span: Span, failure: Failure, job: JudgedJob) -> Decision:
    if failure.error_class is ErrorClass.CAPACITY and job.other_type:
        return Decision(Move.AGAIN, {})  # on the next type: the number of jobs is that of the types
    repeats, late = span["repeats"] + 1, span["late"] or 0
    history: HistoryChange = {"repeats": repeats}
    if _is_late(job.record):
        history["late"] = late = late + 1
    where = f"{counted(repeats, 'job')}, last in {job.record.name}"
    stop = f"{failure.error_class.value} in {where}: {failure.message}" if repeats >= MAX_REPEATS else None
    if late >= MAX_LATE:
        stop = _TOO_LONG
    is_last = repeats + 1 >= MAX_REPEATS or late + 1 >= MAX_LATE
    return Decision(Move.AGAIN, history, stop, is_last=is_last)


def _is_late(job: JobRecord) -> bool:
    return job.stop_reason == TIMEOUT and job.status is JobStatus.STOPPED


def _many(span: Span, failure: Failure) -> Decision:
    unanswered = (span["unanswered"] or 0) + 1
    if failure.error_class.may_be_an_outage and unanswered < MAX_UNANSWERED:
        return Decision(Move.AGAIN, {"unanswered": unanswered})
    return Decision(Move.SPLIT, {})


def _undivided(span: Span, failure: Failure, job: JudgedJob) -> Decision:
    repeats = span["repeats"] + 1
    words = (
        f"{span['stop'] - span['start']:,} rows are one request (record.rows_per_object: all), and a part of them "
        f"would be another question, so they are not split. {failure.error_class.value} in {job.record.name}: "
        f"{failure.message}"
    )
    ends = failure.remedy is not Remedy.CONFIRM or repeats >= MAX_UNDIVIDED
    return Decision(Move.AGAIN, {"repeats": repeats}, words if ends else None)


def _other_payload(span: Span, failure: Failure, job: JudgedJob) -> int | None:
    """MaxPayloadInMB with which the span may pass unsplit, None if there is none left to try."""
    used = job.record.request.get("MaxPayloadInMB")
    if failure.error_class is ErrorClass.OVER_LIMIT:
        # A record that the service would not send: its limit was below the record.
        return MAX_PAYLOAD_MB if used is None or used < MAX_PAYLOAD_MB else None
    if failure.error_class is not ErrorClass.TOO_LARGE or span["stop"] - span["start"] == 1:
        return None
    # The model refused a body of many records (a server's own limit, often 5 or 6 MB): smaller bodies may pass.
    needed = max(1, math.ceil(span["largest"] / BYTES_PER_MB))
    request = job.record.request
    is_object = request.get("TransformInput", {}).get("SplitType") == WHOLE  # whatever the payload, it is one body
    batched = not is_object and request.get("BatchStrategy") != "SingleRecord"
    return needed if batched and (used is None or used > needed) else None


def _alone(span: Span, failure: Failure, job: JudgedJob, found: Trials) -> Decision:
    if not failure.certain and not job.scored_anything:
        return _repeat(span, failure, job)  # nothing says that it was this row, or that the model worked at all
    if found.are_enough(span["start"]):
        return Decision(Move.BURY, {})
    if _is_late(job.record) and not job.scored_anything:
        return _repeat(span, failure, job)  # of its controls nothing is kept either, so it told nothing of the row
    alone, witnessed = span["alone"] + 1, span["witnessed"] or job.scored_anything
    history: HistoryChange = {"alone": alone, "witnessed": witnessed}
    if witnessed:
        return Decision(Move.AGAIN, history)
    words = (
        f"{failure.error_class.value} in {counted(alone, 'job')} that scored nothing else, last in {job.record.name}"
    )
    return Decision(Move.AGAIN, history, words if alone >= MAX_ALONE else None, is_last=alone + 1 >= MAX_ALONE)
