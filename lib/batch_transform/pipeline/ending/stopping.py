"""Stops the jobs of a run that are in flight. Needs no Spark, which may be gone already."""

from __future__ import annotations

from contextlib import suppress

from batch_transform.core.errors import BatchTransformError, LedgerCorrupt, ServiceFailure
from batch_transform.core.ledger import StepKind
from batch_transform.core.run_state import ASKED, JobRecord, RunState
from batch_transform.core.state.fold import advance
from batch_transform.pipeline.context import Jobs
from batch_transform.s3.lease import RunLease
from batch_transform.s3.ledger import Ledger


def stopped_since(ledger: Ledger, known: int) -> bool:
    """Returns whether a person has stopped the run after the first `known` of the steps that were loaded."""
    return any(step.kind == StepKind.STOPPED for step in ledger.steps[known:])


def stop_jobs(
    state: RunState,
    lease: RunLease,
    ledger: Ledger,
    jobs: Jobs,
    reason: str,
    asked_at: int | None = None,
    *,
    keeps_jobs: bool = True,
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
        keeps_jobs: as of `AwsAccess`.

    Raises:
        LedgerFenced: another driver has taken over, and the jobs are its own.
        LedgerCorrupt: the ledger is damaged; the jobs that `state` knows of were asked to stop all the same.
        ServiceFailure: a job could not be stopped, the others were; or that a person asked could not be recorded.
    """
    state = _last_recorded(state, ledger, jobs)
    flying = _flying(state)
    failures: list[BatchTransformError] = []
    asked: list[str] = []
    if reason == ASKED and _is_to_record(state, ledger, asked_at):
        # Also between two jobs: else the next `collect` would go on as if nobody had asked.
        try:
            state = advance(state, ledger.append(StepKind.STOPPED, {}))
        except BatchTransformError as err:
            failures.append(err)
    for job in flying:
        state = _intended(job.name, reason, state, lease, ledger)
        try:
            if jobs.stop(job.name):
                asked.append(job.name)
            elif job.created and keeps_jobs:
                jobs.describe(job.name)  # which fails for one that is not known here: then it goes on elsewhere
        except ServiceFailure as err:
            failures.append(err)
    if failures:
        raise failures[0]
    return state, asked


def _last_recorded(state: RunState, ledger: Ledger, jobs: Jobs) -> RunState:
    """The state by what the ledger has now: the signal may have cut an append short, and what is there counts."""
    try:
        return ledger.state() or state
    except LedgerCorrupt:
        for job in _flying(state):
            with suppress(ServiceFailure):
                jobs.stop(job.name)
        raise
    except BatchTransformError:
        return state  # S3 does not tell now: what this process knows has to do


def _is_to_record(state: RunState, ledger: Ledger, asked_at: int | None) -> bool:
    """Whether it is news that a person has stopped the run; `asked_at` as of `stop_jobs`."""
    is_stopped = state.stopped if asked_at is None else stopped_since(ledger, asked_at)
    return not (is_stopped or state.cleaned or state.report is not None)


def _intended(name: str, reason: str, state: RunState, lease: RunLease, ledger: Ledger) -> RunState:
    """The state in which the job is about to be stopped by us.

    Else a driver that resumes the run would take it for stopped by somebody else. If it cannot be recorded now, the job
    is stopped all the same: it costs money. Only another driver's job is left alone.
    """
    with suppress(ServiceFailure):
        lease.renew()
    with suppress(BatchTransformError):
        state = advance(state, ledger.append(StepKind.JOB_STOPPING, {"job": name, "reason": reason}))
    return state


def _flying(state: RunState) -> list[JobRecord]:
    """The jobs that may cost money, also one whose creation is not recorded."""
    return [] if state.cleaned else [job for job in state.jobs if job.status is None]
