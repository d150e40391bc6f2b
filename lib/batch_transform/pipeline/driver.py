"""The driver's loop: ask the core what comes next, do it, record what came of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from batch_transform.core import actions as act
from batch_transform.core.decide import next_action
from batch_transform.core.errors import BatchTransformError
from batch_transform.core.records import RunState
from batch_transform.core.state import advance
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.handlers import plan, prepare, publish, reconcile, score
from batch_transform.pipeline.outcome import Outcome

_HANDLERS: dict[type[Any], Callable[[RunContext, RunState, Any], Outcome]] = {
    act.Stage: prepare.stage_rows,
    act.Export: prepare.export_rows,
    act.Plan: plan.plan_round,
    act.Create: score.create_job,
    act.Await: score.await_job,
    act.Judge: reconcile.judge_job,
    act.Reconcile: reconcile.reconcile_round,
    act.GiveUp: reconcile.give_up,
    act.Gate: publish.check_gate,
    act.Intend: publish.intend,
    act.Publish: publish.publish_tables,
    act.Finish: publish.finish,
}


class Driver:
    """Drives one run; `state` is always what the ledger says."""

    def __init__(self, ctx: RunContext, state: RunState) -> None:
        self.ctx = ctx
        self.state = state

    def run(self) -> RunState:
        """Returns the state of the published run.

        Raises:
            BatchTransformError: the run ended otherwise; what is in the ledger is true, and it can be resumed.
        """
        while self.step():
            pass
        return self.state

    def step(self) -> bool:
        """Does what comes next and records it; returns False if there is nothing left to do.

        Raises:
            BatchTransformError: as `run`.
        """
        action = next_action(self.state)
        if isinstance(action, act.Nothing):
            return False
        began = self.ctx.clock.monotonic()
        outcome = _HANDLERS[type(action)](self.ctx, self.state, action)
        seconds = round(self.ctx.clock.monotonic() - began, 3)
        payload = {**outcome.payload, "seconds": seconds}
        self.state = advance(self.state, self.ctx.ledger.append(outcome.kind, payload, outcome.parts))
        return True

    def stop_jobs(self) -> list[str]:
        """Stops the jobs in flight, also one whose creation was not recorded; returns their names.

        Works without Spark, which may be gone already.
        """
        flying = [job for job in self.state.jobs if job.status is None]
        for job in flying:
            # Else a driver that resumes the run would take it for stopped by somebody else. If it cannot be recorded
            # now, the job is stopped all the same: it costs money.
            with suppress(BatchTransformError):
                payload = {"job": job.name, "reason": "interrupted"}
                self.state = advance(self.state, self.ctx.ledger.append("job_stopping", payload))
            self.ctx.jobs.stop(job.name)
        return [job.name for job in flying]
