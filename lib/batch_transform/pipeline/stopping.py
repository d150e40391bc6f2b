"""Stops the jobs of a run that are in flight. Needs no Spark, which may be gone already."""

from __future__ import annotations

from contextlib import suppress

from batch_transform.core.errors import BatchTransformError
from batch_transform.core.records import RunState
from batch_transform.core.state import advance, fold
from batch_transform.pipeline.context import Jobs
from batch_transform.s3.lease import RunLease
from batch_transform.s3.ledger import Ledger


def stop_jobs(state: RunState, lease: RunLease, ledger: Ledger, jobs: Jobs) -> tuple[RunState, list[str]]:
    """Returns the state, and the names of the jobs that were asked to stop, also of one whose creation is unrecorded.

    Raises:
        LedgerFenced: another driver has taken over, and the jobs are its own.
        ServiceFailure: a job could not be stopped.
    """
    with suppress(BatchTransformError):  # the signal may have cut an append short: what is there counts
        state = fold(ledger.load()) or state
    flying = [job.name for job in state.jobs if job.status is None]
    for name in flying:
        # Else a driver that resumes the run would take it for stopped by somebody else. If it cannot be recorded now,
        # the job is stopped all the same: it costs money.
        with suppress(BatchTransformError):
            lease.require()
            state = advance(state, ledger.append("job_stopping", {"job": name, "reason": "interrupted"}))
        lease.renew()
        jobs.stop(name)
    return state, flying
