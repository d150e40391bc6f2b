"""What becomes of the spans of a round: settled, or open for the next one, and whether the run goes on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.errors import GateRefused
from batch_transform.core.isolation.error_classes import ErrorClass, Failure
from batch_transform.core.isolation.observed_failures import JudgedJob, Trials, trials
from batch_transform.core.isolation.open_spans import OPEN_SCHEMA, Move, OpenSpan, opened
from batch_transform.core.isolation.round_stops import broken_model, foreign_stops, misread_answers, unread_answers
from batch_transform.core.isolation.span_decisions import Decision, decide
from batch_transform.core.isolation.tries_needed import flaky, most_repeats
from batch_transform.core.isolation.verdict_rows import DEAD, FAILED, LEAF_SCHEMA, SCORED, Leaf, Verdict, leaf_of
from batch_transform.core.spans import SPAN_SCHEMA, Exported, Span, conformed

# Single rows of a probe: enough to tell a broken model from bad rows, and next to nothing to pay for.
PROBE_ROWS = 32


@dataclass(frozen=True)
class Reconciled:
    """What judged jobs have come to.

    Attributes:
        leaves: settled rows (LEAF_SCHEMA).
        open: spans that are not settled (OPEN_SCHEMA).
        probe: whether the next round sends single rows only, to tell a broken model from bad rows.
        stop: why the run ends here, a sentence each; empty: it goes on.
        misread: whether it ends because every answer is in another form than was configured; then nothing is settled.
        unread: whether it ends because no answer fits the schema; then nothing is settled either.
        trials: what the run has shown of good requests that failed.
        round_number: the deepest round of the jobs whose spans are left; of all, if none is, or some wait.
    """

    leaves: pa.Table
    open: pa.Table
    probe: bool = False
    stop: tuple[str, ...] = ()
    misread: bool = False
    unread: bool = False
    trials: Trials = field(default_factory=Trials)
    round_number: int = 0


Decided = tuple[OpenSpan, Verdict, Decision]


@dataclass(frozen=True)
class Known:
    """What is known of a run beside the jobs that are to be settled.

    Attributes:
        before: other jobs, as far as they are evidence.
        rows: of the run.
        divisible: whether rows may be sent in parts.
        scored_before: whether a job that was settled before scored anything.
        has_schema: whether predictions have one; if not, any line is one.
    """

    before: Sequence[JudgedJob] = ()
    rows: int = 0
    divisible: bool = True
    scored_before: bool = False
    has_schema: bool = True


NOTHING_KNOWN = Known()


def reconcile(
    jobs: Sequence[JudgedJob], waiting: pa.Table, known: Known = NOTHING_KNOWN, *, is_first: bool, is_probe: bool
) -> Reconciled:
    """Returns what judged jobs have settled and what is left.

    Args:
        jobs: all that are not settled.
        waiting: spans that the last plan did not send (OPEN_SCHEMA).
        known: of the run.
        is_first: whether none was settled before.
        is_probe: whether they sent single rows to tell a broken model from bad rows.
    """
    found = trials([*known.before, *jobs], known.rows)
    decided = [it for job in jobs for it in decided_of(job, found, divisible=known.divisible)]
    nothing_scored = not any(pc.any(pc.equal(job.verdicts["state"], SCORED)).as_py() for job in jobs)
    stop = [*foreign_stops(jobs), *dict.fromkeys(decision.stop for _, _, decision in decided if decision.stop)]
    suspected = is_first and nothing_scored and _may_be_the_model(decided)
    misread = None if known.scored_before else misread_answers(jobs, has_schema=known.has_schema)
    unread = unread_answers(jobs) if suspected and not misread else None
    if misread or unread:
        stop = [words for words in (misread, unread) if words]
    elif is_probe and decided and nothing_scored:
        stop.append(broken_model(len(decided), decided[0][1]))
    # Where nothing at all was scored, it may be the model: no row is given up for that. Nor is any settled before
    # answers can be read.
    doubtful = misread is not None or suspected or (nothing_scored and is_probe)
    settled = [_settled(span, verdict, decision, found, keep=doubtful) for span, verdict, decision in decided]
    leaves = [leaf for leaf, _ in settled if leaf is not None]
    left = [span for _, span in settled if span is not None]
    if not doubtful and (words := _flaky(left, found)):
        stop.append(words)
    answered = [_answered(job) for job in jobs]
    if misread:
        left += [span for job, leaves_of in zip(jobs, answered, strict=True) for span in _unread(job, leaves_of)]
        answered = []
    return Reconciled(
        pa.concat_tables([*answered, pa.Table.from_pylist(leaves, schema=LEAF_SCHEMA)]),
        pa.concat_tables([conformed(waiting, OPEN_SCHEMA), pa.Table.from_pylist(left, schema=OPEN_SCHEMA)]),
        # Before that, objects of which nothing came back are sent again as they are: a probe would hold no row of them.
        probe=suspected
        and not any(rows_in(it) > 1 and "unanswered" in decision.history for it, _, decision in decided),
        stop=tuple(stop),
        misread=misread is not None,
        unread=unread is not None,
        trials=found,
        round_number=_deepest(jobs, left, waiting),
    )


def _deepest(jobs: Sequence[JudgedJob], left: Sequence[OpenSpan], waiting: pa.Table) -> int:
    starts = pa.array([span["start"] for span in left], pa.int64())
    with_left = [job for job in jobs if pc.any(pc.is_in(job.verdicts["start"], value_set=starts)).as_py()]
    chosen = jobs if waiting.num_rows or not with_left else with_left
    return max((job.record.round_number for job in chosen), default=0)


def decided_of(job: JudgedJob, found: Trials, *, divisible: bool) -> list[Decided]:
    """Returns the failed spans of a job, each with its verdict and with what is done with it.

    Raises:
        GateRefused: a verdict is of rows that were not sent so.
    """
    failed = ((span, verdict, _failure(verdict)) for span, verdict in _failed(job))
    return [
        (span, verdict, decide(span, failure, job, found, divisible=divisible)) for span, verdict, failure in failed
    ]


def _answered(job: JudgedJob) -> pa.Table:
    leaves = job.verdicts.filter(pc.not_equal(job.verdicts["state"], FAILED))
    return conformed(leaves, LEAF_SCHEMA)


def _unread(job: JudgedJob, answered: pa.Table) -> list[OpenSpan]:
    """The spans of a misread round whose answers seemed to be good, as open ones."""
    spans = job.spans.filter(pc.is_in(job.spans["start"], value_set=answered["start"].combine_chunks()))
    sent: list[Span] = spans.to_pylist()
    return [opened(span) for span in sent]


def _may_be_the_model(decided: Sequence[Decided]) -> bool:
    """Whether anything failed for which a record or the model may be at fault."""
    return any(
        decision.move is Move.SPLIT or (rows_in(span) == 1 and _failure(verdict).error_class.counts)
        for span, verdict, decision in decided
    )


def _flaky(left: Sequence[OpenSpan], found: Trials) -> str | None:
    """Why the rows that are left and have failed alone will never be settled, if that is so."""
    rows = [span for span in left if span.get("tries")]
    if not rows or not found.run.seen:
        return None
    needed = [max(0.0, found.needed - (span["weight"] or 0.0)) for span in rows]
    most = max(range(len(rows)), key=needed.__getitem__)
    room = most_repeats(found.rows) - found.repeats
    classes = [span["error_class"] for span in rows if span["error_class"]]
    return flaky(len(rows), needed[most], rows[most]["tries"] or 0, found.run, room, classes)


def rows_in(span: Exported | Leaf) -> int:
    """Returns how many rows a span has."""
    return int(span["stop"] - span["start"])


def _failed(job: JudgedJob) -> list[tuple[OpenSpan, Verdict]]:
    """The failed spans of a job, each with its verdict; a row whose answer alone could not be read is one by itself."""
    failed = job.verdicts.filter(pc.equal(job.verdicts["state"], FAILED))
    spans = conformed(job.spans, SPAN_SCHEMA).sort_by("start")
    places = np.searchsorted(spans["start"].to_numpy(), failed["start"].to_numpy(), side="right") - 1
    found = []
    # Of the others, which are most of a job, no row is made.
    sent = spans.take(pa.array(np.maximum(places, 0))).to_pylist()
    for verdict, span in zip(failed.to_pylist(), sent, strict=True):
        if (verdict["start"], verdict["stop"]) == (span["start"], span["stop"]):
            found.append((opened(span), verdict))
        else:
            is_line = verdict["error_class"] == ErrorClass.UNREADABLE.value and rows_in(verdict) == 1
            if not is_line or not span["start"] <= verdict["start"] < span["stop"]:
                rows = f"[{verdict['start']}, {verdict['stop']})"
                raise GateRefused(f"what {job.record.name} made of rows {rows} is of no object that it was sent")
            found.append((_line_of(span, verdict), verdict))
    return found


def _line_of(span: Span, verdict: Verdict) -> OpenSpan:
    """A row of an answered object as an open span, which is to be cut out of it."""
    return {
        **opened(span),
        "start": verdict["start"],
        "stop": verdict["stop"],
        "line": verdict["line"],
        "lines": rows_in(span),
        "whole": False,
        "level": span["level"] + 1,
        "repeats": 0,
        "alone": 0,
        "witnessed": False,
        "copies": None,
        "copy_etags": None,
    }


def _failure(verdict: Verdict) -> Failure:
    error_class = ErrorClass(verdict["error_class"])
    return Failure(error_class, verdict["message"], verdict["evidence"], bool(verdict["certain"]))


def _settled(
    span: OpenSpan, verdict: Verdict, decision: Decision, found: Trials, *, keep: bool
) -> tuple[Leaf | None, OpenSpan | None]:
    """The span as a leaf, if it is dead, or else as an open span."""
    move = Move.AGAIN if keep and decision.move is Move.BURY else decision.move.of(rows_in(span))
    if move is Move.BURY:
        return leaf_of(verdict, DEAD), None
    left: OpenSpan = {**span, "move": move.value, "error_class": verdict["error_class"]}
    left["copies"] = left["copy_etags"] = None
    if rows_in(span) == 1:
        left["tries"], left["weight"] = found.count(span["start"]), found.weight(span["start"])
    return None, {**left, **decision.history}


def reopened(open_spans: pa.Table, *, suspects_model: bool) -> pa.Table:
    """Returns the open spans as a driver that resumes a stopped run sends them: each once more, with new attempts.

    Args:
        open_spans: of the run (OPEN_SCHEMA).
        suspects_model: whether it ended with nothing scored, so that all that failed may be the model's: then nothing
            is split for it.
    """
    anew = {"repeats": 0, "alone": 0, "witnessed": False, "tries": 0, "weight": 0.0}
    moved = {"move": Move.AGAIN.value} if suspects_model else {}
    rows = [{**span, **anew, **moved} for span in conformed(open_spans, OPEN_SCHEMA).to_pylist()]
    return pa.Table.from_pylist(rows, schema=OPEN_SCHEMA)
