"""What another driver changes of a run: how answers are read, what is judged anew, and which jobs are planned anew.

Pure. What is in the ledger is not planned again by itself: another version, or other defaults, use what is recorded.
Only a person's other `transform`, or an instance type that is not to be had, makes a new request for the same spans,
under a new name, recorded before its Create. A Create may have been obeyed although the ledger does not say so: whoever
plans anew has asked the service first, and a job that it knows is adopted as it was asked for.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from batch_transform.core.ledger import JsonObject
from batch_transform.core.round_record import RoundRecord
from batch_transform.core.run_settings import RunSettings, carried_on
from batch_transform.core.run_state import TIMEOUT, JobRecord, Recorded, RunState
from batch_transform.core.sending.instances import chosen_type, has_lost_its_type, type_of


def is_commit(publication: Recorded) -> bool:
    """Returns whether the output's format commits by itself what is published: no files to be copied are listed."""
    return not publication.parts


def resumed(state: RunState, payload: JsonObject) -> RunState:
    """Returns the state of a run that another driver has taken over.

    Where the section `prediction` has changed, the verdicts on outputs that are not settled fall, which were read in
    another way, and with them what was inferred from them: the outputs are there, and are not paid for again. Where it
    has not, a run that ended because every answer was misread has ended still: whatever was sent would be misread. One
    that ended because no answer could be read in whatever form goes on: it may have been the model.
    Where what is asked of the service has changed, jobs that were not created yet are to be planned anew. Where what is
    published has changed, where it goes, or what is expected of it, an intent to commit falls; whether it was carried
    out is asked before the next one (`RunState.intents`).

    Args:
        state: as the last driver left it.
        payload: the configuration of the driver that goes on, the schema of the predictions as it reads them, and
            whether dead rows are to be sent again.
    """
    config = carried_on(state.config, payload["config"])
    asked = RunSettings.of(config)
    had_ended = state.last_round is not None and bool(state.last_round.stop)
    state = _asked_anew(_read_anew(state, asked), asked, had_ended=had_ended)
    state = _published_anew(state, asked)
    if state.staged is not None and "answers" in payload:
        state = replace(state, staged=replace(state.staged, answers=payload["answers"]))
    return replace(
        state,
        retry_asked=state.retry_asked or bool(payload.get("retry_dead")),
        accepts_model=bool(payload.get("accept_model")),
        rounds_before=state.rounds,
        config=config,
        stopped=False,
        driver_at=payload.get("at", state.driver_at),
    )


def _read_anew(state: RunState, asked: RunSettings) -> RunState:
    """What falls with the way in which answers were read; an end that another way may not have had is none."""
    last, changed = state.last_round, asked.prediction != state.settings.prediction
    if last is not None and changed and (last.misread or last.unread or state.unsettled):
        state = _unjudged(state, last)
    elif last is not None and last.stop and not last.misread:
        state = state.with_last_round(replace(last, stop=(), resumed=True))
    return replace(state, inferred=None, inferred_after=0) if changed and state.nothing_read else state


def _asked_anew(state: RunState, asked: RunSettings, *, had_ended: bool) -> RunState:
    """Jobs that were not created are planned anew where another request is wanted, or an earlier instance type."""
    state = replace(state, beyond=frozenset())
    if asked.asked_of_the_service != state.settings.asked_of_the_service:
        return replace(state, jobs=outdated(state.jobs), forgiven_until=state.plans)
    is_anew = had_ended or any(job.stop_reason == TIMEOUT for job in state.unsettled)
    state = replace(state, forgiven_until=state.plans if is_anew else state.forgiven_until)
    return replace(state, jobs=back_from_later_types(state))


def _published_anew(state: RunState, asked: RunSettings) -> RunState:
    """An intent to commit falls where something else is published, or expected of it, and nothing was yet."""
    if state.output_is_fixed or state.published is not None:
        return state
    now, then = (asked.published, asked.expect), (state.settings.published, state.settings.expect)
    return state if now == then else replace(state, publication=None, expectations=None)


def intended(state: RunState, publication: Recorded) -> RunState:
    """Returns the state of a run that sets out to publish."""
    if is_commit(publication):
        return replace(state, publication=publication, intents=(*state.intents, state.config))
    return replace(state, publication=publication, output_is_fixed=True)


def inferred(state: RunState, payload: JsonObject) -> RunState:
    """Returns the state with the schema that was inferred from the answers of its last plan, if it was."""
    assert state.staged is not None
    staged = replace(state.staged, answers=payload["fields"])
    return replace(state, staged=staged, inferred=payload["schema"], inferred_after=state.plans)


def _unjudged(state: RunState, last: RoundRecord) -> RunState:
    """No verdict stands that is not settled; nor what was settled last, if it ended the run because it was misread."""
    falls = (None, state.plans) if last.misread or last.unread else (None,)
    jobs = tuple(_not_judged(job) if job.settled_in in falls else job for job in state.jobs)
    state = replace(state, jobs=jobs)
    if state.plans not in falls:
        return state
    return state.with_last_round(RoundRecord(last.waiting, last.is_probe, last.round_number))


def _not_judged(job: JobRecord) -> JobRecord:
    return replace(
        job,
        settled_in=None,
        verdicts=None,
        controls_passed=0,
        controls_failed=0,
        objects_scored=0,
        objects_failed=0,
    )


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
    return is_due and (bool(state.beyond) or back_from_later_types(state) != state.jobs)


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
    beyond = {payload["beyond"]} if payload.get("beyond") else frozenset[str]()
    jobs = tuple(changed if other is job else other for other in state.jobs)
    return replace(state, jobs=jobs, beyond=state.beyond | beyond)
