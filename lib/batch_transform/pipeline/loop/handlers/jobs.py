"""Handlers of a round's jobs while the service works: create, or plan anew what was never created; await."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from batch_transform.core.errors import ServiceFailure
from batch_transform.core.ledger import StepKind
from batch_transform.core.resuming.replanning import minutes_without_job
from batch_transform.core.run_state import TIMEOUT, JobRecord, RunState
from batch_transform.core.sending.instance_types import chosen_type, type_after, type_of
from batch_transform.core.state import actions as act
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.loop.handlers.back_off import back_off
from batch_transform.pipeline.loop.handlers.model import look_at_model
from batch_transform.pipeline.loop.handlers.plan_round import plan_anew
from batch_transform.pipeline.outcome import Outcome
from batch_transform.pipeline.remedies import on_another_type
from batch_transform.sagemaker.failures import NotNow
from batch_transform.sagemaker.jobs import JobDescription

# In a row, on top of botocore's own retries: some six minutes. A quota is waited for longer.
_MOST_REFUSALS = 12

Answer = TypeVar("Answer")


def create_job(ctx: RunContext, state: RunState, action: act.Create) -> Outcome:
    """Returns the step `job_created`; or what is to be recorded before it.

    That is `model_recorded`, where the model is not known yet or may be another one; or `replanned`, where the quota of
    its instance type is used up and there is another type.

    Else a quota that is used up, or a throttled call, is waited for as long as a job may take: others end meanwhile.

    Raises:
        ServiceFailure: it was refused too often, or the model is another one than scored before.
        NotNow: a quota is used up, and `ctx.waits` is false.
    """
    job = action.job
    if (model := look_at_model(ctx, state, job, _insisted)) is not None:
        return model
    another = type_after(state, type_of(job))

    def create() -> bool:
        try:
            ctx.jobs.create(job.request)
        except NotNow as err:
            if not err.is_quota or another is None:
                raise
            if ctx.jobs.is_there(job.request):  # boto3 had sent it twice, and the first one took the last instance
                return True
            ctx.tell("score", f"{err}; {another} is tried instead")
            return False
        return True

    if not _insisted(ctx, create):
        assert another is not None
        back_off(ctx, 0)
        return plan_anew(ctx, state, job, another)
    return _created(ctx, state, job)


def _created(ctx: RunContext, state: RunState, job: JobRecord) -> Outcome:
    ctx.tell("score", f"{job.name}: created on {type_of(job)}")
    payload = {"job": job.name, "at": ctx.clock.now().isoformat(), "model": len(state.models) or None}
    return Outcome(StepKind.JOB_CREATED, payload)


def replan_job(ctx: RunContext, state: RunState, action: act.Replan) -> Outcome:
    """Returns the step `replanned`; or `job_created` of a job that the service knows: its Create had been obeyed.

    Raises:
        ServiceFailure: as `create_job`, or the job that the service knows was asked for in another way.
    """
    job = action.job
    if _insisted(ctx, lambda: ctx.jobs.is_there(job.request)):
        return _created(ctx, state, job)
    return plan_anew(ctx, state, job, chosen_type(state))


def _insisted(ctx: RunContext, call: Callable[[], Answer]) -> Answer:
    """What a call gives, which is made again as long as the service does not obey it now.

    Raises:
        ServiceFailure: it was refused too often.
        NotNow: a quota is used up, and `ctx.waits` is false.
    """
    patience, tries = _Patience(ctx), 0
    while True:
        ctx.refuse_if_asked_to_stop()
        ctx.lease.renew()
        try:
            return call()
        except NotNow as err:
            patience.after(err)
        back_off(ctx, tries)
        tries += 1


def create_job_or_look(ctx: RunContext, state: RunState, action: act.Create) -> Outcome | None:
    """Returns what `create_job` returns; while a quota is used up, what `look_at_jobs` does of the jobs in flight.

    They may be what uses it up, and how long they take is bounded here alone. Where none is in flight, so is how long
    the quota is left to later calls, by the ledger's times.

    Raises:
        ServiceFailure: it was refused too often, or for as long as a job may take.
    """
    try:
        return create_job(ctx, state, action)
    except NotNow as err:
        _refuse_long_wait(ctx, state, err)
        ctx.tell("score", f"{err}; left to the next `collect`")
    return look_at_jobs(ctx, state, act.Await(state.in_flight))


def _refuse_long_wait(ctx: RunContext, state: RunState, err: NotNow) -> None:
    minutes, waited = ctx.config.transform.job_timeout_minutes, minutes_without_job(state, ctx.clock.now())
    if waited > minutes:
        raise ServiceFailure(
            f"{err}; no job of the run is in flight, and none could be created for {waited:.0f} minutes "
            f"(transform.job_timeout_minutes: {minutes}). The next call tries again; on another instance type: "
            f"{on_another_type(ctx)}"
        ) from err


class _Patience:
    """How long a call is repeated that the service does not obey now."""

    def __init__(self, ctx: RunContext) -> None:
        self._ctx = ctx
        self._began = ctx.clock.monotonic()
        self._refusals = 0

    def after(self, err: NotNow) -> None:
        """Tells of a refusal.

        Raises:
            ServiceFailure: it was one too many; for a quota that is when a job's whole time has passed.
            NotNow: it is a quota, and this run does not wait.
        """
        if err.is_quota and not self._ctx.waits:
            raise err
        minutes = self._ctx.config.transform.job_timeout_minutes
        self._refusals += 1
        if self._ctx.clock.monotonic() - self._began > 60 * minutes or (
            not err.is_quota and self._refusals == _MOST_REFUSALS
        ):
            otherwise = f". On another instance type: {on_another_type(self._ctx)}" if err.is_quota else ""
            raise ServiceFailure(f"{err}; given up after {self._refusals} tries{otherwise}") from err
        self._ctx.tell("score", f"{err}; waiting")

    def obeyed(self) -> None:
        """Begins anew."""
        self._refusals = 0


def await_job(ctx: RunContext, state: RunState, action: act.Await) -> Outcome:
    """Returns the step `job_ended` of the first of these jobs that ends, or `job_stopping` of one that is late.

    The service itself has no limit: a job older than `transform.job_timeout_minutes` is stopped, which is recorded
    before it is done. One that is being stopped gets as long again, so no job is waited for longer than twice that.

    Raises:
        ServiceFailure: a job does not end.
    """
    started, look = ctx.clock.monotonic(), _Look(ctx)
    limit = 60 * ctx.config.transform.job_timeout_minutes
    # Whether a job is late is told by the service's clock, which may be behind this one: that has twice the time.
    most = limit if any(job.stop_reason == TIMEOUT for job in action.jobs) else 2 * limit
    while True:
        ctx.refuse_if_asked_to_stop()
        outcome = look(action)
        if outcome is not None:
            return outcome
        wait = ctx.config.poll_seconds * (0.75 + 0.5 * ctx.jitter())
        if ctx.clock.monotonic() - started > most:
            raise ServiceFailure(f"{action.jobs[0].name} did not end within twice transform.job_timeout_minutes")
        ctx.clock.sleep(wait)


def look_at_jobs(ctx: RunContext, state: RunState, action: act.Await) -> Outcome | None:
    """Returns what `await_job` returns if it is so now, None while all of these jobs are in flight and in time."""
    return _Look(ctx)(action)


class _Look:
    """Looks at jobs, again and again: says what is new of them, and stops those that are late."""

    def __init__(self, ctx: RunContext) -> None:
        self._ctx = ctx
        self._patience = _Patience(ctx)
        self._said: dict[str, str] = {}

    def __call__(self, action: act.Await) -> Outcome | None:
        """Returns the step of the first job of which there is one."""
        ctx = self._ctx
        for job in action.jobs:
            found = _describe(ctx, job.name, self._patience)
            if found is None:
                continue
            if found.status.is_terminal:
                return _ended(ctx, found)
            if self._said.get(job.name) != found.status.value:
                self._said[job.name] = found.status.value
                ctx.tell("score", f"{job.name}: {found.status.value}")
            if job.stop_reason == TIMEOUT:
                _stop(ctx, job.name, self._patience)
            elif _is_late(ctx, found):
                minutes = ctx.config.transform.job_timeout_minutes
                ctx.tell("score", f"{found.name}: stopped after {minutes} minutes, transform.job_timeout_minutes")
                return Outcome(StepKind.JOB_STOPPING, {"job": job.name, "reason": TIMEOUT})
        return None


def _describe(ctx: RunContext, name: str, patience: _Patience) -> JobDescription | None:
    """The job, or None where the service would not say now: the next poll asks again."""
    try:
        found = ctx.jobs.describe(name)
    except NotNow as err:
        patience.after(err)
        return None
    patience.obeyed()
    return found


def _stop(ctx: RunContext, name: str, patience: _Patience) -> None:
    """Asks for the job's end; each poll asks again until it has ended."""
    ctx.lease.renew()
    try:
        ctx.jobs.stop(name)
    except NotNow as err:
        patience.after(err)


def _is_late(ctx: RunContext, found: JobDescription) -> bool:
    limit = 60 * ctx.config.transform.job_timeout_minutes
    return found.created_at is not None and (ctx.clock.now() - found.created_at).total_seconds() > limit


def _ended(ctx: RunContext, found: JobDescription) -> Outcome:
    ctx.tell("score", f"{found.name}: {found.status.value} {found.failure_reason or ''}".rstrip())
    payload: dict[str, Any] = {"job": found.name, "status": found.status.value, "failure_reason": found.failure_reason}
    payload["at"] = ctx.clock.now().isoformat()
    for key in ("created_at", "started_at", "ended_at"):
        time: datetime | None = getattr(found, key)
        payload[key] = time.isoformat() if time else None
    return Outcome(StepKind.JOB_ENDED, payload)
