"""The next action follows from the state alone, so a resumed driver goes on where the ledger ends."""

from __future__ import annotations

from . import actions as act
from .records import RunState

# Spans that met a failure of the service, not of a record, are sent again unchanged; so many rounds for one driver.
MAX_ATTEMPTS = 3


def next_action(state: RunState) -> act.Action:
    """Returns what the driver does next."""
    if state.report is not None:
        return act.Nothing()
    if state.staged is None:
        return act.Stage()
    if state.spans is None:
        return act.Export()
    if not state.planned:
        return act.Plan()
    return _next_for_jobs(state) or _next_after_jobs(state)


def _next_for_jobs(state: RunState) -> act.Action | None:
    for job in state.jobs:
        if not job.created:
            return act.Create(job)
    flying = tuple(job for job in state.jobs if job.status is None)
    if flying:
        return act.Await(flying)
    for job in state.jobs:
        if job.verdicts is None:
            return act.Judge(job)
    if state.spans_to_retry:
        return act.GiveUp() if _is_hopeless(state) else act.Plan()
    return None


def _is_hopeless(state: RunState) -> bool:
    """Whether this driver has tried often enough; one that resumes the run tries anew."""
    attempts = state.rounds - state.rounds_before
    model_failed = any(job.model_failed for job in state.jobs if job.round_number == state.rounds)
    return attempts >= (1 if model_failed else MAX_ATTEMPTS)


def _next_after_jobs(state: RunState) -> act.Action:
    if state.gate is None:
        return act.Gate()
    if state.publication is None:
        return act.Intend()
    if state.published is None:
        return act.Publish(state.publication)
    return act.Finish()
