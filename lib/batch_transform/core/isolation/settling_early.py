"""What judged jobs come to while other jobs of the run are still at work. Pure.

A failed span is sent again, or its parts are, as soon as its job is judged. But nothing is said of the run that an end
of the others may gainsay: what would end the run, and what would be sent for the last time before that, is left to when
all jobs have ended, and is then looked at as if there had been one round of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from batch_transform.core.isolation.error_classes import ErrorClass
from batch_transform.core.isolation.failed_spans import Decided, decided_of
from batch_transform.core.isolation.observed_failures import JudgedJob, trials
from batch_transform.core.isolation.open_spans import Move
from batch_transform.core.isolation.reconciling import Known, Reconciled, reconcile
from batch_transform.core.isolation.round_stops import foreign_stops
from batch_transform.core.isolation.verdict_rows import SCORED


@dataclass(frozen=True)
class Early:
    """The jobs that are settled, and their outcome."""

    jobs: tuple[JudgedJob, ...]
    done: Reconciled


def reconcile_early(jobs: Sequence[JudgedJob], waiting: pa.Table, known: Known) -> Early | None:
    """Returns which of these jobs are settled while others run, and what is left; None: all of that has to wait.

    It waits if nothing is left that could be sent, or if something of it would be sent otherwise than it was, and
    nothing was scored yet.

    Args:
        jobs: judged and not settled.
        waiting: spans that the last plan did not send (OPEN_SCHEMA).
        known: of the run.
    """
    found = trials([*known.before, *jobs], known.rows)
    decided = [decided_of(job, found, divisible=known.divisible) for job in jobs]
    free = [not foreign_stops([job]) and not _ends(each) for job, each in zip(jobs, decided, strict=True)]
    chosen = [job for job, is_free in zip(jobs, free, strict=True) if is_free]
    held = [job for job, is_free in zip(jobs, free, strict=True) if not is_free]
    known = replace(known, before=[*known.before, *held])
    done = reconcile(chosen, waiting, known, is_first=False, is_probe=False)
    scored = known.scored_before or SCORED in done.leaves["state"].to_pylist()
    may_go_on = scored or all(_is_sent_as_it_was(each) for each, is_free in zip(decided, free, strict=True) if is_free)
    return Early(tuple(chosen), done) if may_go_on and done.open.num_rows and not done.stop else None


def _is_sent_as_it_was(decided: Sequence[Decided]) -> bool:
    """Whether every failed span of a job is sent again for want of instances, which says nothing of the model."""
    capacity = ErrorClass.CAPACITY.value
    return all(each.verdict["error_class"] == capacity and each.decision.move is Move.AGAIN for each in decided)


def _ends(decided: Sequence[Decided]) -> bool:
    """Whether a failed span of a job would end the run, now or when it fails once more."""
    return any(each.decision.stop or each.decision.is_last for each in decided)
