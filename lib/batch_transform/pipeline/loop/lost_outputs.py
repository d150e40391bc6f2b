"""Looks whether outputs and merged files are as they were counted, before they are read for the last time.

What is not is scored or merged again; but what is committed already holds, whatever became of the
outputs that it was read from.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.amounts import counted, verb
from batch_transform.core.isolation.verdict_rows import DEAD, LEAF_SCHEMA
from batch_transform.core.isolation.verdicts import rows_in_state
from batch_transform.core.ledger import NewStep, StepKind
from batch_transform.core.publishing.file_publication import recorded_publications
from batch_transform.core.resuming import altered_objects, committed_tables, repair
from batch_transform.core.resuming.altered_objects import Hurt
from batch_transform.core.resuming.resumed_run import is_commit
from batch_transform.core.run_state import RunState
from batch_transform.core.spans import conformed, row_count
from batch_transform.core.state import actions as act
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.copying import missing
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.loop.tools.recorded_spans import exported_again, spans_of
from batch_transform.pipeline.loop.tools.settled import held_leaves


def listing(ctx: RunContext, folder: S3Uri) -> pa.Table:
    """Returns what lies in a folder (altered_objects.FOUND_SCHEMA)."""
    return altered_objects.found_below(folder.prefix, ctx.store.list(folder))


def tell(ctx: RunContext, broken: Hurt, what: str, done: str) -> None:
    """Tells that some of what is named, as one of it is called, is gone or altered, and what is done about it."""
    gone, altered = len(broken.gone), len(broken.altered)
    ctx.tell("mend", f"{counted(gone, what)} {verb(gone, 'is', 'are')} gone and {altered:,} altered: {done}")


def gated_leaves(ctx: RunContext, state: RunState) -> pa.Table:
    """Returns the leaves (LEAF_SCHEMA) that the gate has proven."""
    assert state.gate is not None
    return conformed(ctx.ledger.read_part(state.gate.parts[0]), LEAF_SCHEMA)


def unscored(ctx: RunContext, state: RunState, leaves: pa.Table) -> NewStep | None:
    """Outputs that are not what was counted are believed no more, whatever they hold: their rows are open again.

    But for rows in committed dead letters: they stay dead, and where no other row was read from an output, it is not
    needed any more.
    """
    found = listing(ctx, ctx.places.layout.outputs)
    broken = altered_objects.hurt(altered_objects.output_pins(leaves), found)
    if not broken.names:
        if state.gate is None:  # all is settled, and it is told once
            _tell_late(ctx, leaves, found)
        return None
    read = altered_objects.read_from(leaves, broken.names)
    held = _held(ctx, state, leaves)
    if held is not None:
        read = read.filter(pc.invert(committed_tables.is_held(read, held)))
        if not read.num_rows:
            return None
    lost = altered_objects.outputs_of(read)
    left = repair.reopened_spans(read, lambda job: spans_of(ctx, state.job(job)))
    without = left.filter(pc.is_null(left["object"]))
    if without.num_rows:
        left = exported_again(ctx, state, left, without)
    tell(ctx, broken, "output", f"{counted(row_count(left), 'row')} to be scored again")
    payload = {"outputs": lost.num_rows, "rows": row_count(left), "dead": rows_in_state(read, DEAD)}
    parts = [ctx.ledger.write_part(lost), ctx.ledger.write_part(left)]
    if held is not None:
        payload |= {"commits": _commits(state, held), "held": row_count(held)}
        parts.append(ctx.ledger.write_part(held))
    return NewStep(StepKind.UNSCORED, payload, tuple(parts))


def _tell_late(ctx: RunContext, leaves: pa.Table, found: pa.Table) -> None:
    """Tells of outputs that came once their job was judged: a verdict is given once, and they are not used.

    When that was the step tells by the store's own clock, as each of the outputs does.
    """
    if not altered_objects.unread(leaves, found).num_rows:
        return
    layout = ctx.places.layout
    put = {info.key: info.last_modified for info in ctx.store.list(layout.ledger)}
    steps = [(step, layout.step(step.number).key) for step in ctx.ledger.steps if step.kind == StepKind.JOB_JUDGED]
    judged_at = {step.payload["job"]: put[key] for step, key in steps if key in put}
    if names := altered_objects.late(leaves, found, judged_at):
        came = f"{counted(len(names), 'output')} came after the job was judged, and {verb(len(names), 'is', 'are')}"
        ctx.tell("gate", f"{came} not used; first: {layout.outputs.join(names[0])}")


def _held(ctx: RunContext, state: RunState, leaves: pa.Table) -> pa.Table | None:
    """The dead leaves that are committed; None: none is.

    Before each new gate it is asked here whether the dead letters of the one before were committed. So what is there
    beyond what is known is all that the gate calls dead.
    """
    known = held_leaves(ctx.ledger, state)
    if not state.intents or state.gate is None:
        return known
    rows = ctx.tables.committed(state, state.config, "dead_letter")
    if rows is None or (known is not None and rows <= row_count(known)):
        return known
    return committed_tables.dead(leaves)


def _commits(state: RunState, held: pa.Table) -> int:
    """How many commits of dead letters there are: one more than was known where more rows are."""
    before = (0, -1) if state.held is None else (int(state.held.payload["commits"]), int(state.held.payload["rows"]))
    return before[0] + (row_count(held) > before[1])


def before_publishing(ctx: RunContext, state: RunState, action: act.Publish) -> NewStep | None:
    """A commit reads the outputs; where files are copied all is merged, and what is not copied yet must be there."""
    if is_commit(action.publication):
        leaves = gated_leaves(ctx, state)
        return _without_evidence(ctx, state, leaves) if is_committed(ctx, state) else unscored(ctx, state, leaves)
    lost = []
    for publication in recorded_publications(action.publication, ctx.ledger.read_part).values():
        source, target = ctx.open_tree(publication.source), ctx.open_tree(publication.target)
        lost += missing(publication, source, target)
    if not lost:
        return None
    ctx.tell("mend", f"{counted(len(lost), 'merged file')} gone or altered before being copied: merged again")
    return NewStep(StepKind.UNMERGED, {"files": len(lost)})


def _without_evidence(ctx: RunContext, state: RunState, leaves: pa.Table) -> NewStep | None:
    """A committed result fixes which rows are dead. Should its dead letters not be there, they are committed again.

    That reads lines of outputs as their evidence; where those are hurt it is left out, for no row is scored again.
    """
    dead = committed_tables.dead(leaves)
    if ctx.tables.committed(state, state.config, "dead_letter") is not None:
        return None
    broken = altered_objects.hurt(altered_objects.output_pins(dead), listing(ctx, ctx.places.layout.outputs))
    if not broken.names:
        return None
    lost = altered_objects.read_from(dead, broken.names)
    tell(
        ctx,
        broken,
        "output",
        f"the result is committed; {counted(row_count(lost), 'dead letter')} without their evidence now",
    )
    kept = committed_tables.without_output(leaves, committed_tables.is_held(leaves, lost))
    return NewStep(StepKind.MENDED, {"evidence": row_count(lost)}, (ctx.ledger.write_part(kept),))


def is_committed(ctx: RunContext, state: RunState) -> bool:
    """Returns whether the result is committed already, and nothing of the run is read any more."""
    return ctx.tables.committed(state, state.config, "result") is not None
