"""Handlers of the jobs: create, await, judge."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core import actions as act
from batch_transform.core.errors import ServiceFailure
from batch_transform.core.failures import ErrorClass
from batch_transform.core.objects import ObjectInfo
from batch_transform.core.records import JobRecord, RunState
from batch_transform.core.verdicts import DEAD, RETRY, judge, rows_in_state
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.outcome import Outcome
from batch_transform.sagemaker.jobs import JobDescription
from batch_transform.spark.counting import OutputObject, count_outputs

_LISTINGS = 10


def create_job(ctx: RunContext, state: RunState, action: act.Create) -> Outcome:
    """Returns the step `job_created`."""
    ctx.jobs.create(action.job.request)
    ctx.tell("score", f"{action.job.name}: created")
    return Outcome("job_created", {"job": action.job.name, "at": ctx.clock.now().isoformat()})


def await_job(ctx: RunContext, state: RunState, action: act.Await) -> Outcome:
    """Returns the step `job_ended` of the first of these jobs that ends.

    A job that is older than `transform.job_timeout_minutes` is stopped: the service itself has no limit.
    """
    started = ctx.clock.monotonic()
    said: dict[str, str] = {}
    while True:
        for job in action.jobs:
            found = ctx.jobs.describe(job.name)
            if found.status.is_terminal:
                return _ended(ctx, found)
            if said.get(job.name) != found.status.value:
                said[job.name] = found.status.value
                ctx.tell("score", f"{job.name}: {found.status.value}")
            _stop_if_late(ctx, found)
        wait = ctx.config.poll_seconds * (0.75 + 0.5 * ctx.jitter())
        if ctx.clock.monotonic() - started > 2 * 60 * ctx.config.transform.job_timeout_minutes:
            raise ServiceFailure(f"{action.jobs[0].name} did not end within twice transform.job_timeout_minutes")
        ctx.clock.sleep(wait)


def _stop_if_late(ctx: RunContext, found: JobDescription) -> None:
    limit = 60 * ctx.config.transform.job_timeout_minutes
    if found.created_at is not None and (ctx.clock.now() - found.created_at).total_seconds() > limit:
        ctx.tell("score", f"{found.name}: stopped after {limit // 60} minutes, transform.job_timeout_minutes")
        ctx.jobs.stop(found.name)


def _ended(ctx: RunContext, found: JobDescription) -> Outcome:
    ctx.tell("score", f"{found.name}: {found.status.value} {found.failure_reason or ''}".rstrip())
    payload: dict[str, Any] = {"job": found.name, "status": found.status.value, "failure_reason": found.failure_reason}
    for key in ("created_at", "started_at", "ended_at"):
        time: datetime | None = getattr(found, key)
        payload[key] = time.isoformat() if time else None
    return Outcome("job_ended", payload)


def judge_job(ctx: RunContext, state: RunState, action: act.Judge) -> Outcome:
    """Returns the step `job_judged`: the outcome of each span, by its counted output and nothing else."""
    job = action.job
    spans = ctx.ledger.read_part(job.spans)
    outputs = _outputs(ctx, job, spans)
    counted = count_outputs(ctx.spark, outputs, ctx.shape.reader, ctx.connect)
    leaves = judge(job, spans, counted)
    retry = leaves.filter(pc.equal(leaves["state"], RETRY)).num_rows
    dead = rows_in_state(leaves, DEAD)
    ctx.tell(
        "reconcile", f"{job.name}: {len(outputs):,} of {spans.num_rows:,} outputs, {dead:,} rows without prediction"
    )
    model_failed = ErrorClass.UNHEALTHY.value in leaves["error_class"].to_pylist()
    payload = {"job": job.name, "spans_to_retry": retry, "model_failed": model_failed}
    return Outcome("job_judged", payload, (ctx.ledger.write_part(leaves),))


def _outputs(ctx: RunContext, job: JobRecord, spans: pa.Table) -> list[OutputObject]:
    """The outputs of the job's own objects, as two equal listings show them."""
    folder = ctx.places.outputs.join(job.name)
    wanted = set(spans["object"].to_pylist())
    # S3 gives whole seconds, so a job's own output may seem a little older than the job.
    created = datetime.fromisoformat(job.created_at).replace(microsecond=0) if job.created_at else None
    found: dict[str, ObjectInfo] | None = None
    for _ in range(_LISTINGS):
        listed = {info.key: info for info in ctx.store.list(folder)}
        if listed == found:
            break
        found = listed
    outputs = []
    for info in (found or {}).values():
        name = info.key.rpartition("/")[2].removesuffix(".out")
        if name not in wanted:
            continue
        if created is not None and info.last_modified < created:
            ctx.tell("reconcile", f"{info.key} is older than its job and is not used")
            continue
        outputs.append(OutputObject(name, folder.join(f"{name}.out"), info.etag))
    return outputs


def give_up(ctx: RunContext, state: RunState, action: act.GiveUp) -> Outcome:
    """Ends the run: its spans failed for reasons of the service in every round.

    Raises:
        ServiceFailure: always; a driver that resumes the run tries again.
    """
    last = [job for job in state.jobs if job.round_number == state.rounds]
    reasons = sorted(
        {f"{job.name}: {job.status.value if job.status else ''} {job.failure_reason or ''}" for job in last}
    )
    raise ServiceFailure(
        f"{state.spans_to_retry} spans are not scored after {state.rounds} rounds, for no fault of a record; "
        f"start the run again to try once more. Last: {'; '.join(reasons)}"
    )
