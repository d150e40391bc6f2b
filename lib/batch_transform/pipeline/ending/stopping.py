"""Stops the jobs of a run that are in flight. Needs no Spark, which may be gone already."""

from __future__ import annotations

from contextlib import suppress

from batch_transform.core.errors import BatchTransformError, LedgerCorrupt, ServiceFailure
from batch_transform.core.ledger import StepKind
from batch_transform.core.run_state import ASKED, RunState
from batch_transform.core.state.fold import advance
from batch_transform.pipeline.context import Jobs
from batch_transform.s3.lease import RunLease
from batch_transform.s3.ledger import Ledger


def stopped_since(ledger: Ledger, known: int) -> bool:
    """Returns whether a person has stopped the run after the first `known` of the steps that were loaded."""
    return any(step.kind == StepKind.STOPPED for step in ledger.steps[known:])


def stop_jobs(
    state: RunState, lease: RunLease, ledger: Ledger, jobs: Jobs, reason: str, asked_at: int | None = None
) -> tuple[RunState, list[str]]:
    """Returns the state, and the names of the jobs that were in flight still and were asked to stop.

    Asked is also for one whose creation is unrecorded.

    Args:
        state: the run.
        lease: of the run; held.
        ledger: of the run.
        jobs: where they are stopped.
        reason: INTERRUPTED, or ASKED: then only who means it goes on with the run.
        asked_at: how many steps there were when a person asked, which stops also who has read a run that was stopped
            before and is about to go on with it; None: it is the run's driver who stops.

    Raises:
        LedgerFenced: another driver has taken over, and the jobs are its own.
        LedgerCorrupt: the ledger is damaged; the jobs that `state` knows of were asked to stop all the same.
        ServiceFailure: a job could not be stopped, the others were; or that a person asked could not be recorded.
    """
    try:  # the signal may have cut an append short: what is there counts
        state = ledger.state() or state
    except LedgerCorrupt:
        for name in _flying(state):
            with suppress(ServiceFailure):
                jobs.stop(name)
        raise
    except BatchTransformError:
        pass  # S3 does not tell now: what this process knows has to do
    flying = _flying(state)
    failures: list[BatchTransformError] = []
    asked: list[str] = []
    is_stopped = state.stopped if asked_at is None else stopped_since(ledger, asked_at)
    if reason == ASKED and not (is_stopped or state.cleaned or state.report is not None):
        # Also between two jobs: else the next `collect` would go on as if nobody had asked.
        try:
            state = advance(state, ledger.append(StepKind.STOPPED, {}))
        except BatchTransformError as err:
            failures.append(err)
    for name in flying:
        # Else a driver that resumes the run would take it for stopped by somebody else. If it cannot be recorded now,
        # the job is stopped all the same: it costs money. Only another driver's job is left alone.
        with suppress(ServiceFailure):
            lease.renew()
        with suppress(BatchTransformError):
            state = advance(state, ledger.append(StepKind.JOB_STOPPING, {"job": name, "reason": reason}))
        try:
            asked += [name] if jobs.stop(name) else []
        except ServiceFailure as err:
            failures.append(err)
    if failures:
        raise failures[0]
    return state, asked


def _flying(state: RunState) -> list[str]:
    """The jobs that may cost money, also one whose creation is not recorded."""
    return [] if state.cleaned else [job.name for job in state.jobs if job.status is None]
