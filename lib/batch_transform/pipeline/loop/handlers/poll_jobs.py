"""Handlers of jobs while they run: looked at until one has ended, once or again and again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ServiceFailure
from batch_transform.core.ledger import NewStep, StepKind
from batch_transform.core.run_state import TIMEOUT, JobRecord, RunState
from batch_transform.core.state import actions as act
from batch_transform.core.statuses import JobStatus
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.loop.tools.bounds import Patience
from batch_transform.pipeline.loop.tools.progress import look_at_outputs
from batch_transform.sagemaker.jobs import JobDescription
from batch_transform.sagemaker.service_errors import NotNow


def await_job(ctx: RunContext, state: RunState, action: act.Await) -> NewStep:
    """Returns the step `job_ended` of the first of these jobs that ends, or `job_stopping` of one that is late.

    The service itself has no limit: a job older than `transform.job_timeout_minutes` is stopped, which is recorded
    before it is done. One that is being stopped gets as long again, so no job is waited for longer than twice that.

    Raises:
        ServiceFailure: a job does not end.
    """
    started, look = ctx.clock.monotonic(), Look(ctx, state)
    limit = 60 * ctx.config.transform.job_timeout_minutes
    # Whether a job is late is told by the service's clock, from when it was created: this one has twice the time.
    most = limit if any(job.stop_reason == TIMEOUT for job in action.jobs) else 2 * limit
    while True:
        ctx.refuse_if_asked_to_stop()
        new = look(action)
        if new is not None:
            return new
        wait = ctx.poll_seconds * (_LEAST_WAIT + 0.5 * ctx.jitter())
        if ctx.clock.monotonic() - started > most:
            minutes = ctx.config.transform.job_timeout_minutes
            raise ServiceFailure(
                f"{action.jobs[0].name} did not end within {counted(round(most / 60), 'minute')}, though "
                f"transform.job_timeout_minutes is {minutes}, after which it is stopped. See in SageMaker's console "
                "what it does; started again, the run looks at it again"
            )
        ctx.clock.sleep(wait)


def look_at_jobs(ctx: RunContext, state: RunState, action: act.Await) -> NewStep | None:
    """Returns what `await_job` returns if it is so now, None while all of these jobs are in flight and in time."""
    return Look(ctx, state)(action)


def seen_to_end(ctx: RunContext, jobs: Iterable[JobRecord]) -> NewStep | None:
    """Returns the step `job_ended` of the first of these jobs whose end was seen and is not recorded; asks nobody."""
    found = next((ctx.ended.pop(job.name) for job in jobs if job.name in ctx.ended), None)
    return None if found is None else _ended(ctx, found)


# Of `poll_seconds`, the shortest time between two looks at a job (the jitter's own): where one of many has ended, the
# others were looked at a moment ago, and the service throttles who asks too often (transform_emulator/FACTS.md, 6).
_LEAST_WAIT = 0.75


class Look:
    """Looks at jobs, again and again: says what is new of them, and stops those that are late."""

    def __init__(self, ctx: RunContext, state: RunState) -> None:
        self._ctx = ctx
        self._state = state
        self._patience = Patience(ctx)

    def __call__(self, action: act.Await) -> NewStep | None:
        """Returns the step of the first job of which there is one; of others that have ended `seen_to_end` tells."""
        ctx, refused = self._ctx, None
        if (known := seen_to_end(ctx, action.jobs)) is not None:
            return known
        for job in action.jobs:
            if not self._is_due(job.name):
                continue
            try:
                found = ctx.jobs.describe(job.name)
            except NotNow as err:  # the next look asks again
                refused = err
                continue
            self._patience.obeyed()
            if found.status.is_terminal:
                ctx.ended[job.name] = found
                continue
            if ctx.progress.statuses.get(job.name) is not found.status:
                ctx.progress.statuses[job.name] = found.status
                ctx.tell("score", f"{job.name}: {found.status.value}")
            if found.status is JobStatus.IN_PROGRESS:
                look_at_outputs(ctx, self._state, job)
            if job.stop_reason == TIMEOUT:
                _stop(ctx, job.name, self._patience)
            elif _is_late(ctx, found):
                minutes = ctx.config.transform.job_timeout_minutes
                ctx.tell(
                    "score", f"{found.name}: stopped after {counted(minutes, 'minute')}, transform.job_timeout_minutes"
                )
                del ctx.looked[job.name]  # once that is recorded, its end is asked for without delay
                return NewStep(StepKind.JOB_STOPPING, {"job": job.name, "reason": TIMEOUT})
        ended = seen_to_end(ctx, action.jobs)
        if refused is not None and ended is None:
            self._patience.after(refused)  # once, however many jobs it was refused for: it is no longer wait
        return ended

    def _is_due(self, name: str) -> bool:
        now, looked = self._ctx.clock.monotonic(), self._ctx.looked
        is_due = now - looked.get(name, float("-inf")) >= _LEAST_WAIT * self._ctx.poll_seconds
        if is_due:
            looked[name] = now
        return is_due


def _stop(ctx: RunContext, name: str, patience: Patience) -> None:
    """Asks for the job's end; each poll asks again until it has ended."""
    ctx.lease.renew()
    try:
        ctx.jobs.stop(name)
    except NotNow as err:
        patience.after(err)


def _is_late(ctx: RunContext, found: JobDescription) -> bool:
    limit, now = 60 * ctx.config.transform.job_timeout_minutes, found.told_at or ctx.clock.now()
    return found.created_at is not None and (now - found.created_at).total_seconds() > limit


def _ended(ctx: RunContext, found: JobDescription) -> NewStep:
    failed = f" ({found.failure_reason}); each of its objects is looked at" if found.failure_reason else ""
    ctx.tell("score", f"{found.name}: {found.status.value}{failed}")
    payload = {
        "job": found.name,
        "status": found.status.value,
        "failure_reason": found.failure_reason,
        "at": ctx.clock.now().isoformat(),
        "created_at": _spelled(found.created_at),
        "started_at": _spelled(found.started_at),
        "ended_at": _spelled(found.ended_at),
    }
    return NewStep(StepKind.JOB_ENDED, payload)


def _spelled(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
