"""A run's spans as its ledger has them, and the objects that are written for some of them once more."""

from __future__ import annotations

import uuid

import pyarrow as pa

from batch_transform.core.isolation.open_spans import OPEN_SCHEMA
from batch_transform.core.resuming import repair
from batch_transform.core.round_record import RoundRecord
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.spans import SPAN_SCHEMA, conformed
from batch_transform.pipeline.context import RunContext
from batch_transform.records.registry import run_framing


def spans_of(ctx: RunContext, job: JobRecord) -> pa.Table:
    """Returns the spans (SPAN_SCHEMA) of a job."""
    return conformed(ctx.ledger.read_part(job.spans), SPAN_SCHEMA)


def open_spans(ctx: RunContext, last: RoundRecord) -> pa.Table:
    """Returns the spans (OPEN_SCHEMA) that a round has left open."""
    assert last.open is not None
    return conformed(ctx.ledger.read_part(last.open), OPEN_SCHEMA)


def exported_again(ctx: RunContext, state: RunState, spans: pa.Table, chosen: pa.Table) -> pa.Table:
    """Returns spans of which the chosen ones have an object of their own each now, written from the staged rows."""
    assert state.staged is not None
    orders = repair.under_new_names(chosen, uuid.uuid4().hex[:16], run_framing(state).suffix)
    return repair.placed(spans, orders, ctx.tables.export_again(state.staged, orders))
