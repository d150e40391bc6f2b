"""Handler of the beginning of a round: which spans are sent, in which jobs."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core import actions as act
from batch_transform.core import rounds
from batch_transform.core.instance_types import chosen_type, lacks_in_a_row
from batch_transform.core.isolation import OPEN_SCHEMA, reopened
from batch_transform.core.limits import BYTES_PER_MB
from batch_transform.core.naming import job_name, witness_name
from batch_transform.core.object_rules import headroom
from batch_transform.core.part_objects import first_record
from batch_transform.core.planning import LanePlan, one_job, plan_lanes, with_payload_that_fits
from batch_transform.core.records import JobRecord, RoundRecord, RunState
from batch_transform.core.request import manifest, transform_request
from batch_transform.core.spans import SPAN_SCHEMA, UNSENDABLE, conformed
from batch_transform.core.verdicts import SCORED
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.handlers.back_off import back_off
from batch_transform.pipeline.mending import sound
from batch_transform.pipeline.outcome import Outcome


@dataclass(frozen=True)
class _Round:
    """The spans that a round sends (SPAN_SCHEMA) and those that it leaves (OPEN_SCHEMA)."""

    send: pa.Table
    waiting: pa.Table
    is_probe: bool


def plan_round(ctx: RunContext, state: RunState, action: act.Plan) -> Outcome:
    """Returns the step `planned`: the round's jobs, each with its whole request, before any is created."""
    if ctx.waits and (lacks := lacks_in_a_row(state)):
        back_off(ctx, lacks - 1)
    last = state.last_round
    now = _first_round(ctx, state) if last is None else _next_round(ctx, state, last)
    lanes = _lanes(ctx, state, now.send)
    kind, jobs, parts = chosen_type(state), [], []
    for index, lane in enumerate(lanes):
        name = job_name(state.run_id, state.nonce, state.rounds + 1, lane.lane, index, 1)
        witness = _witness(ctx, state, lane)
        request = _request(ctx, name, lane, witness, kind)
        jobs.append(
            {"name": name, "round": state.rounds + 1, "lane": lane.lane, "request": request, "witness": witness}
        )
        parts.append(ctx.ledger.write_part(lane.spans))
        ctx.tell("plan", _described(ctx, name, lane, kind))
    parts.append(ctx.ledger.write_part(now.waiting))
    at = ctx.clock.now().isoformat()
    return Outcome("planned", {"jobs": jobs, "probe": now.is_probe, "at": at}, tuple(parts))


def plan_anew(ctx: RunContext, state: RunState, job: JobRecord, kind: str) -> Outcome:
    """Returns the step `replanned`: another request, by another name, for the spans of a job that was never created.

    Args:
        ctx: of the run.
        state: the run.
        job: that one; the service does not know it.
        kind: the instance type to ask for.
    """
    spans = conformed(ctx.ledger.read_part(job.spans), SPAN_SCHEMA)
    lane = one_job(_lanes(ctx, state, spans), spans)
    name = job_name(state.run_id, state.nonce, job.round_number, job.lane, state.round_jobs.index(job), job.attempt + 1)
    request = _request(ctx, name, lane, job.witness, kind)
    ctx.tell("plan", f"instead of {job.name} {_described(ctx, name, lane, kind)}")
    payload = {"job": job.name, "name": name, "attempt": job.attempt + 1, "request": request}
    return Outcome("replanned", {**payload, "at": ctx.clock.now().isoformat()})


def _lanes(ctx: RunContext, state: RunState, spans: pa.Table) -> list[LanePlan]:
    transform = ctx.config.transform
    settings = transform.max_payload_mb, transform.max_concurrent_transforms
    fitting = with_payload_that_fits(spans, *settings, state.framing)
    return plan_lanes(fitting, *settings, state.framing, headroom(state.config))


def _first_round(ctx: RunContext, state: RunState) -> _Round:
    assert state.spans is not None
    spans = conformed(ctx.ledger.read_part(state.spans), SPAN_SCHEMA)
    sendable = spans.filter(pc.not_equal(spans["lane"], UNSENDABLE))
    return _Round(sendable, OPEN_SCHEMA.empty_table(), is_probe=False)


def _next_round(ctx: RunContext, state: RunState, last: RoundRecord) -> _Round:
    assert last.open is not None
    left = conformed(ctx.ledger.read_part(last.open), OPEN_SCHEMA)
    if last.resumed:
        left = reopened(left)
    # Whoever resumes means to try everything again.
    probe = last.probe_next and not last.resumed
    good = sum(r.scored_rows for r in state.round_records)
    bad = sum(r.dead_rows - r.retried_rows for r in state.round_records)
    plan = rounds.plan_round(left, probe=probe, good_rows=good, bad_rows=bad)
    sent, waiting = rounds.children(left, ctx.objects.cut(plan.cuts, state.framing))
    send, waiting = pa.concat_tables([plan.as_they_are, sent]), pa.concat_tables([plan.waiting, waiting])
    rounds.check_replaced(left, send, waiting)
    what = "single rows, to tell a broken model from bad rows" if probe else "objects of what failed"
    ctx.tell("isolate", f"round {state.rounds + 1}: {send.num_rows:,} {what}")
    return _Round(send, waiting, probe)


def _described(ctx: RunContext, name: str, lane: LanePlan, kind: str) -> str:
    limits = lane.throughput
    payload, concurrent = limits.max_payload_mb or "model", limits.max_concurrent_transforms or "model"
    where = f"{ctx.config.transform.instance_count} x {kind}"
    return f"{name}: {lane.spans.num_rows:,} objects on {where}, payload {payload} MB, {concurrent} at once on each"


def _witness(ctx: RunContext, state: RunState, lane: LanePlan) -> str | None:
    """The name of a copy of one scored record, for a job that may otherwise score nothing.

    Its answer is no row's: it only tells whether the model works while single rows fail for the second time.
    """
    spans = lane.spans
    failed_before = pc.greater(pc.add(spans["alone"], spans["repeats"]), 0)
    single = pc.equal(pc.subtract(spans["stop"], spans["start"]), 1)
    if not pc.any(pc.and_(failed_before, single)).as_py():
        return None
    scored = _smallest_scored(ctx, state)
    limit, framing = lane.throughput.max_payload_mb, state.framing
    if scored is None or (limit is not None and len(framing.header) + scored["largest"] > limit * BYTES_PER_MB):
        return None
    name = witness_name(uuid.uuid4().hex[:16], framing.suffix)
    scored = sound(ctx, state, scored)
    record = first_record(ctx.store, ctx.places.input.join(scored["object"]), scored["largest"], framing)
    ctx.store.put(ctx.places.input.join(name), record)
    return name


def _smallest_scored(ctx: RunContext, state: RunState) -> dict[str, Any] | None:
    """A span that was scored from its first line on: of the first job with any, the one with the smallest records."""
    for job in state.jobs:
        if job.verdicts is None:
            continue
        verdicts, spans = ctx.ledger.read_part(job.verdicts), ctx.ledger.read_part(job.spans)
        scored = verdicts.filter(pc.and_(pc.equal(verdicts["state"], SCORED), pc.equal(verdicts["line"], 0)))
        found = spans.filter(pc.is_in(spans["start"], value_set=scored["start"].combine_chunks()))
        if found.num_rows:
            best: dict[str, Any] = found.sort_by("largest").slice(0, 1).to_pylist()[0]
            return best
    return None


def _request(ctx: RunContext, name: str, lane: LanePlan, witness: str | None, kind: str) -> dict[str, object]:
    """Writes the job's manifest, under a random name, and makes its request."""
    listed = ctx.uri("manifests", f"{name}-{uuid.uuid4().hex[:8]}.json")
    names = [*lane.spans["object"].to_pylist(), *([witness] if witness else [])]
    ctx.store.put(listed, manifest(ctx.places.input, names))
    document = json.loads(json.dumps(ctx.config.to_document()))
    output = ctx.places.outputs.join(name)
    return transform_request(name, document, ctx.config.record.media_type, listed, output, lane.throughput, kind)
