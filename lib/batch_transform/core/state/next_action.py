"""The next action follows from the state alone, so a resumed driver goes on where the ledger ends."""

from __future__ import annotations

from collections.abc import Iterable

from batch_transform.core.amounts import counted, verb
from batch_transform.core.isolation.evidence import Rate
from batch_transform.core.resuming.resumed_run import must_be_replanned
from batch_transform.core.round_record import RoundRecord
from batch_transform.core.run_settings import INFER, JOBS, TransformSettings
from batch_transform.core.run_state import TIMEOUT, JobRecord, RunState
from batch_transform.core.sending.instances import instances_of, lacked_capacity, overspent
from batch_transform.core.state import actions as act

# Of the longest chain; far above what isolation needs (five, and what transient failures add): a bound, not a plan.
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
    waiting = [job for job in state.unsettled if not job.created]
    # A run that has cost what it may creates no job; it ends, as its handler says, when those in flight have.
    is_held = bool(flying) and overspent(state) is not None
    if waiting and not _must_infer(state) and (late := _too_slow_so_far(state)):
        return judging(state) or (act.Await(flying) if flying else act.GiveUp((_too_slow(late, len(waiting)),)))
    if waiting and not is_held and _has_room(state.settings.transform, flying, instances_of(waiting[0])):
        return act.Replan(waiting[0]) if must_be_replanned(state, waiting[0]) else act.Create(waiting[0])
    if flying:
        # What waits for an instance is created at the first end: nothing is planned in between.
        return judging(state) or (None if waiting else _isolating(state, flying)) or act.Await(flying)
    if _must_infer(state):
        return act.Infer(state.unsettled)
    return judging(state) or act.Reconcile(state.unsettled)


def _too_slow_so_far(state: RunState) -> int:
    """How many jobs took longer than they may, where nothing of the run was scored; who goes on with it knows of them.

    What waits would be paid for as those were: it is as much work, for the same model.
    """
    ended = [job for job in state.unsettled if job.status is not None]
    if _has_scored(state, ended):
        return 0
    return sum(job.stop_reason == TIMEOUT and job.plan > state.forgiven_until for job in ended)


def _has_scored(state: RunState, ended: Iterable[JobRecord]) -> bool:
    """Whether anything of the run was scored: in what is settled, or by these jobs, which are not."""
    return any(r.scored_rows for r in state.round_records) or any(job.objects_scored for job in ended)


def _too_slow(late: int, waiting: int) -> str:
    return (
        f"{counted(late, 'job')} took longer than transform.job_timeout_minutes, and nothing was scored, so "
        f"{counted(waiting, 'job')} of as much work {verb(waiting, 'is', 'are')} not begun. Look at the model, or "
        "raise it"
    )


def judging(state: RunState) -> act.Judge | None:
    """Returns what may be judged now: a job that has ended, also while others run, or while one cannot be created."""
    if _must_infer(state):
        return None
    ended = (job for job in state.unsettled if job.status is not None and job.verdicts is None)
    return next(map(act.Judge, ended), None)


def _isolating(state: RunState, flying: tuple[JobRecord, ...]) -> act.Reconcile | None:
    """While jobs run, failed spans of what is judged go on where an instance is free.

    Nothing is split before a span of the run was scored; a probe tells of all of it, or of nothing.

    What lacked capacity was not asked yet, so it says nothing of the model and is sent again as it is.
    """
    if _must_infer(state):
        return None
    last, most = state.last_round, MAX_ROUNDS + state.rounds_before
    ready = tuple(job for job in state.unsettled if job.verdicts is not None and job.round_number < most)
    if not _has_scored(state, ready):
        ready = tuple(filter(lacked_capacity, ready))
    if last is None or last.is_probe or not any(job.objects_failed for job in ready):
        return None
    return act.Reconcile(ready, flying) if _has_room(state.settings.transform, flying, 1) else None


def _has_room(transform: TransformSettings, flying: tuple[JobRecord, ...], instances: int) -> bool:
    """Whether a job may be created beside those in flight: by their number and, spread as jobs, by their instances."""
    if not flying:
        return True
    is_within = transform.spread != JOBS or sum(map(instances_of, flying)) + instances <= transform.instance_count
    return is_within and len(flying) < transform.most_jobs


def _must_infer(state: RunState) -> bool:
    asked = state.settings.prediction.schema == INFER
    return asked and state.inferred is None and state.inferred_after < state.plans and bool(state.unsettled)


def _next_after_round(state: RunState, last: RoundRecord) -> act.Action | None:
    if last.stop:
        return act.GiveUp(last.stop)
    if state.retry_asked and state.publication is None and not state.unsettled:
        return act.RetryDead()
    if not last.open_spans:
        return None
    if state.next_round - state.rounds_before > MAX_ROUNDS:
        return act.GiveUp((_still_open(last),))
    return act.Plan()


def _still_open(last: RoundRecord) -> str:
    are = verb(last.open_spans, "is", "are")
    told = f"{counted(last.open_spans, 'object')} {are} not settled after {MAX_ROUNDS} rounds"
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
