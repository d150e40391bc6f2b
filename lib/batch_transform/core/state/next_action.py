"""The next action follows from the state alone, so a resumed driver goes on where the ledger ends."""

from __future__ import annotations

from batch_transform.core.isolation.evidence import Rate
from batch_transform.core.resuming.replanning import must_be_replanned
from batch_transform.core.run_settings import INFER, JOBS, TransformSettings
from batch_transform.core.run_state import JobRecord, RoundRecord, RunState
from batch_transform.core.sending.instance_types import instances_of
from batch_transform.core.state import actions as act

# Far above what isolation needs (five, and what transient failures add): a bound, not a plan.
MAX_ROUNDS = 20


def next_action(state: RunState) -> act.Action:
    """Returns what the driver does next."""
    if state.report is not None:
        return act.Nothing()
    if state.staged is None:
        return act.Stage()
    if state.spans is None:
        return act.Export()
    if state.last_round is None:
        return act.Plan()
    return _next_in_round(state, state.last_round) or _next_after_rounds(state)


def _next_in_round(state: RunState, last: RoundRecord) -> act.Action | None:
    if last.leaves is not None:
        return _next_after_round(state, last)
    flying = state.in_flight
    waiting = [job for job in state.round_jobs if not job.created]
    if waiting and _has_room(state.settings.transform, flying, waiting[0]):
        return act.Replan(waiting[0]) if must_be_replanned(state, waiting[0]) else act.Create(waiting[0])
    if flying:
        return act.Await(flying)
    if _must_infer(state):
        return act.Infer(state.round_jobs)
    for job in state.round_jobs:
        if job.verdicts is None:
            return act.Judge(job)
    return act.Reconcile()


def _has_room(transform: TransformSettings, flying: tuple[JobRecord, ...], job: JobRecord) -> bool:
    """Whether a job may be created beside those in flight: by their number and, spread as jobs, by their instances."""
    if not flying:
        return True
    instances = sum(map(instances_of, flying)) + instances_of(job)
    is_within = transform.spread != JOBS or instances <= transform.instance_count
    return is_within and len(flying) < transform.most_jobs


def _must_infer(state: RunState) -> bool:
    asked = state.settings.prediction.schema == INFER
    return asked and state.inferred is None and state.inferred_after < state.rounds and bool(state.round_jobs)


def _next_after_round(state: RunState, last: RoundRecord) -> act.Action | None:
    if last.stop:
        return act.GiveUp(last.stop)
    if state.retry_asked and state.publication is None:
        return act.RetryDead()
    if not last.open_spans:
        return None
    if state.rounds - state.rounds_before >= MAX_ROUNDS:
        return act.GiveUp((_still_open(last),))
    return act.Plan()


def _still_open(last: RoundRecord) -> str:
    told = f"{last.open_spans} spans are not settled after {MAX_ROUNDS} rounds"
    good = Rate(last.trials.get("failed", 0.0), last.trials.get("seen", 0.0))
    return f"{told}: the model is flaky, {good.words}; none of their rows is given up" if good.failed >= 1 else told


def _next_after_rounds(state: RunState) -> act.Action:
    if state.gate is None:
        return act.Gate()
    if state.publication is None:
        return act.Intend()
    if state.published is None:
        return act.Publish(state.publication)
    return act.Finish()
