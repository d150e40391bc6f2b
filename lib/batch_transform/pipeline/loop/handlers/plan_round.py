"""Handler of a plan: which spans are sent, in which jobs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.amounts import counted
from batch_transform.core.isolation import rounds
from batch_transform.core.isolation.failure_summary import what_is_sent
from batch_transform.core.isolation.observed_failures import known_so_far
from batch_transform.core.isolation.open_spans import OPEN_SCHEMA, check_replaced
from batch_transform.core.isolation.reconciling import reopened
from batch_transform.core.isolation.single_row_tries import Lane
from batch_transform.core.ledger import NewStep, StepKind
from batch_transform.core.object_names import job_name
from batch_transform.core.round_record import RoundRecord
from batch_transform.core.run_settings import INSTANCES, JOBS, RunSettings
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.secret_values import sealed
from batch_transform.core.sending.instances import (
    chosen_type,
    helped,
    instances_of,
    lacks_in_a_row,
    lanes_timed_out,
    lanes_under_load,
    price_of,
)
from batch_transform.core.sending.job_planning import (
    LanePlan,
    busy_share_of,
    one_job,
    plan_lanes,
    spread_out,
    with_payload_that_fits,
)
from batch_transform.core.sending.job_request import job_settings
from batch_transform.core.sending.manifests import manifest, sent_names
from batch_transform.core.sending.object_sizes import headroom
from batch_transform.core.sending.seen_speed import as_slow_as_seen
from batch_transform.core.service_shapes import TransformJobRequest
from batch_transform.core.spans import SPAN_SCHEMA, UNSENDABLE, conformed
from batch_transform.core.state import actions as act
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.loop.tools.bounds import back_off, require_estimate
from batch_transform.pipeline.loop.tools.controls import write_controls
from batch_transform.pipeline.loop.tools.recorded_spans import open_spans, spans_of
from batch_transform.records.registry import run_framing


@dataclass(frozen=True)
class _Round:
    """The spans that a round sends (SPAN_SCHEMA) and those that it leaves (OPEN_SCHEMA).

    Attributes:
        controls: how many go beside the spans of a lane and payload.
        may_be_load: lanes of which something failed that may pass with fewer requests at a time.
        timed_out: lanes of which a request took as long as it may.
    """

    send: pa.Table
    waiting: pa.Table
    is_probe: bool
    controls: Mapping[Lane, int] = field(default_factory=dict)
    may_be_load: frozenset[str] = frozenset()
    timed_out: frozenset[str] = frozenset()


def plan_round(ctx: RunContext, state: RunState, action: act.Plan) -> NewStep:
    """Returns the step `planned`: jobs of a round, each with its whole request, before any of them is created."""
    if ctx.waits and (lacks := lacks_in_a_row(state)):
        back_off(ctx, lacks - 1)
    last = state.last_round
    now = _first_round(ctx, state) if last is None else _next_round(ctx, state, last)
    at_work = sum(map(instances_of, state.in_flight))
    unspread, kind = _lanes(ctx, state, now.send), chosen_type(state)
    if last is None:
        require_estimate(ctx, state, unspread, kind)
    lanes = spread_out(unspread, as_slow_as_seen(state.settings.transform, state), at_work)
    number, jobs, parts = state.next_round, [], []
    for index, lane in enumerate(lanes, start=len(_of_round(state, number))):
        name = job_name(state.run_id, state.nonce, number, lane.lane, index, 1)
        controls = write_controls(ctx, state, lane, now.controls)
        is_helped, is_retried = lane.lane in now.may_be_load, lane.lane not in now.timed_out
        asked = _asked(ctx, state)
        request = _request(ctx, name, lane, [*controls], asked, kind, is_helped=is_helped, is_retried=is_retried)
        job = {"name": name, "round": number, "lane": lane.lane, "request": request}
        busy = busy_share_of(lane.spans, request["TransformResources"]["InstanceCount"])
        pinned = {"controls": [*controls], "control_etags": [*controls.values()]}
        told = {"busy_share": busy, "price_per_hour": price_of(kind, state.settings.transform, ctx.region)}
        sent = pc.sum(lane.spans["bytes"]).as_py() or 0
        jobs.append({**job, **pinned, "is_helped": is_helped, **told, "bytes": sent})
        parts.append(ctx.ledger.write_part(lane.spans))
        ctx.tell("plan", _described(name, lane, request))
    if len(lanes) > 1:  # where a step has one line, the last job's would be taken for all
        objects = counted(sum(lane.spans.num_rows for lane in lanes), "object")
        ctx.tell("plan", f"round {number}: {counted(len(lanes), 'job')} with {objects} in all, on {kind}")
    parts.append(ctx.ledger.write_part(now.waiting))
    at = ctx.clock.now().isoformat()
    return NewStep(StepKind.PLANNED, {"jobs": jobs, "probe": now.is_probe, "at": at}, tuple(parts))


def plan_anew(ctx: RunContext, state: RunState, job: JobRecord, kind: str, beyond: str | None = None) -> NewStep:
    """Returns the step `replanned`: another request, by another name, for the spans of a job that was never created.

    Args:
        ctx: of the run.
        state: the run.
        job: that one; the service does not know it.
        kind: the instance type to ask for.
        beyond: the one that was asked for, if its quota is less than that.
    """
    spans = spans_of(ctx, job)
    lane = one_job(_lanes(ctx, state, spans), spans)
    number = job.round_number
    place = _of_round(state, number).index(job)
    name = job_name(state.run_id, state.nonce, number, job.lane, place, job.attempt + 1)
    asked = _asked(ctx, state)
    if asked.transform.spread == JOBS and instances_of(job) > 1:  # all of its spans are one job still
        asked = replace(asked, transform=replace(asked.transform, spread=INSTANCES))
    is_retried = bool(job.request.get("ModelClientConfig", {}).get("InvocationsMaxRetries"))
    request = _request(ctx, name, lane, job.controls, asked, kind, is_helped=job.is_helped, is_retried=is_retried)
    ctx.tell("plan", f"instead of {job.name} {_described(name, lane, request)}")
    busy = busy_share_of(lane.spans, request["TransformResources"]["InstanceCount"])
    price = price_of(kind, state.settings.transform, ctx.region)
    anew = {"name": name, "attempt": job.attempt + 1, "request": request, "busy_share": busy, "price_per_hour": price}
    # Without its time: another name for a job is no end of the wait for it.
    return NewStep(StepKind.REPLANNED, {"job": job.name, **anew, **({"beyond": beyond} if beyond else {})})


def _of_round(state: RunState, number: int) -> list[JobRecord]:
    """The jobs of a round, of whichever plan: a job is numbered among them."""
    return [job for job in state.jobs if job.round_number == number]


def _lanes(ctx: RunContext, state: RunState, spans: pa.Table) -> list[LanePlan]:
    transform = ctx.config.transform
    settings = transform.max_payload_mb, transform.max_concurrent_transforms
    fitting = with_payload_that_fits(spans, *settings, run_framing(state))
    return plan_lanes(fitting, *settings, run_framing(state), headroom(state.settings.transform))


def _asked(ctx: RunContext, state: RunState) -> RunSettings:
    """What jobs are asked for; how they are spread is the run's to say, which an earlier version may have begun."""
    # The ledger holds the request, so its secrets are filled in when it is sent.
    settings = RunSettings.of(sealed(ctx.config.to_document(), state.nonce))
    return replace(settings, transform=replace(settings.transform, spread=state.settings.transform.spread))


def _first_round(ctx: RunContext, state: RunState) -> _Round:
    assert state.spans is not None
    spans = conformed(ctx.ledger.read_part(state.spans), SPAN_SCHEMA)
    sendable = spans.filter(pc.not_equal(spans["lane"], UNSENDABLE))
    return _Round(sendable, OPEN_SCHEMA.empty_table(), is_probe=False)


def _next_round(ctx: RunContext, state: RunState, last: RoundRecord) -> _Round:
    left = open_spans(ctx, last)
    good = sum(r.scored_rows for r in state.round_records)
    if last.resumed:
        left = reopened(left, suspects_model=not good and (last.is_probe or last.probe_next))
    # Whoever resumes means to try everything again.
    probe = last.probe_next and not last.resumed
    bad = sum(r.dead_rows - r.retried_rows for r in state.round_records)
    known = known_so_far(state, good, bad, ctx.config.errors.most(state.staged.rows if state.staged else 0))
    plan = rounds.plan_round(left, probe=probe, good_rows=good, bad_rows=bad, known=known)
    sent, waiting = rounds.children(left, ctx.objects.cut(plan.cuts, run_framing(state)))
    send, waiting = pa.concat_tables([plan.as_they_are, sent]), pa.concat_tables([plan.waiting, waiting])
    check_replaced(left, send, waiting)
    again, cut = plan.as_they_are.num_rows, len(plan.cuts["object"].unique())
    what = what_is_sent(again, cut, send.num_rows - again, is_probe=probe)
    ctx.tell("isolate", f"round {state.next_round}: {what}")
    return _Round(send, waiting, probe, plan.controls, lanes_under_load(left), lanes_timed_out(left))


def _described(name: str, lane: LanePlan, request: TransformJobRequest) -> str:
    limits, resources = lane.throughput, request["TransformResources"]
    payload, concurrent = limits.max_payload_mb or "model", limits.max_concurrent_transforms or "model"
    where = f"{resources['InstanceCount']} x {resources['InstanceType']}"
    return (
        f"{name}: {counted(lane.spans.num_rows, 'object')} on {where}, payload {payload} MB, {concurrent} at once on "
        "each"
    )


def _request(
    ctx: RunContext,
    name: str,
    lane: LanePlan,
    controls: Sequence[str],
    settings: RunSettings,
    kind: str,
    *,
    is_helped: bool,
    is_retried: bool,
) -> TransformJobRequest:
    """Writes the job's manifest, under a random name, and makes its request."""
    listed = ctx.places.layout.manifest(f"{name}-{uuid.uuid4().hex[:8]}")
    ctx.store.put(listed, b"".join(manifest(ctx.places.layout.input, sent_names(lane.spans, controls))))
    limits, transform = helped(lane.throughput, settings.transform, is_helped=is_helped, is_retried=is_retried)
    output = ctx.places.layout.outputs.join(name)
    asked = replace(settings, transform=transform)
    return ctx.jobs.request(job_settings(name, asked, ctx.config.record.media_type, listed, output, limits, kind))
