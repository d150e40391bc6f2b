"""A job that was never created is planned anew, where what is asked of the service has changed. Pure.

What is in the ledger is not planned again by itself: another version, or other defaults, use what is recorded. Only a
person's other `transform`, or an instance type that is not to be had, makes a new request for the same spans, under a
new name, recorded before its Create. A Create may have been obeyed although the ledger does not say so: whoever plans
anew has asked the service first, and a job that it knows is adopted as it was asked for.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from batch_transform.core.ledger import JsonObject
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.sending.instance_types import chosen_type, has_lost_its_type, type_of


def outdated(jobs: tuple[JobRecord, ...]) -> tuple[JobRecord, ...]:
    """Returns jobs with those marked that were not created yet: they ask for what is no longer wanted."""
    return tuple(job if job.created else replace(job, outdated=True) for job in jobs)


def back_from_later_types(state: RunState) -> tuple[JobRecord, ...]:
    """Returns the jobs with those marked that a used-up quota has put on a later type, before they were created.

    That type's own quota may be none at all, and would end the run alike for ever while an earlier one is free again.
    """
    moved = [job for job in state.jobs if not job.created and job.attempt > 1 and type_of(job) != chosen_type(state)]
    return tuple(replace(job, outdated=True) if job in moved else job for job in state.jobs)


def goes_back(state: RunState, now: datetime, patience_minutes: float, *, is_meant: bool) -> bool:
    """Returns whether a step of many goes back to an earlier type with a job that a used-up quota has moved.

    One that comes each minute to look does not: a quota is waited for. It does once the wait has ended the run, which
    is told in each call from then on; so no call ends that has not asked for every type.

    Args:
        state: the run.
        now: the time of day.
        patience_minutes: how long a quota is waited for.
        is_meant: whether a person means to go on with the run.
    """
    is_due = is_meant or minutes_without_job(state, now) > patience_minutes
    return is_due and back_from_later_types(state) != state.jobs


def minutes_without_job(state: RunState, now: datetime) -> float:
    """Returns how long nothing has come of a run of which no job is in flight; 0 while one is."""
    return 0.0 if state.in_flight else (now - datetime.fromisoformat(state.moved_at)).total_seconds() / 60


def must_be_replanned(state: RunState, job: JobRecord) -> bool:
    """Returns whether a job that was not created yet needs another request."""
    return job.outdated or has_lost_its_type(state, job)


def replanned(state: RunState, payload: JsonObject) -> RunState:
    """Returns the state with a job's new name and request; its spans and its round stay.

    Raises:
        ValueError: no such job was planned, it was created, or a job has the new name.
    """
    name, new = payload["job"], payload["name"]
    job = next((job for job in state.jobs if job.name == name), None)
    if job is None or job.created or any(new == other.name for other in state.jobs):
        raise ValueError(f"{name} cannot become {new}: that is for a job never created, and a name never used")
    changed = replace(
        job,
        name=new,
        request=payload["request"],
        attempt=payload["attempt"],
        busy_share=payload.get("busy_share"),
        price_per_hour=payload.get("price_per_hour"),
        outdated=False,
        stop_reason=None,
    )
    return replace(state, jobs=tuple(changed if other is job else other for other in state.jobs))
