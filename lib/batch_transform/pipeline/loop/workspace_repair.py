"""Looks, before an action that needs them, whether the objects that the ledger names are as it says; mends what is not.

One listing tells of all objects of a kind. What can be derived is made again, unasked: input objects and manifests from
the staged rows and the ledger; outputs by scoring their rows again, and no others; merged files by another merge.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pyarrow as pa

from batch_transform.core.ledger import NewStep
from batch_transform.core.resuming import altered_objects, repair
from batch_transform.core.resuming.altered_objects import Hurt
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.state import actions as act
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.loop.lost_outputs import (
    before_publishing,
    gated_leaves,
    listing,
    unscored,
)
from batch_transform.pipeline.loop.mended_objects import (
    mend_controls,
    mend_inputs_of,
    mend_manifest,
    mend_open_spans,
    unstage_lost_rows,
)
from batch_transform.pipeline.loop.tools.recorded_spans import spans_of
from batch_transform.pipeline.loop.tools.settled import settled_leaves
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
            if new := unstage_lost_rows(ctx, state):
                return new
        if isinstance(action, _PAYING) and not self._parts_seen:
            self._parts_seen = True
            ctx.ledger.check_parts(repair.needed_parts(state))
        return self._looked_at(ctx, state, action) or action

    def _looked_at(self, ctx: RunContext, state: RunState, action: act.Action) -> NewStep | act.Action | None:
        """What this action needs; None: nothing is hurt."""
        match action:
            case act.Plan():
                return self._before_plan(ctx, state)
            case act.Create(job=job):
                return self._before_create(ctx, state, job)
            case act.Infer(jobs=jobs):
                found = self._inputs(ctx, state, act.Judge)
                doubted = (_doubted(ctx, state, job, found)[1] for job in jobs)
                return replace(action, doubted=frozenset().union(*doubted))
            case act.Judge():
                return self._before_judge(ctx, state, action)
            case act.Gate():
                return self._before_gate(ctx, state)
            case act.Intend():
                return self._before_intent(ctx, state)
            case act.Publish():
                return before_publishing(ctx, state, action)
            case _:
                return None

    def _before_plan(self, ctx: RunContext, state: RunState) -> NewStep | None:
        if state.plans in self._planned:
            return None
        self._planned.add(state.plans)
        return mend_open_spans(ctx, state)

    def _before_intent(self, ctx: RunContext, state: RunState) -> NewStep | None:
        if self._outputs_listed:  # a moment ago, for the gate
            self._outputs_listed = False
            return None
        return unscored(ctx, state, gated_leaves(ctx, state))

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
            return mend_inputs_of(ctx, state, job, spans, broken)
        controls = altered_objects.hurt(altered_objects.control_pins(job), found)
        if controls.names and job.name not in self._controlled and not ctx.jobs.is_there(job.request):
            self._controlled.add(job.name)
            if new := mend_controls(ctx, state, job, controls):
                return new
        mend_manifest(ctx, job, spans)
        return None

    def _before_judge(self, ctx: RunContext, state: RunState, action: act.Judge) -> NewStep | act.Action:
        """What was altered before a job had ended is not believed; to compare keys, records are needed as they were."""
        job, found = action.job, self._inputs(ctx, state, act.Judge)
        broken, doubted = _doubted(ctx, state, job, found)
        doubted |= _doubted_controls(ctx, job, found)
        needed = Hurt(broken.gone, broken.altered - doubted)
        if ctx.config.prediction.key and needed.names and job.name not in self._compared:
            self._compared.add(job.name)
            return mend_inputs_of(ctx, state, job, spans_of(ctx, job), needed)
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
