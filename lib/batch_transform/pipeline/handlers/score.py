"""Handlers of a round's jobs: create, await, judge, reconcile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from batch_transform.core import actions as act
from batch_transform.core.data_log import JobLogs
from batch_transform.core.diagnosis import by_class, sentence
from batch_transform.core.errors import ServiceFailure
from batch_transform.core.isolation import JudgedJob, reconcile
from batch_transform.core.objects import ObjectInfo
from batch_transform.core.output_counts import OutputObject
from batch_transform.core.records import JobRecord, RunState
from batch_transform.core.verdicts import DEAD, FAILED, SCORED, Evidence, judge, rows_in_state
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.outcome import Outcome
from batch_transform.sagemaker.jobs import JobDescription, NotNow

_LISTINGS = 10
# Between two tries of a call that the service refused for now; doubled up to a minute.
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 60.0
# In a row, on top of botocore's own retries: some six minutes. A quota is waited for longer.
_MOST_REFUSALS = 12


def create_job(ctx: RunContext, state: RunState, action: act.Create) -> Outcome:
    """Returns the step `job_created`.

    A quota that is used up, or a throttled call, is waited for as long as a job may take: other jobs end meanwhile.
    """
    patience, wait = _Patience(ctx), _FIRST_WAIT_SECONDS
    while True:
        try:
            ctx.jobs.create(action.job.request)
            break
        except NotNow as err:
            patience.after(err)
        ctx.clock.sleep(wait * (0.75 + 0.5 * ctx.jitter()))
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
    ctx.tell("score", f"{action.job.name}: created")
    return Outcome("job_created", {"job": action.job.name, "at": ctx.clock.now().isoformat()})


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
        """
        minutes = self._ctx.config.transform.job_timeout_minutes
        self._refusals += 1
        if self._ctx.clock.monotonic() - self._began > 60 * minutes or (
            not err.is_quota and self._refusals == _MOST_REFUSALS
        ):
            raise ServiceFailure(f"{err}; given up after {self._refusals} tries") from err
        self._ctx.tell("score", f"{err}; waiting")

    def obeyed(self) -> None:
        """Begins anew."""
        self._refusals = 0


def await_job(ctx: RunContext, state: RunState, action: act.Await) -> Outcome:
    """Returns the step `job_ended` of the first of these jobs that ends, or `job_stopping` of one that is late.

    The service itself has no limit: a job older than `transform.job_timeout_minutes` is stopped, which is recorded
    before it is done.
    """
    started, patience = ctx.clock.monotonic(), _Patience(ctx)
    said: dict[str, str] = {}
    while True:
        for job in action.jobs:
            found = _describe(ctx, job.name, patience)
            if found is None:
                continue
            if found.status.is_terminal:
                return _ended(ctx, found)
            if said.get(job.name) != found.status.value:
                said[job.name] = found.status.value
                ctx.tell("score", f"{job.name}: {found.status.value}")
            if job.stop_reason == "timeout":
                _stop(ctx, job.name, patience)
            elif _is_late(ctx, found):
                minutes = ctx.config.transform.job_timeout_minutes
                ctx.tell("score", f"{found.name}: stopped after {minutes} minutes, transform.job_timeout_minutes")
                return Outcome("job_stopping", {"job": job.name, "reason": "timeout"})
        wait = ctx.config.poll_seconds * (0.75 + 0.5 * ctx.jitter())
        if ctx.clock.monotonic() - started > 2 * 60 * ctx.config.transform.job_timeout_minutes:
            raise ServiceFailure(f"{action.jobs[0].name} did not end within twice transform.job_timeout_minutes")
        ctx.clock.sleep(wait)


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
    for key in ("created_at", "started_at", "ended_at"):
        time: datetime | None = getattr(found, key)
        payload[key] = time.isoformat() if time else None
    return Outcome("job_ended", payload)


def judge_job(ctx: RunContext, state: RunState, action: act.Judge) -> Outcome:
    """Returns the step `job_judged`: the verdict on each span, by its counted output and nothing else."""
    job = action.job
    spans = ctx.ledger.read_part(job.spans)
    outputs = _outputs(ctx, job, spans["object"].to_pylist())
    names = {output.object for output in outputs}
    counted = ctx.objects.count([output for output in outputs if output.object != job.witness])
    missing = [name for name in spans["object"].to_pylist() if name not in names]
    logs = _logs(ctx, job, missing)
    verdicts = judge(job, spans, Evidence(counted, logs.entries))
    failed = rows_in_state(verdicts, FAILED) + rows_in_state(verdicts, DEAD)
    ctx.tell(
        "reconcile",
        f"{job.name}: {spans.num_rows - len(missing):,} of {spans.num_rows:,} outputs, {failed:,} rows failed",
    )
    payload = {
        "job": job.name,
        "witness_scored": job.witness in names if job.witness else False,
        "instances": logs.instances,
        "data_logs": logs.data_logs,
    }
    return Outcome("job_judged", payload, (ctx.ledger.write_part(verdicts),))


def _logs(ctx: RunContext, job: JobRecord, missing: list[str]) -> JobLogs:
    """What the data log says of the missing objects; nothing is asked where nothing is missing."""
    if not missing:
        return JobLogs({})
    folder = ctx.places.input
    # The reason sends to the logs where the model is at fault; a job that the service ended has no line to wait for.
    patiently = "job logs" in (job.failure_reason or "")
    logs = ctx.logs.read(job.name, folder.bucket, folder.key, missing, patiently=patiently)
    if logs.trouble:
        ctx.tell("reconcile", f"{job.name}: {logs.trouble}; its FailureReason decides")
    return logs


def _outputs(ctx: RunContext, job: JobRecord, objects: Sequence[str]) -> list[OutputObject]:
    """The outputs of the job's own objects, as two equal listings show them."""
    folder = ctx.places.outputs.join(job.name)
    wanted = {*objects, *([job.witness] if job.witness else [])}
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


def reconcile_round(ctx: RunContext, state: RunState, action: act.Reconcile) -> Outcome:
    """Returns the step `reconciled`: what the round settled, what is left, and whether the run goes on."""
    last = state.last_round
    assert last is not None
    jobs = [_judged(ctx, job) for job in state.round_jobs]
    waiting = ctx.ledger.read_part(last.waiting)
    done = reconcile(jobs, waiting, is_first=state.rounds == 1, is_probe=last.is_probe)
    failed = by_class(pa.concat_tables([job.verdicts for job in jobs]), FAILED) if jobs else []
    for entry in failed:
        ctx.tell("reconcile", f"round {state.rounds}: {sentence(entry)}")
    payload = {
        "scored_rows": rows_in_state(done.leaves, SCORED),
        "dead_rows": rows_in_state(done.leaves, DEAD),
        "probe": done.probe,
        "stop": list(done.stop),
        "failed": failed,
    }
    parts: list[pa.Table] = [done.leaves, done.open]
    return Outcome("reconciled", payload, tuple(ctx.ledger.write_part(part) for part in parts))


def _judged(ctx: RunContext, job: JobRecord) -> JudgedJob:
    assert job.verdicts is not None
    return JudgedJob(job, ctx.ledger.read_part(job.spans), ctx.ledger.read_part(job.verdicts))


def give_up(ctx: RunContext, state: RunState, action: act.GiveUp) -> Outcome:
    """Ends the run: another round would end alike, or somebody else stopped a job.

    Raises:
        ServiceFailure: always; a driver that resumes the run tries again.
    """
    last = state.last_round
    spans = last.open_spans if last else 0
    raise ServiceFailure(
        f"{spans:,} objects are not scored after {state.rounds} rounds; nothing is published, what was scored is kept. "
        f"{'; '.join(action.reasons)}. Start the run again to try once more"
    )
