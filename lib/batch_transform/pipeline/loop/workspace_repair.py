"""Looks, before an action that needs them, whether the objects that the ledger names are as it says; mends what is not.

One listing tells of all objects of a kind. What can be derived is made again, unasked: input objects and manifests from
the staged rows and the ledger; outputs by scoring their rows again, and no others; merged files by another merge.
"""

from __future__ import annotations

import itertools
import uuid
from dataclasses import replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.errors import RowsLost
from batch_transform.core.isolation.open_spans import OPEN_SCHEMA
from batch_transform.core.ledger import NewStep, StepKind
from batch_transform.core.object_store import ObjectNotFound
from batch_transform.core.publishing.forgetting import rows_are_lost
from batch_transform.core.resuming import altered_objects, repair
from batch_transform.core.resuming.altered_objects import Hurt
from batch_transform.core.resuming.resumed_run import is_commit
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.sending.manifests import is_same, manifest, sent_names
from batch_transform.core.spans import conformed
from batch_transform.core.state import actions as act
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.loop.handlers.controls import control_records
from batch_transform.pipeline.loop.handlers.settled import settled_leaves
from batch_transform.pipeline.loop.lost_outputs import (
    before_publishing,
    gated_leaves,
    is_committed,
    listing,
    spans_of,
    tell,
    unscored,
)
from batch_transform.pipeline.tables.staged_files import hurt_files
from batch_transform.records.registry import run_framing

# Up to so many objects or files they are listed before each job, one call. Of more, once in a plan, and before
# verdicts when jobs have ended since: 64 jobs that end together do not ask 64 times for 64,000 objects' 64 pages.
_FEW_OBJECTS = 1_000
# What reads staged rows, or pays for what is to be put beside them.
_OF_STAGED_ROWS = (act.Export, act.Plan, act.Create, act.Gate, act.Intend)

# Before the first of these all that the run's end will need of the ledger is looked at.
_PAYING = (act.Plan, act.Create)


class Mender:
    """What a driver has looked at so far."""

    def __init__(self) -> None:
        self._parts_seen = self._outputs_listed = False
        self._rows_seen: int | None = None  # in which plan
        self._planned: set[int] = set()  # plans
        self._mended: set[str] = set()  # jobs
        self._compared: set[str] = set()
        self._controlled: set[str] = set()
        # By plans, and for verdicts by ended jobs: what was altered before a job had ended is to be seen.
        self._listed: dict[tuple[int, int, type[act.Action]], pa.Table] = {}

    def before(self, ctx: RunContext, state: RunState, action: act.Action) -> NewStep | act.Action:
        """Returns the action, which may be done now; or the step of what was mended, which comes first.

        Raises:
            NeedsSpark: what is hurt can be mended, but not by this process.
            LedgerCorrupt, RowsLost: it cannot be mended at all.
        """
        if self._looks_at_rows(state, action):
            self._rows_seen = state.plans
            if new := _unstaged(ctx, state):
                return new
        if isinstance(action, _PAYING) and not self._parts_seen:
            self._parts_seen = True
            ctx.ledger.check_parts(repair.needed_parts(state))
        if isinstance(action, act.Plan) and state.plans not in self._planned:
            self._planned.add(state.plans)
            return _mended_open(ctx, state) or action
        if isinstance(action, act.Create):
            return self._before_create(ctx, state, action.job) or action
        if isinstance(action, act.Infer):
            found = self._inputs(ctx, state, act.Judge)
            doubted = (_doubted(ctx, state, job, found)[1] for job in action.jobs)
            return replace(action, doubted=frozenset().union(*doubted))
        if isinstance(action, act.Judge):
            return self._before_judge(ctx, state, action)
        if isinstance(action, act.Gate):
            return self._before_gate(ctx, state) or action
        if isinstance(action, act.Intend):
            if self._outputs_listed:  # a moment ago, for the gate
                self._outputs_listed = False
                return action
            return unscored(ctx, state, gated_leaves(ctx, state)) or action
        if isinstance(action, act.Publish):
            return before_publishing(ctx, state, action) or action
        return action

    def _looks_at_rows(self, state: RunState, action: act.Action) -> bool:
        if not isinstance(action, _OF_STAGED_ROWS):
            return self._rows_seen is None
        is_many = state.staged is not None and len(state.staged.files) > _FEW_OBJECTS
        return not (is_many and isinstance(action, act.Create) and self._rows_seen == state.plans)

    def _before_create(self, ctx: RunContext, state: RunState, job: JobRecord) -> NewStep | None:
        spans, found = spans_of(ctx, job), self._inputs(ctx, state, act.Create)
        broken = altered_objects.hurt(altered_objects.input_pins(spans, run_framing(state)), found)
        # A Create may have been obeyed although the ledger does not say so: that job has read what it found.
        if broken.names and job.name not in self._mended and not ctx.jobs.is_there(job.request):
            self._mended.add(job.name)
            return _mended_job(ctx, state, job, spans, broken)
        controls = altered_objects.hurt(altered_objects.control_pins(job), found)
        if controls.names and job.name not in self._controlled and not ctx.jobs.is_there(job.request):
            self._controlled.add(job.name)
            if new := _written_controls(ctx, state, job, controls):
                return new
        _write_manifest(ctx, job, spans)
        return None

    def _before_judge(self, ctx: RunContext, state: RunState, action: act.Judge) -> NewStep | act.Action:
        """What was altered before a job had ended is not believed; to compare keys, records are needed as they were."""
        job, found = action.job, self._inputs(ctx, state, act.Judge)
        broken, doubted = _doubted(ctx, state, job, found)
        doubted |= _doubted_controls(ctx, job, found)
        needed = Hurt(broken.gone, broken.altered - doubted)
        if ctx.config.prediction.key and needed.names and job.name not in self._compared:
            self._compared.add(job.name)
            return _mended_job(ctx, state, job, spans_of(ctx, job), needed)
        if ctx.config.prediction.key:  # what is gone of a control's record cannot be compared
            doubted |= {*job.controls} - {*found["name"].to_pylist()}
        return replace(action, doubted=doubted)

    def _before_gate(self, ctx: RunContext, state: RunState) -> NewStep | None:
        leaves = settled_leaves(ctx.ledger, state)
        new = unscored(ctx, state, leaves)
        self._outputs_listed = new is None and leaves.num_rows > _FEW_OBJECTS
        return new

    def _inputs(self, ctx: RunContext, state: RunState, purpose: type[act.Action]) -> pa.Table:
        ended = sum(job.status is not None for job in state.jobs) if purpose is act.Judge else 0
        found = self._listed.get(key := (state.plans, ended, purpose))
        if found is None:
            found = listing(ctx, ctx.places.layout.input)
            if found.num_rows > _FEW_OBJECTS:
                others = {k: kept for k, kept in self._listed.items() if k[0] == state.plans and k[2] is not purpose}
                self._listed = {**others, key: found}
        return found


def _doubted(ctx: RunContext, state: RunState, job: JobRecord, found: pa.Table) -> tuple[Hurt, frozenset[str]]:
    """What of a job's input is hurt, and which of it was altered before the job had ended."""
    broken = altered_objects.hurt(altered_objects.input_pins(spans_of(ctx, job), run_framing(state)), found)
    return broken, altered_objects.changed_by(found, broken.altered, _end_of(ctx, job))


def _doubted_controls(ctx: RunContext, job: JobRecord, found: pa.Table) -> frozenset[str]:
    """Controls that were altered before the job had ended: whatever was answered, it was to no good request."""
    altered = altered_objects.hurt(altered_objects.control_pins(job), found).altered
    return altered_objects.changed_by(found, altered, _end_of(ctx, job))


def _end_of(ctx: RunContext, job: JobRecord) -> datetime:
    return datetime.fromisoformat(job.ended_at) if job.ended_at else ctx.clock.now()


def _mended_open(ctx: RunContext, state: RunState) -> NewStep | None:
    """Spans that are to be sent or cut get objects of their own where theirs are hurt."""
    last = state.last_round
    if last is None or last.open is None or state.staged is None:
        return None
    left, there = conformed(ctx.ledger.read_part(last.open), OPEN_SCHEMA), listing(ctx, ctx.places.layout.input)
    broken = altered_objects.hurt(altered_objects.input_pins(left, run_framing(state)), there)
    if not broken.names:
        return None
    tell(ctx, broken, "input object", "exported again")
    chosen = left.filter(repair.in_objects(left, broken.names))
    orders = repair.under_new_names(chosen, uuid.uuid4().hex[:16], run_framing(state).suffix)
    made = ctx.tables.export_again(state.staged, orders)
    part = ctx.ledger.write_part(repair.placed(left, orders, made))
    return NewStep(StepKind.MENDED, {"objects": orders.num_rows}, (part,))


def _mended_job(ctx: RunContext, state: RunState, job: JobRecord, spans: pa.Table, broken: Hurt) -> NewStep:
    """A job's request names its objects already: they are written again under their names."""
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


def _written_controls(ctx: RunContext, state: RunState, job: JobRecord, broken: Hurt) -> NewStep | None:
    """Controls are written again under their names, with whatever records were scored; None: there are none to write.

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


def _write_manifest(ctx: RunContext, job: JobRecord, spans: pa.Table) -> None:
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


def _unstaged(ctx: RunContext, state: RunState) -> NewStep | None:
    """Rows that are staged are a run's rows; until a job is planned over them, the input may be staged again.

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
