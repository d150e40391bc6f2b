"""The driver's loop: ask the core what comes next, do it, record what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from batch_transform.core.errors import ServiceFailure
from batch_transform.core.ledger import JsonObject, NewStep, Part, StepKind
from batch_transform.core.predictions.prediction_types import decode_schema
from batch_transform.core.report_keys import RunReport
from batch_transform.core.run_state import INTERRUPTED, RunState
from batch_transform.core.state import actions as act
from batch_transform.core.state.fold import advance
from batch_transform.core.state.next_action import next_action
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.ending.cleaning import clean_after, leftovers
from batch_transform.pipeline.ending.reporting import reporting_of
from batch_transform.pipeline.ending.stopping import stop_jobs
from batch_transform.pipeline.loop.handlers import (
    create,
    infer,
    plan_round,
    poll_jobs,
    publish,
    reconcile,
    retry,
    stage,
)
from batch_transform.pipeline.loop.tools import progress
from batch_transform.pipeline.loop.workspace_repair import Mender

# A job that is to be judged is done so instead, while another one cannot be created.
_Handler = Callable[[RunContext, RunState, Any], NewStep | act.Judge | None]
_HANDLERS: dict[type[Any], _Handler] = {
    act.Stage: stage.stage_rows,
    act.Export: stage.export_rows,
    act.Plan: plan_round.plan_round,
    act.Replan: create.replan_job,
    act.Create: create.create_job,
    act.Await: poll_jobs.await_job,
    act.Infer: infer.infer,
    act.Judge: reconcile.judge_job,
    act.Reconcile: reconcile.reconcile_round,
    act.RetryDead: retry.retry_dead,
    act.GiveUp: reconcile.give_up,
    act.Gate: publish.check_gate,
    act.Intend: publish.intend,
    act.Publish: publish.publish_tables,
    act.Finish: publish.finish,
}
# Of a process that does not wait for jobs.
_HANDLERS_THAT_LOOK: dict[type[Any], _Handler] = {
    **_HANDLERS,
    act.Create: create.create_job_or_look,
    act.Await: poll_jobs.look_at_jobs,
}

# All that one look has found is recorded before anything is made of it: what failed together goes on together.
_OF_ENDED_JOBS = (act.Judge, act.Reconcile)
# Of what was scored and merged; they take long.
_READING = (act.Intend, act.Publish)


class Driver:
    """Drives one run; `state` is always what the ledger says."""

    def __init__(self, ctx: RunContext, state: RunState) -> None:
        self.ctx = ctx
        self.state = state
        self._mender = Mender()

    def run(self) -> RunState:
        """Returns the state of the published run.

        Raises:
            BatchTransformError: the run ended otherwise; what is in the ledger is true, and it can be resumed.
        """
        while self.step():
            pass
        return self.state

    def step(self) -> bool:
        """Does what comes next and records it; returns False if there is nothing left to do, or to do now.

        Now there is nothing to do if jobs are in flight and this process does not wait for them (`RunContext.waits`).

        Raises:
            BatchTransformError: as `run`.
        """
        action = next_action(self.state)
        if isinstance(action, act.Nothing):
            return False
        self.ctx.refuse_if_asked_to_stop()
        self.ctx.lease.require()
        progress.begin(self.ctx, self.state, type(action))
        began = self.ctx.clock.monotonic()
        new = self._new_step(action)
        if new is None:
            return False
        seconds = round(self.ctx.clock.monotonic() - began, 3)
        # `at` is a step's own, by which waiting is measured; this is when anything was recorded, for the timeline.
        times = {"seconds": seconds, "clock": self.ctx.clock.now().isoformat()}
        self._record(new.kind, {**new.payload, **times}, new.parts)
        progress.measure(self.ctx, self.state)
        return True

    def _new_step(self, action: act.Action) -> NewStep | None:
        if isinstance(action, _OF_ENDED_JOBS) and (ended := poll_jobs.seen_to_end(self.ctx, self.state.in_flight)):
            return ended
        sound = self._mender.before(self.ctx, self.state, action)
        if isinstance(sound, NewStep):
            return sound
        handlers = _HANDLERS if self.ctx.waits else _HANDLERS_THAT_LOOK
        try:
            new = handlers[type(sound)](self.ctx, self.state, sound)
        except ServiceFailure:
            # What it reads may have been hurt since it was looked at.
            again = self._mender.before(self.ctx, self.state, action) if isinstance(action, _READING) else action
            if isinstance(again, NewStep):
                return again
            raise
        return self._new_step(new) if isinstance(new, act.Judge) else new

    def _record(self, kind: StepKind, payload: JsonObject, parts: tuple[Part, ...] = ()) -> None:
        self.ctx.lease.require()
        self.state = advance(self.state, self.ctx.ledger.append(kind, payload, parts))
        if kind is StepKind.INFERRED and self.state.inferred is not None:
            assert self.state.staged is not None
            staged = self.state.staged
            tables = self.ctx.tables.reading(self.state.inferred, staged)
            objects = self.ctx.objects.reading(decode_schema(staged.answers))
            self.ctx = replace(self.ctx, tables=tables, objects=objects)

    def interrupt(self, reason: str = INTERRUPTED) -> list[str]:
        """Stops the jobs in flight, also one whose creation was not recorded, unless they are to be left; their names.

        Works without Spark, which may be gone already.

        Raises:
            LedgerFenced: another driver has taken over, and the jobs are its own.
            ServiceFailure: a job could not be stopped.
        """
        if self.ctx.config.transform.on_interrupt == "leave":
            return []
        self.state, names = stop_jobs(self.state, self.ctx.lease, self.ctx.ledger, self.ctx.jobs, reason)
        return names

    def close(self, report: RunReport) -> RunReport:
        """Returns the report, with its page, once both are written and the lease is given back.

        A driver that has lost the lease leaves all as it is.

        Raises:
            ServiceFailure: S3 would not; the next driver waits for the lease to run out.
        """
        if not self.ctx.lease.epoch:
            return report  # a published run that was only asked for its report
        try:
            self.ctx.lease.require()
            report = reporting_of(self.ctx).write(self.state, report)
            progress.tell_end(self.ctx, self.state, report.get("seconds"))
            self._tidy()
        finally:
            self.ctx.lease.release()
        return report

    def _tidy(self) -> None:
        """Removes what a published run leaves in its workspace, if it is not to be kept."""
        ctx = self.ctx
        if ctx.config.workspace_retention == "keep" or self.state.report is None:
            return
        left = leftovers(ctx.config, ctx.places.layout, self.state, ctx.store, ctx.ledger)
        ctx.tell("clean", f"{left.amount().words} are removed; kept: {', '.join(left.kept)}")
        self.state, remains = clean_after(left, ctx.lease, ctx.ledger)
        for place in remains:
            ctx.tell("clean", f"remains: {place}")
