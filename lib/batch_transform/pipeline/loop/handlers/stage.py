"""Handlers of the steps before any round: stage, export."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict

import pyarrow.compute as pc

from batch_transform.core.amounts import counted, size
from batch_transform.core.copied_files import root_and_name
from batch_transform.core.errors import ConfigurationError, GateRefused
from batch_transform.core.ledger import NewStep, StepKind
from batch_transform.core.object_store import StoreFailure
from batch_transform.core.run_state import RunState
from batch_transform.core.sending.object_sizes import are_about_alike, check_one_object, cutting_rules, is_far_more
from batch_transform.core.sending.record_sizes import ExportedObjects
from batch_transform.core.spans import check_tiling
from batch_transform.core.staged_table import Staged
from batch_transform.core.state import actions as act
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.tables.staged_files import pinned
from batch_transform.records.registry import framing_of, run_framing


def stage_rows(ctx: RunContext, state: RunState, action: act.Stage) -> NewStep:
    """Returns the step `staged`, once every record is known to be sendable as the record format asks."""
    staged = ctx.tables.stage(copies=not state.copies_unfit)
    settings = ctx.config.settings
    check_one_object(settings, staged, framing_of(settings, staged.header))
    how = ", copies of the input's" if staged.is_copied else ""
    ctx.tell("stage", f"{counted(staged.rows, 'row')} in {counted(len(staged.files), 'staged file')}{how}")
    files = [asdict(file) for file in pinned(staged.files, ctx.open_tree)]
    told = {"schema": staged.schema_json, "answers": staged.answers, "header": staged.header}
    copied = {"copied": True} if staged.is_copied else {}
    source = staged.source.to_document() if staged.source else None
    return NewStep(
        StepKind.STAGED, {"files": files, **told, "settings": dict(staged.settings), "source": source, **copied}
    )


def export_rows(ctx: RunContext, state: RunState, action: act.Export) -> NewStep:
    """Returns the step `exported`, with the spans as its part; checks that they tile the staged files.

    Where copies of the input's files cannot be exported, and another try is not known to help, it is `unstaged`: of
    written rows is told what is wrong. So where they would have been repartitioned, as a plan tells, had the first
    records told how large the others are.
    """
    assert state.staged is not None
    try:
        exported = _exported(ctx, state, state.staged)
    except ConfigurationError:
        if not state.staged.is_copied:
            raise
        return _unfit(ctx, state.staged, "large or broken records, or files")
    if exported is None:
        return _unfit(ctx, state.staged, "records are larger than the first ones, and their partitions uneven or few")
    spans = exported.spans
    check_tiling(state.staged.files, spans)
    if state.settings.is_one_object and spans.num_rows > 1:
        raise GateRefused(f"{counted(spans.num_rows, 'object')} were written where all rows are to be one request")
    total = pc.sum(spans["bytes"]).as_py() or 0
    objects = spans.num_rows - spans["object"].null_count
    ctx.tell("export", f"{counted(objects, 'object')}, {size(total)}")
    sizes = {"record_sizes": exported.sizes} if exported.sizes else {}
    return NewStep(StepKind.EXPORTED, {"objects": objects, "bytes": total, **sizes}, (ctx.ledger.write_part(spans),))


def _exported(ctx: RunContext, state: RunState, staged: Staged) -> ExportedObjects | None:
    """Exports, of copies once more where their records are of other sizes than the first of them and footers tell.

    None: they are so much larger that rows are to be repartitioned.

    Objects of the first time would be far too small, up to one for each record, or too few. Nothing refers to them:
    they are removed, as else each look at the run's objects would list them, hundreds of thousands perhaps.
    """
    framing = run_framing(state)
    estimated = cutting_rules(state.settings, staged.json_bytes, framing)
    exported = ctx.tables.export(staged, estimated)
    if not staged.is_copied:
        return exported
    total = pc.sum(exported.spans["bytes"]).as_py() or 0
    measured = cutting_rules(state.settings, total, framing)
    is_uneven = bool(exported.uneven) and is_far_more(staged.json_bytes, total)
    if not is_uneven and are_about_alike(estimated, measured):
        return exported
    ctx.refuse_if_asked_to_stop()
    ctx.lease.require()  # another driver may be further: whatever is put now nobody would remove
    names = pc.drop_null(exported.spans["object"]).to_pylist()
    with suppress(StoreFailure):  # left to `clean`
        ctx.store.delete(ctx.places.layout.input.join(name) for name in names)
    if is_uneven:
        return None
    ctx.tell("export", "records are of other sizes than the first ones: objects are cut again")
    return ctx.tables.export(staged, measured)


def _unfit(ctx: RunContext, staged: Staged, why: str) -> NewStep:
    """Removes the copies, unless another driver has taken over meanwhile: it may have planned jobs over them."""
    ctx.lease.renew()
    ctx.tell("stage", f"copies of the input's files do not do ({why}): rows are written")
    for folder in {root_and_name(file.path)[0] for file in staged.files}:
        with suppress(StoreFailure):  # left to `clean`
            ctx.open_tree(folder).clear()
    return NewStep(StepKind.UNSTAGED, {"files": len(staged.files), "unfit": True})
