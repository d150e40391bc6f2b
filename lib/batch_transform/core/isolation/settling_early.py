"""What judged jobs come to while other jobs of the run are still at work. Pure.

A failed span is sent again, or its parts are, as soon as its job is judged. But nothing is said of the run that an end
of the others may gainsay: what would end the run, and what would be sent for the last time before that, is left to when
all jobs have ended, and is then looked at as if there had been one round of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from batch_transform.core.isolation.observed_failures import JudgedJob, Trials, trials
from batch_transform.core.isolation.reconciling import Reconciled, decided_of, reconcile
from batch_transform.core.isolation.round_stops import foreign_stops
from batch_transform.core.isolation.verdict_rows import SCORED


@dataclass(frozen=True)
class Early:
    """The jobs that are settled, and their outcome."""

    jobs: tuple[JudgedJob, ...]
    done: Reconciled


def reconcile_early(
    jobs: Sequence[JudgedJob],
    waiting: pa.Table,
    *,
    before: Sequence[JudgedJob] = (),
    rows: int = 0,
    divisible: bool = True,
    scored_before: bool = False,
    has_schema: bool = True,
) -> Early | None:
    """Returns which of these jobs are settled while others run, and what is left; None: all of that has to wait.

    It waits if nothing was scored, or if nothing is left that could be sent.

    Args:
        jobs: judged and not settled.
        waiting: spans that the last plan did not send (OPEN_SCHEMA).
        before: other jobs, as far as they are evidence.
        rows: of the run.
        divisible: whether rows may be sent in parts.
        scored_before: whether one that was settled before scored anything.
        has_schema: whether predictions have one; if not, any line is one.
    """
    found = trials([*before, *jobs], rows)
    free = [not foreign_stops([job]) and not _ends(job, found, divisible=divisible) for job in jobs]
    chosen = [job for job, is_free in zip(jobs, free, strict=True) if is_free]
    held = [job for job, is_free in zip(jobs, free, strict=True) if not is_free]
    done = reconcile(
        chosen,
        waiting,
        is_first=False,
        is_probe=False,
        before=[*before, *held],
        rows=rows,
        divisible=divisible,
        scored_before=scored_before,
        has_schema=has_schema,
    )
    scored = scored_before or SCORED in done.leaves["state"].to_pylist()
    return Early(tuple(chosen), done) if scored and done.open.num_rows and not done.stop else None


def _ends(job: JudgedJob, found: Trials, *, divisible: bool) -> bool:
    """Whether a failed span of the job would end the run, now or when it fails once more."""
    decisions = (decision for _, _, decision in decided_of(job, found, divisible=divisible))
    return any(decision.stop or decision.is_last for decision in decisions)
