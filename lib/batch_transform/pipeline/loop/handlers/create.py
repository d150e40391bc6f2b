"""Handlers of jobs before they run: created, or planned anew where they never were."""

from __future__ import annotations

from typing import Literal

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ServiceFailure
from batch_transform.core.ledger import NewStep, StepKind
from batch_transform.core.resuming.resumed_run import minutes_without_job
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.sending.instances import chosen_type, type_instead, type_of
from batch_transform.core.sending.job_request import sent_request
from batch_transform.core.state import actions as act
from batch_transform.core.state.next_action import judging
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.loop.handlers.model import look_at_model
from batch_transform.pipeline.loop.handlers.plan_round import plan_anew
from batch_transform.pipeline.loop.handlers.poll_jobs import Look, look_at_jobs
from batch_transform.pipeline.loop.tools.bounds import back_off, insisted, require_budget
from batch_transform.pipeline.remedies import on_another_type
from batch_transform.sagemaker.service_errors import NotNow


def create_job(ctx: RunContext, state: RunState, action: act.Create) -> NewStep | act.Judge:
    """Returns the step `job_created`; or what is to be recorded before it.

    That is `model_recorded`, where the model is not known yet or may be another one; or `replanned`, where the quota of
    its instance type is used up and there is another type.

    Else a quota that is used up, or a throttled call, is waited for as long as a job may take. Jobs of the run that are
    in flight are looked at meanwhile: what is new of them is the step then, and the job is left for later. So it is
    where one that has ended is still to be judged, which is returned then.

    Raises:
        OverCost: the run has cost what it may.
        ServiceFailure: it was refused too often, or the model is another one than scored before.
        NotNow: a quota is used up, and `ctx.waits` is false.
    """
    job = action.job
    require_budget(ctx, state)
    if (model := look_at_model(ctx, state, job)) is not None:
        return model
    look = Look(ctx, state)

    def create() -> Literal[True] | NewStep | act.Judge:
        try:
            ctx.jobs.create(sent_request(job.request, ctx.config.transform.environment))
        except NotNow as err:
            another = type_instead(state, type_of(job), is_beyond=err.is_beyond) if err.is_quota else None
            if another is None:
                meanwhile = look(act.Await(state.in_flight)) or judging(state) if err.is_quota and ctx.waits else None
                if meanwhile is None:
                    raise
                return meanwhile
            if ctx.jobs.is_there(job.request):  # boto3 had sent it twice, and the first one took the last instance
                return True
            ctx.tell("score", f"{err}; {another} is tried instead")
            back_off(ctx, 0)
            return plan_anew(ctx, state, job, another, beyond=type_of(job) if err.is_beyond else None)
        return True

    told = insisted(ctx, create)
    return _created(ctx, state, job) if told is True else told


def _created(ctx: RunContext, state: RunState, job: JobRecord) -> NewStep:
    ctx.tell("score", f"{job.name}: created on {type_of(job)}")
    payload = {"job": job.name, "at": ctx.clock.now().isoformat(), "model": len(state.models) or None}
    return NewStep(StepKind.JOB_CREATED, payload)


def replan_job(ctx: RunContext, state: RunState, action: act.Replan) -> NewStep:
    """Returns the step `replanned`; or `job_created` of a job that the service knows: its Create had been obeyed.

    Raises:
        ServiceFailure: as `create_job`, or the job that the service knows was asked for in another way.
    """
    job = action.job
    if insisted(ctx, lambda: ctx.jobs.is_there(job.request)):
        return _created(ctx, state, job)
    return plan_anew(ctx, state, job, chosen_type(state))


def create_job_or_look(ctx: RunContext, state: RunState, action: act.Create) -> NewStep | act.Judge | None:
    """Returns what `create_job` returns, though it does not wait.

    While a quota is used up, that is what `look_at_jobs` says of the jobs in flight, or what is to be judged.

    They may be what uses it up, and how long they take is bounded here alone. Where none is in flight, so is how long
    the quota is left to later calls, by the ledger's times.

    Raises:
        ServiceFailure: it was refused too often, or for as long as a job may take.
    """
    try:
        return create_job(ctx, state, action)
    except NotNow as err:
        _refuse_long_wait(ctx, state, err)
        ctx.tell("score", f"{err}; left to the next step")
    return look_at_jobs(ctx, state, act.Await(state.in_flight)) or judging(state)


def _refuse_long_wait(ctx: RunContext, state: RunState, err: NotNow) -> None:
    minutes, waited = ctx.config.transform.job_timeout_minutes, minutes_without_job(state, ctx.clock.now())
    if waited > minutes:
        raise ServiceFailure(
            f"{err}; no job of the run is in flight, and none could be created for {counted(round(waited), 'minute')} "
            f"(transform.job_timeout_minutes: {minutes}). The next call tries again; on another instance type: "
            f"{on_another_type(ctx)}"
        ) from err
