"""What becomes of the spans of a round: settled, or open for the next one, and whether the run goes on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.isolation.failed_spans import Decided, decided_of, rows_in
from batch_transform.core.isolation.observed_failures import JudgedJob, Trials, trials
from batch_transform.core.isolation.open_spans import OPEN_SCHEMA, Move, OpenSpan, opened
from batch_transform.core.isolation.round_stops import (
    advised,
    broken_model,
    foreign_stops,
    misread_answers,
    unread_answers,
)
from batch_transform.core.isolation.tries_needed import flaky, most_repeats
from batch_transform.core.isolation.verdict_rows import FAILED, LEAF_SCHEMA, SCORED, Leaf, dead_leaf
from batch_transform.core.spans import Span, conformed

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
        broken: whether it ends because the model refused whatever it was asked.
        trials: what the run has shown of good requests that failed.
        round_number: the deepest round of the jobs whose spans are left; of all, if none is, or some wait.
    """

    leaves: pa.Table
    open: pa.Table
    probe: bool
    stop: tuple[str, ...]
    misread: bool
    unread: bool
    broken: bool
    trials: Trials
    round_number: int


@dataclass(frozen=True)
class Known:
    """What is known of a run beside the jobs that are to be settled.

    Attributes:
        before: other jobs, as far as they are evidence.
        rows: of the run.
        divisible: whether rows may be sent in parts.
        scored_before: whether a job that was settled before scored anything.
        has_schema: whether predictions have one; if not, any line is one.
        accepted: how many rows may end without a prediction.
    """

    before: Sequence[JudgedJob] = ()
    rows: int = 0
    divisible: bool = True
    scored_before: bool = False
    has_schema: bool = True
    accepted: int = 0


def reconcile(
    jobs: Sequence[JudgedJob], waiting: pa.Table, known: Known, *, is_first: bool, is_probe: bool
) -> Reconciled:
    """Returns what judged jobs have settled and what is left.

    Args:
        jobs: all that are not settled.
        waiting: spans that the last plan did not send (OPEN_SCHEMA).
        known: of the run.
        is_first: whether none was settled before.
        is_probe: whether they sent single rows to tell a broken model from bad rows.
    """
    shown = _shown(jobs, known, is_first=is_first, is_probe=is_probe)
    settled = [_settled(each, shown.trials, keep=shown.keeps(each)) for each in shown.decided]
    leaves = [leaf for leaf, _ in settled if leaf is not None]
    left = [span for _, span in settled if span is not None]
    # None of misread answers is a row's: their spans are left, whatever they seemed to be.
    answered = [] if shown.misread else [_answered(job) for job in jobs]
    unread = [span for job in jobs for span in _unread(job)] if shown.misread else []
    found_flaky = None if shown.is_doubtful else _flaky(left, shown.trials, known.accepted)
    left += unread
    return Reconciled(
        pa.concat_tables([*answered, pa.Table.from_pylist(leaves, schema=LEAF_SCHEMA)]),
        pa.concat_tables([conformed(waiting, OPEN_SCHEMA), pa.Table.from_pylist(left, schema=OPEN_SCHEMA)]),
        # Before that, objects of which nothing came back are sent again as they are: a probe would hold no row of them.
        probe=shown.is_suspected and not any(each.is_unanswered for each in shown.decided),
        stop=(*_stops(jobs, shown), *([found_flaky] if found_flaky else [])),
        misread=shown.misread is not None,
        unread=shown.unread is not None,
        broken=shown.is_broken,
        trials=shown.trials,
        round_number=_deepest(jobs, left, waiting),
    )


@dataclass(frozen=True)
class _Shown:
    """What judged jobs show together.

    Attributes:
        trials: of good requests that failed.
        decided: their failed spans.
        is_suspected: whether all that failed may be the model's: nothing was scored, now or before.
        is_broken: whether single rows that were to tell the model from bad rows have all failed, most of them by it.
        misread: why every answer is in another form than was configured; None: that is not so.
        unread: why no answer fits the schema; None: that is not so.
    """

    trials: Trials
    decided: Sequence[Decided]
    is_suspected: bool
    is_broken: bool
    misread: str | None
    unread: str | None

    @property
    def is_doubtful(self) -> bool:
        """Whether no row is given up for what may be the model's fault, or because answers cannot be read yet."""
        return self.misread is not None or self.is_suspected or self.is_broken

    def keeps(self, failed: Decided) -> bool:
        """Whether a row is not given up for now; what the service itself would not send is, whatever the model is."""
        return self.misread is not None or (self.is_doubtful and failed.may_be_the_model)


def _shown(jobs: Sequence[JudgedJob], known: Known, *, is_first: bool, is_probe: bool) -> _Shown:
    found = trials([*known.before, *jobs], known.rows)
    decided = [it for job in jobs for it in decided_of(job, found, divisible=known.divisible)]
    nothing_scored = not any(pc.any(pc.equal(job.verdicts["state"], SCORED)).as_py() for job in jobs)
    of_the_model = sum(each.may_be_the_model for each in decided)
    # Of a job that had no instance, or was stopped, a probe tells nothing: it is still to come.
    broken = nothing_scored and is_probe and 0 < len(decided) <= 2 * of_the_model
    in_vain = is_probe and not broken and any(each.decision.move is Move.AGAIN for each in decided)
    suspected = nothing_scored and bool(of_the_model if is_first else in_vain)
    misread = None if known.scored_before else misread_answers(jobs, has_schema=known.has_schema)
    unread = unread_answers(jobs) if suspected and not misread else None
    return _Shown(found, decided, suspected, broken, misread, unread)


def _stops(jobs: Sequence[JudgedJob], shown: _Shown) -> list[str]:
    """Why the run ends, but for rows that fail at random."""
    if words := [words for words in (shown.misread, shown.unread) if words]:
        return words
    decided = shown.decided
    ends = [advised(each.decision.stop, each.verdict["error_class"]) for each in decided if each.decision.stop]
    stops = [*foreign_stops(jobs), *dict.fromkeys(ends)]
    if shown.is_broken:
        example = next(each.verdict for each in decided if each.may_be_the_model)
        stops.append(broken_model(len(decided), example))
    return stops


def _deepest(jobs: Sequence[JudgedJob], left: Sequence[OpenSpan], waiting: pa.Table) -> int:
    starts = pa.array([span["start"] for span in left], pa.int64())
    with_left = [job for job in jobs if pc.any(pc.is_in(job.verdicts["start"], value_set=starts)).as_py()]
    chosen = jobs if waiting.num_rows or not with_left else with_left
    return max((job.record.round_number for job in chosen), default=0)


def _answered(job: JudgedJob) -> pa.Table:
    leaves = job.verdicts.filter(pc.not_equal(job.verdicts["state"], FAILED))
    return conformed(leaves, LEAF_SCHEMA)


def _unread(job: JudgedJob) -> list[OpenSpan]:
    """The spans of a misread job whose answers seemed to be good, as open ones."""
    answered = _answered(job)
    spans = job.spans.filter(pc.is_in(job.spans["start"], value_set=answered["start"].combine_chunks()))
    sent: list[Span] = spans.to_pylist()
    return [opened(span) for span in sent]


def _flaky(left: Sequence[OpenSpan], found: Trials, accepted: int) -> str | None:
    """Why the rows that are left and have failed alone will never be settled, if that is so."""
    rows = [span for span in left if span.get("tries")]
    if not rows or not found.run.seen:
        return None
    needed = [max(0.0, found.needed - (span["weight"] or 0.0)) for span in rows]
    most = max(range(len(rows)), key=needed.__getitem__)
    room = most_repeats(found.rows, accepted) - found.repeats
    classes = {span["error_class"] for span in rows if span["error_class"]}
    why = flaky(len(rows), needed[most], rows[most]["tries"] or 0, found.run, room, classes)
    return advised(why, *classes) if why and len(classes) == 1 else why


def _settled(failed: Decided, found: Trials, *, keep: bool) -> tuple[Leaf | None, OpenSpan | None]:
    """The span as a leaf, if it is dead, or else as an open span."""
    span, verdict, decision = failed.span, failed.verdict, failed.decision
    move = Move.AGAIN if keep and decision.move is Move.BURY else decision.move.of(rows_in(span))
    if move is Move.BURY:
        return dead_leaf(verdict), None
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
    anew = {"repeats": 0, "late": 0, "alone": 0, "witnessed": False, "tries": 0, "weight": 0.0}
    moved = {"move": Move.AGAIN.value} if suspects_model else {}
    rows = [{**span, **anew, **moved} for span in conformed(open_spans, OPEN_SCHEMA).to_pylist()]
    return pa.Table.from_pylist(rows, schema=OPEN_SCHEMA)
