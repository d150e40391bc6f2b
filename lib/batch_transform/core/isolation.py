"""What becomes of the failed spans of a round: sent again, split, or given up. Pure.

A row is given up (`bury`) only for evidence that is its own: a refusal of the model for it alone, or an ambiguous
failure alone in two jobs, one of which scored something else. So a model that is flaky, overloaded or down may cost a
prediction or a round, and never a row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .errors import GateRefused
from .failures import ErrorClass, Failure, Remedy
from .framing import WHOLE
from .judged import JudgedJob
from .limits import BYTES_PER_MB, MAX_PAYLOAD_MB
from .misread import misread_answers
from .records import TIMEOUT
from .round_stops import broken_model, foreign_stops
from .span_states import SpanEvent, SpanState, after
from .spans import SPAN_SCHEMA
from .verdicts import DEAD, FAILED, LEAF_SCHEMA, SCORED

# A span that is not settled, what is done with it next (AGAIN or SPLIT), and why it failed last.
OPEN_SCHEMA = pa.schema([*SPAN_SCHEMA, pa.field("move", pa.string(), nullable=False), ("error_class", pa.string())])

# Failures that are no record's fault, before the run ends: three jobs, or two where a job took longer than it may.
MAX_REPEATS = 3
MAX_REPEATS_AFTER_STOP = 2
# Ambiguous failures alone that bury a row, if one of those jobs scored something else; if none did, that end the run.
CONFIRMATIONS = 2
MAX_ALONE = 4
# Ambiguous failures of an object that must not be split, before the run ends.
MAX_UNDIVIDED = 2
# Single rows of a probe: enough to tell a broken model from bad rows, and next to nothing to pay for.
PROBE_ROWS = 32


@dataclass(frozen=True)
class Reconciled:
    """A round's outcome.

    Attributes:
        leaves: settled rows (LEAF_SCHEMA).
        open: spans that are not settled (OPEN_SCHEMA).
        probe: whether the next round sends single rows only, to tell a broken model from bad rows.
        stop: why the run ends here, a sentence each; empty: it goes on.
        misread: whether it ends because every answer is in another form than was configured; then nothing is settled.
    """

    leaves: pa.Table
    open: pa.Table
    probe: bool = False
    stop: tuple[str, ...] = ()
    misread: bool = False


@dataclass(frozen=True)
class Decision:
    """What is done with one failed span: the event, its changed history, and why the run cannot go on, if so."""

    event: SpanEvent
    history: dict[str, Any]
    stop: str | None = None


def decide(span: dict[str, Any], failure: Failure, job: JudgedJob, *, divisible: bool = True) -> Decision:
    """Returns what is done with a failed span.

    Args:
        span: of SPAN_SCHEMA.
        failure: its failure.
        job: in which it failed.
        divisible: whether its rows may be sent in parts; to a clustering model a part is another question.
    """
    remedy = failure.remedy
    if remedy is Remedy.STOP and not job.scored_anything:
        return Decision(SpanEvent.AGAIN, {}, f"the model never answered: {failure.message}")
    if remedy in (Remedy.REPEAT, Remedy.STOP):
        return _repeat(span, failure, job)
    if payload := _other_payload(span, failure, job):
        return Decision(SpanEvent.AGAIN, {"payload_mb": payload})
    if span["stop"] - span["start"] > 1:
        return Decision(SpanEvent.SPLIT, {}) if divisible else _undivided(span, failure, job)
    if remedy is Remedy.CONFIRM:
        return _confirm(span, failure, job)
    return Decision(SpanEvent.BURY, {})


def _repeat(span: dict[str, Any], failure: Failure, job: JudgedJob) -> Decision:
    if failure.error_class is ErrorClass.CAPACITY and job.other_type:
        return Decision(SpanEvent.AGAIN, {})  # on the next type: the number of jobs is that of the types
    repeats = span["repeats"] + 1
    late = job.record.stop_reason == TIMEOUT and failure.error_class is ErrorClass.STOPPED
    spent = repeats >= (MAX_REPEATS_AFTER_STOP if late else MAX_REPEATS)
    words = f"{failure.error_class.value} in {repeats} jobs, last in {job.record.name}: {failure.message}"
    return Decision(SpanEvent.AGAIN, {"repeats": repeats}, words if spent else None)


def _undivided(span: dict[str, Any], failure: Failure, job: JudgedJob) -> Decision:
    repeats = span["repeats"] + 1
    words = (
        f"{span['stop'] - span['start']:,} rows are one request (record.rows_per_object: all), and a part of them "
        f"would be another question, so they are not split. {failure.error_class.value} in {job.record.name}: "
        f"{failure.message}"
    )
    ends = failure.remedy is not Remedy.CONFIRM or repeats >= MAX_UNDIVIDED
    return Decision(SpanEvent.AGAIN, {"repeats": repeats}, words if ends else None)


def _other_payload(span: dict[str, Any], failure: Failure, job: JudgedJob) -> int | None:
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


def _confirm(span: dict[str, Any], failure: Failure, job: JudgedJob) -> Decision:
    if not failure.certain and not job.scored_anything:
        return _repeat(span, failure, job)  # nothing says that it was this row, or that the model worked at all
    alone, witnessed = span["alone"] + 1, span["witnessed"] or job.scored_anything
    if alone >= CONFIRMATIONS and witnessed:
        return Decision(SpanEvent.BURY, {})
    stop = None
    if alone >= MAX_ALONE:
        stop = f"{failure.error_class.value} in {alone} jobs that scored nothing else, last in {job.record.name}"
    return Decision(SpanEvent.AGAIN, {"alone": alone, "witnessed": witnessed}, stop)


def reconcile(
    jobs: Sequence[JudgedJob],
    waiting: pa.Table,
    *,
    is_first: bool,
    is_probe: bool,
    divisible: bool = True,
    scored_before: bool = False,
    has_schema: bool = True,
) -> Reconciled:
    """Returns what a round of judged jobs has settled and what is left.

    Args:
        jobs: all jobs of the round.
        waiting: spans that were not sent in it (OPEN_SCHEMA).
        is_first: whether it is the run's first round.
        is_probe: whether it sent single rows to tell a broken model from bad rows.
        divisible: whether rows may be sent in parts.
        scored_before: whether a round before it scored anything.
        has_schema: whether predictions have one; if not, any line is one.
    """
    decided = [
        (span, verdict, decide(span, _failure(verdict), job, divisible=divisible))
        for job in jobs
        for span, verdict in _failed(job)
    ]
    nothing_scored = not any(SCORED in job.verdicts["state"].to_pylist() for job in jobs)
    stop = [*foreign_stops(jobs), *dict.fromkeys(decision.stop for _, _, decision in decided if decision.stop)]
    suspected = is_first and nothing_scored and _may_be_the_model(decided)
    misread = None if scored_before else misread_answers(jobs, has_schema=has_schema)
    if misread:
        stop = [misread]
    elif is_probe and decided and nothing_scored:
        stop.append(broken_model(len(decided), decided[0][1]))
    # Where nothing at all was scored, it may be the model: no row is given up for that. Nor is any settled before
    # answers can be read.
    doubtful = misread is not None or suspected or (nothing_scored and is_probe)
    rows = [_settled(span, verdict, decision, keep=doubtful) for span, verdict, decision in decided]
    leaves = [leaf for leaf, _ in rows if leaf is not None]
    left = [span for _, span in rows if span is not None]
    settled = [_answered(job) for job in jobs]
    if misread:
        left += [span for job, leaves_of in zip(jobs, settled, strict=True) for span in _unread(job, leaves_of)]
        settled = []
    return Reconciled(
        pa.concat_tables([*settled, pa.Table.from_pylist(leaves, schema=LEAF_SCHEMA)]),
        pa.concat_tables([waiting, pa.Table.from_pylist(left, schema=OPEN_SCHEMA)]),
        probe=suspected,
        stop=tuple(stop),
        misread=misread is not None,
    )


def _answered(job: JudgedJob) -> pa.Table:
    return job.verdicts.filter(pc.not_equal(job.verdicts["state"], FAILED)).select(LEAF_SCHEMA.names)


def _unread(job: JudgedJob, answered: pa.Table) -> list[dict[str, Any]]:
    """The spans of a misread round whose answers seemed to be good, as open ones."""
    spans = job.spans.filter(pc.is_in(job.spans["start"], value_set=answered["start"].combine_chunks()))
    return [{**span, "move": SpanEvent.AGAIN.value, "error_class": None} for span in spans.to_pylist()]


def _may_be_the_model(decided: Sequence[tuple[dict[str, Any], dict[str, Any], Decision]]) -> bool:
    """Whether what failed is more than a probe would send: objects of many rows, or many objects of one row."""
    alone = sum(
        span["stop"] - span["start"] == 1 and _failure(verdict).remedy in (Remedy.ISOLATE, Remedy.CONFIRM)
        for span, verdict, _ in decided
    )
    return alone > PROBE_ROWS or any(decision.event is SpanEvent.SPLIT for _, _, decision in decided)


def _failed(job: JudgedJob) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    spans = {span["start"]: span for span in job.spans.to_pylist()}
    verdicts = job.verdicts.filter(pc.equal(job.verdicts["state"], FAILED)).to_pylist()
    for verdict in verdicts:
        if spans[verdict["start"]]["stop"] != verdict["stop"]:
            raise GateRefused(
                f"the verdict on rows [{verdict['start']}, {verdict['stop']}) is of no span that was sent"
            )
    return [(spans[verdict["start"]], verdict) for verdict in verdicts]


def _failure(verdict: dict[str, Any]) -> Failure:
    error_class = ErrorClass(verdict["error_class"])
    return Failure(error_class, verdict["message"], verdict["evidence"], verdict["certain"])


def _settled(
    span: dict[str, Any], verdict: dict[str, Any], decision: Decision, *, keep: bool
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The span as a leaf, if it is dead, or else as an open span."""
    event = SpanEvent.AGAIN if keep and decision.event is SpanEvent.BURY else decision.event
    if after(SpanState.FAILED, event, span["stop"] - span["start"]) is SpanState.DEAD:
        leaf = {name: verdict[name] for name in LEAF_SCHEMA.names}
        return {**leaf, "state": DEAD}, None
    return None, {**span, **decision.history, "move": event.value, "error_class": verdict["error_class"]}


def reopened(open_spans: pa.Table) -> pa.Table:
    """Returns the open spans as a driver that resumes a stopped run sends them: each once more, with new attempts."""
    rows = [{**span, "repeats": 0, "alone": min(span["alone"], 1)} for span in open_spans.to_pylist()]
    return pa.Table.from_pylist(rows, schema=OPEN_SCHEMA)
