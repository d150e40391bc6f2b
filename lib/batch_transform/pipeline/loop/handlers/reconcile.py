"""Handlers of what came of jobs: judge, reconcile, give up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.amounts import counted, verb
from batch_transform.core.errors import AnswersMisread, ServiceFailure
from batch_transform.core.isolation.data_log_evidence import JobLogs
from batch_transform.core.isolation.error_classes import ErrorClass
from batch_transform.core.isolation.failure_summary import by_class, sentence
from batch_transform.core.isolation.observed_failures import JudgedJob, is_evidence
from batch_transform.core.isolation.open_spans import OPEN_SCHEMA
from batch_transform.core.isolation.reconciling import Known, Reconciled, reconcile
from batch_transform.core.isolation.round_stops import quotes_no_row
from batch_transform.core.isolation.settling_early import reconcile_early
from batch_transform.core.isolation.verdict_rows import DEAD, FAILED, SCORED, objects_of, words_apart
from batch_transform.core.isolation.verdicts import Evidence, judge, judge_controls, rows_in_state
from batch_transform.core.ledger import NewStep, StepKind
from batch_transform.core.object_store import ObjectInfo
from batch_transform.core.predictions.output_counts import OutputObject
from batch_transform.core.resuming.repair import disbelieved, in_objects
from batch_transform.core.round_record import RoundRecord
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.sending.instances import type_after, type_of
from batch_transform.core.spans import conformed
from batch_transform.core.state import actions as act
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.loop.handlers.poll_jobs import await_job, look_at_jobs
from batch_transform.pipeline.loop.tools.recorded_spans import spans_of
from batch_transform.pipeline.recorded import form_of_outputs
from batch_transform.pipeline.remedies import as_another_run, on_another_type, once_more
from batch_transform.s3.part_files import as_parquet

_LISTINGS = 10


def judge_job(ctx: RunContext, state: RunState, action: act.Judge) -> NewStep:
    """Returns the step `job_judged`: the verdict on each span, by its counted output and nothing else."""
    job = replace(action.job, controls=tuple(name for name in action.job.controls if name not in action.doubted))
    every = spans_of(ctx, job)
    doubted = in_objects(every, action.doubted)
    spans = every.filter(pc.invert(doubted))
    objects = [*spans["object"].to_pylist(), *(name for names in spans["copies"].to_pylist() for name in names or [])]
    outputs = outputs_of(ctx, job, objects)
    names = {output.object for output in outputs}
    reader = ctx.objects.reader
    form = form_of_outputs(reader.form, state, ctx.ledger)
    found = ctx.objects.reading(reader.schema, form).count(outputs)
    missing = [name for name in [*objects, *job.controls] if name not in names]
    evidence = Evidence(found, (logs := _logs(ctx, job, missing)).entries)
    verdicts = pa.concat_tables([judge(job, spans, evidence), disbelieved(job, every.filter(doubted))])
    passed, refused = judge_controls(job, evidence)
    failed = rows_in_state(verdicts, FAILED) + rows_in_state(verdicts, DEAD)
    copied = zip(spans["object"].to_pylist(), spans["copies"].to_pylist(), strict=True)
    answered = sum(not names.isdisjoint((name, *(copies or ()))) for name, copies in copied)
    ctx.tell(
        "reconcile",
        f"{job.name}: {answered:,} of {counted(spans.num_rows, 'object')} sent "
        f"{verb(spans.num_rows, 'has', 'have')} an output, "
        f"{counted(failed, 'row')} failed",
    )
    payload = {
        "job": job.name,
        "controls_passed": passed,
        "controls_failed": refused,
        "instances": logs.instances,
        "data_logs": logs.data_logs,
        **objects_of(verdicts, has_schema=_has_schema(state)),
    }
    kept, words = words_apart(verdicts)
    if words.num_rows:  # before the step, which is not made again
        ctx.store.put(ctx.places.layout.evidence(job.name), as_parquet(words))
    return NewStep(StepKind.JOB_JUDGED, payload, (ctx.ledger.write_part(kept),))


def _logs(ctx: RunContext, job: JobRecord, missing: list[str]) -> JobLogs:
    """What the data log says of the missing objects; nothing is asked where nothing is missing."""
    if not missing:
        return JobLogs({})
    folder = ctx.places.layout.input
    # The reason sends to the logs where the model is at fault; a job that the service ended has no line to wait for.
    patiently = "job logs" in (job.failure_reason or "")
    logs = ctx.logs.read(job.name, folder.bucket, folder.key, missing, patiently=patiently)
    if logs.trouble:
        ctx.tell("reconcile", f"{job.name}: {logs.trouble}; its FailureReason decides")
    return logs


def outputs_of(ctx: RunContext, job: JobRecord, objects: Sequence[str]) -> list[OutputObject]:
    """Returns the outputs of the job's own objects, as two equal listings show them."""
    folder = ctx.places.layout.outputs.join(job.name)
    wanted = {*objects, *job.controls}
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
        outputs.append(OutputObject(name, folder.join(f"{name}.out"), info.etag, info.size_bytes))
    return outputs


def reconcile_round(ctx: RunContext, state: RunState, action: act.Reconcile) -> NewStep | None:
    """Returns the step `reconciled`: what the jobs have settled, what is left, and whether the run goes on.

    While others run, that is what of it can be sent beside them. Where that is nothing, it is what comes of the others,
    as `await_job` and `look_at_jobs` say it.
    """
    last = state.last_round
    assert last is not None
    jobs = [_judged(ctx, state, job) for job in action.jobs]
    evidence = [job for job in state.jobs if job not in action.jobs and is_evidence(state, job)]
    rows = state.staged.rows if state.staged else 0
    known = Known(
        before=[_judged(ctx, state, job) for job in evidence],
        rows=rows,
        accepted=ctx.config.errors.most(rows),
        divisible=not state.settings.is_one_object,
        scored_before=any(settled.scored_rows for settled in state.round_records[:-1]),
        has_schema=_has_schema(state),
    )
    waiting = conformed(ctx.ledger.read_part(last.waiting), OPEN_SCHEMA)
    if not action.flying:
        done = reconcile(jobs, waiting, known, is_first=state.tells_nothing_yet, is_probe=last.is_probe)
        return _reconciled(ctx, state, jobs, done, {})
    if (early := reconcile_early(jobs, waiting, known)) is not None:
        named = {"jobs": [job.record.name for job in early.jobs]}
        return _reconciled(ctx, state, early.jobs, early.done, named)
    look = await_job if ctx.waits else look_at_jobs
    return look(ctx, state, act.Await(action.flying))


def _reconciled(
    ctx: RunContext, state: RunState, jobs: Sequence[JudgedJob], done: Reconciled, named: Mapping[str, list[str]]
) -> NewStep:
    number = max((job.record.round_number for job in jobs), default=state.rounds)
    failed = by_class(pa.concat_tables([job.verdicts for job in jobs]), FAILED) if jobs else []
    scored, dead = (rows_in_state(done.leaves, how) for how in (SCORED, DEAD))
    given_up = f", {dead:,} dead" if dead else ""
    ctx.tell("reconcile", f"round {number}: {counted(scored, 'row')} scored{given_up}")
    for entry in failed:
        ctx.tell("reconcile", f"round {number}: {sentence(entry)}")
    if done.trials.run.failed >= 1:
        ctx.tell("reconcile", f"round {number}: {done.trials.run.words}")
    payload = {
        **named,
        "scored_rows": scored,
        "dead_rows": dead,
        "probe": done.probe,
        "stop": list(done.stop),
        "misread": done.misread,
        "unread": done.unread,
        "broken": done.broken,
        "trials": done.trials.known(),
        "failed": failed,
        "round": done.round_number or state.rounds,
    }
    parts: list[pa.Table] = [done.leaves, done.open]
    return NewStep(StepKind.RECONCILED, payload, tuple(ctx.ledger.write_part(part) for part in parts))


def _has_schema(state: RunState) -> bool:
    return bool(state.staged and state.staged.answers)


def _judged(ctx: RunContext, state: RunState, job: JobRecord) -> JudgedJob:
    assert job.verdicts is not None
    other_type = type_after(state, type_of(job)) is not None
    return JudgedJob(job, ctx.ledger.read_part(job.spans), ctx.ledger.read_part(job.verdicts), other_type)


def give_up(ctx: RunContext, state: RunState, action: act.GiveUp) -> NewStep:
    """Ends the run: another round would end alike, or somebody else stopped a job.

    Raises:
        ServiceFailure: always; a driver that resumes the run tries again.
    """
    last = state.last_round
    spans = (last.open_spans if last else 0) or sum(job.spans.rows for job in state.unsettled)
    if last is not None and last.misread:
        # The emulated S3 ends with this process.
        kept = "" if ctx.config.ephemeral else ". The answers are kept, and nothing is paid for twice"
        raise AnswersMisread(f"nothing is published: {'; '.join(action.reasons)}{kept}")
    if last is not None and last.unread:
        raise ServiceFailure(
            f"nothing is published: {'; '.join(action.reasons)}. If prediction.schema or prediction.format is not the "
            "model's, set it and start the run again: the answers are kept, and nothing is paid for twice. Started "
            "again as it is, the run sends the same objects to the model once more"
        )
    is_any_scored = any(settled.scored_rows for settled in state.round_records)
    words = (
        f"{counted(spans, 'object')} {verb(spans, 'is', 'are')} not scored after {counted(state.rounds, 'round')}; "
        f"nothing is published{', what was scored is kept' if is_any_scored else ''}; "
        f"{'; '.join(action.reasons)}.{_of_a_start(ctx, state)}"
    )
    if last is not None and last.broken and not ctx.config.ephemeral:
        raise ServiceFailure(f"{words} {_NEEDS_ANOTHER_NAME}", ways=_ways_where_nothing_is_scored(ctx))
    raise ServiceFailure(f"{words} Start the run again to try once more{_on_another_type(ctx, last)}")


_NEEDS_ANOTHER_NAME = (
    "Once the model is mended, start the run again; with another `record`, `input` or transform.environment, which is "
    "what was sent, it is another run and needs another run_id"
)


def _ways_where_nothing_is_scored(ctx: RunContext) -> list[str]:
    another = as_another_run(ctx.run_id, takes_frame=ctx.config.takes_frame)
    return [
        f"Once the model is mended, to try once more: {once_more(ctx)}",
        f"Once `record` or what else is sent is mended, as another run: {another}",
    ]


def _of_a_start(ctx: RunContext, state: RunState) -> str:
    """What a container wrote before it failed to start: that says why. Only of one that never saw a row."""
    job = next((job for job in reversed(state.jobs) if quotes_no_row(job)), None)
    words = ctx.last_words(job.name) if job else ()
    return f" The last that its container wrote: {' | '.join(words)}." if words else ""


def _on_another_type(ctx: RunContext, last: RoundRecord | None) -> str:
    """What the service itself advises for want of memory or capacity, as a command."""
    failed = {entry["class"] for entry in last.failed} if last else set()
    if not failed & {ErrorClass.OUT_OF_MEMORY.value, ErrorClass.CAPACITY.value}:
        return ""
    return f", or on another instance type, which sends only what is not scored: {on_another_type(ctx)}"
