"""Handlers of the steps before any job: stage, export, plan."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core import actions as act
from batch_transform.core.cutting import CuttingRules
from batch_transform.core.naming import job_name
from batch_transform.core.planning import LanePlan, plan_lanes, standard_payload_mb
from batch_transform.core.records import JobRecord, RunState
from batch_transform.core.request import manifest, transform_request
from batch_transform.core.sizing import object_bytes, oversize_bytes
from batch_transform.core.spans import UNSENDABLE, check_tiling
from batch_transform.core.verdicts import RETRY
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.outcome import Outcome
from batch_transform.spark.export import export
from batch_transform.spark.reading import has_large_rows
from batch_transform.spark.staging import stage

# Formats whose files tell their rows without being read.
_COLUMNAR = ("parquet", "delta", "orc")


def stage_rows(ctx: RunContext, state: RunState, action: act.Stage) -> Outcome:
    """Returns the step `staged`."""
    target = f"{ctx.places.scratch}/staging/{ctx.writer}"
    source, given = ctx.source, ctx.config.input
    is_columnar = source.is_scan and given is not None and (given.format in _COLUMNAR or given.table is not None)
    large = is_columnar and has_large_rows(source.df)
    staged = stage(source.df, ctx.columns, target, is_scan=source.is_scan, rows_are_large=large)
    ctx.tell("stage", f"{staged.rows:,} rows in {len(staged.files)} staged files")
    return Outcome("staged", {"files": [asdict(file) for file in staged.files], "schema": staged.schema_json})


def export_rows(ctx: RunContext, state: RunState, action: act.Export) -> Outcome:
    """Returns the step `exported`, with the spans as its part; checks that they tile the staged files."""
    assert state.staged is not None
    transform = ctx.config.transform
    payload = standard_payload_mb(transform.max_payload_mb, transform.max_concurrent_transforms)
    rules = CuttingRules(
        object_bytes(state.staged.json_bytes, transform.instance_count, payload), oversize_bytes(payload)
    )
    spans = export(ctx.spark, state.staged, ctx.columns, rules, ctx.places.input, ctx.connect)
    check_tiling(state.staged.files, spans)
    size = pc.sum(spans["bytes"]).as_py() or 0
    objects = spans.num_rows - spans["object"].null_count
    ctx.tell("export", f"{objects:,} JSON Lines objects, {size / 1e6:,.1f} MB")
    return Outcome("exported", {"objects": objects, "bytes": size}, (ctx.ledger.write_part(spans),))


def plan_round(ctx: RunContext, state: RunState, action: act.Plan) -> Outcome:
    """Returns the step `planned`: the round's jobs, each with its whole request, before any is created."""
    spans = _spans_to_send(ctx, state)
    transform = ctx.config.transform
    lanes = plan_lanes(spans, transform.max_payload_mb, transform.max_concurrent_transforms)
    jobs, parts = [], []
    for index, lane in enumerate(lanes):
        name = job_name(state.run_id, state.nonce, state.rounds + 1, lane.lane, index, 1)
        jobs.append({"name": name, "round": state.rounds + 1, "lane": lane.lane, "request": _request(ctx, name, lane)})
        parts.append(ctx.ledger.write_part(lane.spans))
        ctx.tell("plan", _described(ctx, name, lane))
    return Outcome("planned", {"jobs": jobs}, tuple(parts))


def _described(ctx: RunContext, name: str, lane: LanePlan) -> str:
    transform, limits = ctx.config.transform, lane.throughput
    payload, concurrent = limits.max_payload_mb or "model", limits.max_concurrent_transforms or "model"
    where = f"{transform.instance_count} x {transform.instance_type}"
    return f"{name}: {lane.spans.num_rows:,} objects on {where}, payload {payload} MB, {concurrent} at once on each"


def _spans_to_send(ctx: RunContext, state: RunState) -> pa.Table:
    assert state.spans is not None
    if state.jobs:
        return pa.concat_tables([_spans_to_retry(ctx, job) for job in state.jobs if job.round_number == state.rounds])
    spans = ctx.ledger.read_part(state.spans)
    return spans.filter(pc.not_equal(spans["lane"], UNSENDABLE))


def _spans_to_retry(ctx: RunContext, job: JobRecord) -> pa.Table:
    assert job.verdicts is not None
    spans, leaves = ctx.ledger.read_part(job.spans), ctx.ledger.read_part(job.verdicts)
    starts = leaves.filter(pc.equal(leaves["state"], RETRY))["start"]
    return spans.filter(pc.is_in(spans["start"], value_set=starts.combine_chunks()))


def _request(ctx: RunContext, name: str, lane: LanePlan) -> dict[str, object]:
    """Writes the job's manifest, under a random name, and makes its request."""
    listed = ctx.uri("manifests", f"{name}-{uuid.uuid4().hex[:8]}.json")
    ctx.store.put(listed, manifest(ctx.places.input, lane.spans["object"].to_pylist()))
    document = json.loads(json.dumps(ctx.config.to_document()))
    output = ctx.places.outputs.join(name)
    return transform_request(name, document, ctx.config.record.media_type, listed, output, lane.throughput)
