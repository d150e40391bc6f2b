"""How far a run is, by its state and what a listing shows beyond it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from batch_transform.core.events import Figures
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.sending.instances import instances_of, price_of, spent, type_of
from batch_transform.core.statuses import JobStatus


def figures_of(state: RunState, listed: Mapping[str, int], flown: Mapping[str, float], region: str | None) -> Figures:
    """Returns how far a run is.

    Args:
        state: the run.
        listed: how many outputs of a job in flight a listing has shown, by the job's name, but for those of controls.
        flown: for how many seconds a job was seen in flight, likewise.
        region: where its jobs run; None: in an emulator.
    """
    created, flying = [job for job in state.jobs if job.created], state.in_flight
    sent = {job.name: _sent(job) for job in created}
    done = {job.name: min(_done(job, listed), sent[job.name]) for job in created}
    records = state.round_records
    rows, scored = state.staged.rows if state.staged else None, state.rows_scored
    failed = next((each.failed for each in reversed(records) if each.failed), ())
    # What failed and was scored since has not failed.
    left = max(0, min(sum(entry["rows"] for entry in failed), (rows or 0) - scored))
    return Figures(
        run_id=state.run_id,
        round=state.rounds,
        rows=rows,
        rows_scored=scored,
        rows_dead=state.rows_dead,
        rows_failed=left,
        failed_most=max(failed, key=lambda entry: entry["rows"])["class"] if left else None,
        objects=sum(sent.values()),
        objects_done=sum(done.values()),
        bytes=sum(_bytes(job, sent[job.name]) for job in created),
        bytes_done=sum(_bytes(job, done[job.name]) for job in created),
        jobs=len(state.jobs),
        jobs_in_flight=len(flying),
        jobs_stopping=sum(job.stop_reason is not None for job in flying),
        jobs_ended=len(created) - len(flying),
        jobs_failed=sum(job.status is JobStatus.FAILED for job in created),
        cost_usd=spent(state),
        usd_in_flight=sum(_price(state, job, region) * flown.get(job.name, 0.0) / 3600 for job in flying),
        usd_per_hour=sum(_price(state, job, region) for job in flying),
        emulated=region is None,
    )


def objects_in(job: JobRecord) -> int:
    """Returns how many objects a job is to score, as its report says.

    Not counted is what its manifest names besides: further copies of the same row, and good rows that are sent along
    (`controls`).
    """
    return job.spans.rows


def _sent(job: JobRecord) -> int:
    """The objects of a job; of one that was stopped those alone of which something came.

    The others are sent again as they are, and count as the next job's. What failed is sent again otherwise.
    """
    return min(job.objects_scored, objects_in(job)) if job.status is JobStatus.STOPPED else objects_in(job)


def _bytes(job: JobRecord, objects: int) -> int:
    """The bytes of so many objects of a job, as far as it is known."""
    return (job.bytes or 0) * objects // max(1, objects_in(job))


def _done(job: JobRecord, listed: Mapping[str, int]) -> int:
    if job.status is not None:
        return objects_in(job)
    return min(listed.get(job.name, 0), objects_in(job))


def _price(state: RunState, job: JobRecord, region: str | None) -> float:
    price = job.price_per_hour or price_of(type_of(job), state.settings.transform, region)
    return (price or 0.0) * instances_of(job)
