"""The frozen record of a plan, and of what was settled after it. A round is a depth; several plans may be of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from batch_transform.core.ledger import Part
from batch_transform.core.report_keys import FailedClass


@dataclass(frozen=True)
class RoundRecord:
    """What was planned at once, and what was settled next: jobs of this plan, or of one before it that still ran.

    Attributes:
        waiting: the part with the spans that it leaves for later (open_spans.OPEN_SCHEMA).
        round_number: of its jobs.
        is_probe: whether it sends single rows to tell a broken model from bad rows.
        leaves: the part with what was settled, None until it is reconciled.
        open: the part with the spans that are left, None until it is reconciled.
        open_spans: how many.
        scored_rows: settled with a prediction.
        dead_rows: settled without.
        probe_next: whether the next plan is a probe.
        stop: why the run ended after it; empty after another driver took over.
        resumed: whether a driver went on after `stop`.
        failed: what failed in it, by class (failure_summary.by_class).
        lost: the part with the outputs (altered_objects.UNSCORED_SCHEMA) that counted when it was reconciled, and were
            found to be gone or altered since; their spans are open again.
        lost_scored_rows: rows settled with a prediction, in this round or before, that was read from those.
        lost_dead_rows: likewise without one.
        retried: the part with the dead leaves that counted when it was reconciled, and whose rows were sent again on
            request since.
        retried_rows: how many rows those are.
        misread: whether it ended the run because every answer is in another form than was configured; then its outputs
            are judged again, and not paid for again, by the driver that resumes.
        unread: whether it ended the run because no answer fits the schema, in whatever form. Its outputs are judged
            again by a driver that resumes with another section `prediction`; with the same one the run goes on.
        broken: whether it ended the run because the model refused whatever it was asked.
        trials: what was known after it of how often good requests fail (observed_failures.Trials.known).
        left_round: the deepest round of the jobs whose spans are left.
    """

    waiting: Part
    is_probe: bool
    round_number: int
    leaves: Part | None = None
    open: Part | None = None
    open_spans: int = 0
    scored_rows: int = 0
    dead_rows: int = 0
    probe_next: bool = False
    stop: tuple[str, ...] = ()
    resumed: bool = False
    failed: tuple[FailedClass, ...] = ()
    misread: bool = False
    lost: Part | None = None
    lost_scored_rows: int = 0
    lost_dead_rows: int = 0
    retried: Part | None = None
    retried_rows: int = 0
    unread: bool = False
    broken: bool = False
    trials: Mapping[str, float] = field(default_factory=dict)
    left_round: int = 0
