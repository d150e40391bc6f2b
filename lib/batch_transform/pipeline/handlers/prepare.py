"""Handlers of the steps before any round: stage, export."""

from __future__ import annotations

from dataclasses import asdict

import pyarrow.compute as pc

from batch_transform.core import actions as act
from batch_transform.core.cutting import CuttingRules
from batch_transform.core.planning import standard_payload_mb
from batch_transform.core.records import RunState
from batch_transform.core.sizing import object_bytes, oversize_bytes
from batch_transform.core.spans import check_tiling
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.outcome import Outcome


def stage_rows(ctx: RunContext, state: RunState, action: act.Stage) -> Outcome:
    """Returns the step `staged`."""
    staged = ctx.tables.stage()
    ctx.tell("stage", f"{staged.rows:,} rows in {len(staged.files)} staged files")
    files = [asdict(file) for file in staged.files]
    return Outcome("staged", {"files": files, "schema": staged.schema_json, "answers": staged.answers})


def export_rows(ctx: RunContext, state: RunState, action: act.Export) -> Outcome:
    """Returns the step `exported`, with the spans as its part; checks that they tile the staged files."""
    assert state.staged is not None
    transform = ctx.config.transform
    payload = standard_payload_mb(transform.max_payload_mb, transform.max_concurrent_transforms)
    rules = CuttingRules(
        object_bytes(state.staged.json_bytes, transform.instance_count, payload), oversize_bytes(payload)
    )
    spans = ctx.tables.export(state.staged, rules)
    check_tiling(state.staged.files, spans)
    size = pc.sum(spans["bytes"]).as_py() or 0
    objects = spans.num_rows - spans["object"].null_count
    ctx.tell("export", f"{objects:,} JSON Lines objects, {size / 1e6:,.1f} MB")
    return Outcome("exported", {"objects": objects, "bytes": size}, (ctx.ledger.write_part(spans),))
