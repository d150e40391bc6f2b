"""How answers are read: what was inferred of them, and what a driver that reads them otherwise judges anew."""

from __future__ import annotations

from dataclasses import replace

from batch_transform.core.ledger import JsonObject
from batch_transform.core.resuming.replanning import back_from_later_types, outdated
from batch_transform.core.round_record import RoundRecord
from batch_transform.core.run_settings import RunSettings, carried_on
from batch_transform.core.run_state import JobRecord, Recorded, RunState


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
    asked, last = RunSettings.of(config), state.last_round
    changed = asked.prediction != state.settings.prediction
    if last is not None and changed and (last.misread or last.unread or state.unsettled):
        state = _unjudged(state, last)
    elif last is not None and last.stop and not last.misread:
        state = state.with_last_round(replace(last, stop=(), resumed=True))
    if asked.asked_of_the_service != state.settings.asked_of_the_service:
        state = replace(state, jobs=outdated(state.jobs), types_since=state.plans)
    else:
        since = state.plans if last is not None and last.stop else state.types_since
        state = replace(state, types_since=since)
        state = replace(state, jobs=back_from_later_types(state))
    if not state.output_is_fixed and state.published is None and asked.published != state.settings.published:
        state = replace(state, publication=None, expectations=None)
    if not state.output_is_fixed and state.published is None and asked.expect != state.settings.expect:
        state = replace(state, publication=None, expectations=None)
    if changed and state.nothing_read:
        state = replace(state, inferred=None, inferred_after=0)
    if state.staged is not None and "answers" in payload:
        state = replace(state, staged=replace(state.staged, answers=payload["answers"]))
    retry = state.retry_asked or bool(payload.get("retry_dead"))
    accepts = bool(payload.get("accept_model"))
    state = replace(state, retry_asked=retry, accepts_model=accepts)
    return replace(state, rounds_before=state.rounds, config=config, stopped=False)


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
