"""What is hurt and can be derived is made again: input objects, controls, manifests, and before any job staged rows."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.errors import RowsLost
from batch_transform.core.ledger import NewStep, StepKind
from batch_transform.core.object_store import ObjectNotFound
from batch_transform.core.publishing.forgetting import rows_are_lost
from batch_transform.core.resuming import altered_objects, repair
from batch_transform.core.resuming.altered_objects import Hurt
from batch_transform.core.resuming.resumed_run import is_commit
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.sending.manifests import is_same, manifest, sent_names
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.loop.lost_outputs import is_committed, listing, tell
from batch_transform.pipeline.loop.tools.controls import control_records
from batch_transform.pipeline.loop.tools.recorded_spans import exported_again, open_spans
from batch_transform.pipeline.tables.staged_files import hurt_files
from batch_transform.records.registry import run_framing


def mend_open_spans(ctx: RunContext, state: RunState) -> NewStep | None:
    """Returns the step once spans that are to be sent or cut have objects of their own where theirs are hurt."""
    last = state.last_round
    if last is None or last.open is None:
        return None
    left, there = open_spans(ctx, last), listing(ctx, ctx.places.layout.input)
    broken = altered_objects.hurt(altered_objects.input_pins(left, run_framing(state)), there)
    if not broken.names:
        return None
    tell(ctx, broken, "input object", "exported again")
    chosen = left.filter(repair.in_objects(left, broken.names))
    part = ctx.ledger.write_part(exported_again(ctx, state, left, chosen))
    return NewStep(StepKind.MENDED, {"objects": chosen.num_rows}, (part,))


def mend_inputs_of(ctx: RunContext, state: RunState, job: JobRecord, spans: pa.Table, broken: Hurt) -> NewStep:
    """Returns the step once a job's objects are written again, under the names that its request has."""
    assert state.staged is not None
    tell(ctx, broken, "input object", "exported again")
    orders = repair.under_their_names(
        spans.filter(pc.is_in(spans["object"], value_set=pa.array(sorted(broken.names), pa.string())))
    )
    copies = repair.copies_of(spans, broken.names)
    made = ctx.tables.export_again(state.staged, pa.concat_tables([orders, copies]))
    own = made.filter(pc.is_in(made["object"], value_set=orders["object"].combine_chunks()))
    mended = repair.placed(spans, orders, own)
    part = ctx.ledger.write_part(repair.with_copies(mended, made) if copies.num_rows else mended)
    return NewStep(StepKind.MENDED, {"job": job.name, "objects": orders.num_rows + copies.num_rows}, (part,))


def mend_controls(ctx: RunContext, state: RunState, job: JobRecord, broken: Hurt) -> NewStep | None:
    """Returns the step once controls are written again, of whatever records were scored; None: there are none.

    A control that was altered may be no good request any more, and one that fails would tell of a flaky model.
    """
    hurt = sorted(broken.names)
    records = list(control_records(ctx, state, np.inf, len(hurt)))
    if not records:
        return None
    tell(ctx, broken, "control", "written again")
    pairs = zip(hurt, itertools.cycle(records), strict=False)
    etags = dict(zip(job.controls, job.control_etags, strict=False))
    etags |= {name: ctx.store.put(ctx.places.layout.input.join(name), record) for name, record in pairs}
    told = [etags[name] for name in job.controls] if len(etags) == len(job.controls) else []
    return NewStep(StepKind.MENDED, {"job": job.name, "control_etags": told}, (job.spans,))


def mend_manifest(ctx: RunContext, job: JobRecord, spans: pa.Table) -> None:
    """Writes a job's manifest where it is not as it was: the request names it, and the ledger what it holds."""
    place = S3Uri.parse(job.request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"])
    try:
        found = ctx.store.open_stream(place).chunks
        if is_same(found, manifest(ctx.places.layout.input, sent_names(spans, job.controls))):
            return
    except ObjectNotFound:
        pass
    ctx.tell("mend", f"{place} is gone or altered: written again")
    ctx.store.put(place, b"".join(manifest(ctx.places.layout.input, sent_names(spans, job.controls))))


def unstage_lost_rows(ctx: RunContext, state: RunState) -> NewStep | None:
    """Returns the step by which the input is staged again, if staged rows are lost and no job is planned over them.

    Raises:
        RowsLost: a job is planned.
    """
    merged = state.publication is not None and not is_commit(state.publication)
    if state.staged is None or merged or state.published is not None:
        return None
    broken = hurt_files(state.staged.files, ctx.open_tree)
    if not broken.names or (state.publication is not None and is_committed(ctx, state)):
        return None
    if state.last_round is not None:
        answers = next(iter(ctx.store.list(ctx.places.layout.outputs)), None) is not None
        raise RowsLost(rows_are_lost(state, sorted(broken.names), ctx.places.layout, answers=answers))
    tell(ctx, broken, "staged file", "no job was planned yet, so the input is staged again")
    return NewStep(StepKind.UNSTAGED, {"files": len(broken.names)})
