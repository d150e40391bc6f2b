"""The run's state is a fold over its ledger; what cannot be raises and changes nothing."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.errors import ConfigurationError, LedgerCorrupt
from batch_transform.core.state import actions as act
from batch_transform.core.state.fold import advance, fold
from batch_transform.core.state.next_action import MAX_ROUNDS, next_action
from batch_transform.core.statuses import JobStatus
from support.core_tables import step
from support.recorded_steps import (
    CLEANED,
    DONE,
    EXPORTED,
    GATED,
    OPENED,
    PUBLICATION,
    PUBLISHED,
    RESUMED,
    STAGED,
    STOPPED,
    created,
    ended,
    judged,
    planned,
    reconciled,
    tried,
)

BEGUN = [OPENED, STAGED, EXPORTED]
JOBS = [planned("j1", "j2"), created("j1"), created("j2"), ended("j2"), judged("j2"), ended("j1"), judged("j1")]
JOBS += [reconciled()]
WHOLE = [*BEGUN, *JOBS, GATED, PUBLICATION, PUBLISHED, DONE]

# What the driver is told after each step of WHOLE; a job's action is written with its name.
ACTIONS = ["Stage", "Export", "Plan", "Create j1", "Create j2", "Await j1 j2", "Judge j2", "Await j1"]
ACTIONS += ["Judge j1", "Reconcile j1 j2", "Gate", "Intend", "Publish", "Finish", "Nothing"]


def told(state):
    action = next_action(state)
    named = [action.job] if hasattr(action, "job") else getattr(action, "jobs", ())
    return " ".join([type(action).__name__, *(job.name for job in named)])


@pytest.mark.parametrize("length", range(1, len(WHOLE) + 1))
def test_after_each_step_of_a_whole_run_the_next_action_follows(length):
    assert told(fold(WHOLE[:length])) == ACTIONS[length - 1]


def test_a_publish_is_told_what_was_intended():
    action = next_action(fold(WHOLE[:-2]))
    assert action == act.Publish(fold(WHOLE[:-2]).publication)
    assert (action.publication.payload, len(action.publication.parts)) == ({"mode": "append"}, 1)


def test_a_terminal_job_is_judged_in_the_order_of_planning():
    steps = [*BEGUN, planned("j1", "j2"), created("j1"), created("j2"), ended("j2"), ended("j1")]
    assert told(fold(steps)) == "Judge j1"


def test_an_empty_ledger_has_no_state():
    assert fold([]) is None


def test_what_a_whole_run_remembers():
    state = fold(WHOLE)
    assert (state.run_id, state.nonce, state.config, state.opened_at) == ("run", "n", {"a": 1}, OPENED.payload["at"])
    assert (state.staged.rows, state.staged.json_bytes, state.staged.largest) == (4, 40, 10)
    assert (state.staged.schema_json, state.spans) == ("{}", EXPORTED.parts[0])
    assert state.gate.payload == {"rows_scored": 3, "rows_dead_letter": 1}
    assert (state.published, state.report) == ({"output": "out"}, {"status": "published"})


def test_what_is_remembered_of_a_job():
    times = {"created_at": "c", "started_at": "s", "ended_at": "e"}
    steps = [*BEGUN, planned("j1", "j2"), created("j2"), ended("j2", "Failed", failure_reason="why", **times)]
    job = fold([*steps, judged("j2", instances=4, data_logs=3)]).job("j2")
    assert (job.request, job.spans.key, job.round_number, job.lane) == ({"n": "j2"}, "part-1", 1, "standard")
    assert (job.status, job.failure_reason) == (JobStatus.FAILED, "why")
    assert (job.created_at, job.started_at, job.ended_at) == ("c", "s", "e")
    assert (job.verdicts.key, job.instances, job.data_logs) == ("part-0", 4, 3)
    assert fold(steps).job("j1").created is False


def test_a_job_that_was_not_planned_is_a_key_error():
    with pytest.raises(KeyError):
        fold(BEGUN).job("j1")


# The kinds of step that may follow the first n steps of WHOLE, besides `resumed`, which always may.
ALL_STEPS = {
    "opened": OPENED,
    "staged": STAGED,
    "exported": EXPORTED,
    "planned j1 j2": planned("j1", "j2"),
    "planned j3": planned("j3", round_number=2),
    "created j1": created("j1"),
    "created j2": created("j2"),
    "created j9": created("j9"),
    "ended j1": ended("j1"),
    "ended j2": ended("j2"),
    "stopping j1": ended("j1", "Stopping"),
    "unknown end j1": ended("j1", "Paused"),
    "judged j1": judged("j1"),
    "judged j2": judged("j2"),
    "stop j1": step("job_stopping", job="j1", reason="timeout"),
    "stop j9": step("job_stopping", job="j9", reason="timeout"),
    "stopped": STOPPED,
    "reconciled": reconciled(),
    "gated": GATED,
    "publication": PUBLICATION,
    "published": PUBLISHED,
    "done": DONE,
}
LEGAL = [
    {"staged"},
    {"exported"},
    {"planned j1 j2"},
    {"created j1", "created j2", "stop j1"},
    {"created j2", "ended j1", "stop j1"},
    {"ended j1", "ended j2", "stop j1"},
    {"ended j1", "judged j2", "stop j1"},
    {"ended j1", "stop j1"},
    {"judged j1"},
    {"reconciled"},
    {"gated"},
    {"publication"},
    {"published"},
    {"done"},
    set(),
]
LEGAL = [*({*legal, "stopped"} for legal in LEGAL[:-1]), LEGAL[-1]]
ILLEGAL = [(n + 1, name) for n, legal in enumerate(LEGAL) for name in ALL_STEPS if name not in legal]


@pytest.mark.parametrize(("length", "name"), ILLEGAL)
def test_an_illegal_step_raises_and_changes_nothing(length, name):
    state = fold(WHOLE[:length])
    before = copy.deepcopy(state)
    with pytest.raises(LedgerCorrupt, match="step 0"):
        advance(state, ALL_STEPS[name])
    assert state == before


@pytest.mark.parametrize(("length", "name"), [(n + 1, name) for n, legal in enumerate(LEGAL) for name in sorted(legal)])
def test_a_legal_step_changes_the_state_and_not_the_one_before(length, name):
    state = fold(WHOLE[:length])
    before = copy.deepcopy(state)
    assert advance(state, ALL_STEPS[name]) != before
    assert state == before


@pytest.mark.parametrize("name", [name for name in ALL_STEPS if name != "opened"])
def test_a_ledger_begins_with_opened(name):
    with pytest.raises(LedgerCorrupt, match="begins with `opened`"):
        advance(None, ALL_STEPS[name])


@pytest.mark.parametrize("length", range(1, len(WHOLE) + 1))
def test_a_kind_of_a_later_version_is_no_damage(length):
    """The run was told to be lost for good, and another run_id would have paid for all of it again."""
    words = "step 0 of the ledger was written by a later version .*'rescored'.*: go on with the run by that version"
    with pytest.raises(ConfigurationError, match=words):
        advance(fold(WHOLE[:length]), step("rescored"))


@given(st.text())
def test_no_other_text_is_a_kind(kind):
    if kind not in {"resumed", "staged", "stopped", "cleaned"}:
        with pytest.raises((LedgerCorrupt, ConfigurationError)):
            advance(fold([OPENED]), step(kind))


@pytest.mark.parametrize(
    ("before", "without"),
    [
        (BEGUN[:2], step("exported", objects=1)),
        (BEGUN, step("planned", parts=1, jobs=planned("j1").payload["jobs"], probe=False)),
        (WHOLE[:9], step("job_judged", job="j1", witness_scored=False)),
        (WHOLE[:10], step("reconciled", parts=1, **reconciled().payload)),
        (WHOLE[:11], step("gated")),
    ],
)
def test_a_step_with_the_wrong_number_of_parts_is_refused(before, without):
    with pytest.raises(LedgerCorrupt):
        advance(fold(before), without)


@pytest.mark.parametrize("lacking", [step("staged"), step("staged", files=[{"path": "f"}], schema="{}")])
def test_a_step_that_lacks_what_it_must_say_is_refused(lacking):
    with pytest.raises(LedgerCorrupt, match="step 0"):
        advance(fold([OPENED]), lacking)


def test_no_second_round_is_planned_while_a_job_of_the_first_is_undecided():
    steps = [*BEGUN, planned("j1", "j2"), created("j1"), created("j2"), ended("j1", "Failed"), judged("j1")]
    assert told(fold(steps)) == "Await j2"
    for early in (planned("j3", round_number=2), reconciled()):
        with pytest.raises(LedgerCorrupt):
            advance(fold(steps), early)


@pytest.mark.parametrize("again", [planned("j1", round_number=2), planned("j2", round_number=3)])
def test_a_name_is_never_planned_twice_and_no_round_left_out(again):
    state = fold([*BEGUN, *tried("j1", 1, left=1)])
    with pytest.raises(LedgerCorrupt):
        advance(state, again)


def test_nothing_is_gated_while_spans_are_left():
    with pytest.raises(LedgerCorrupt):
        advance(fold([*BEGUN, *tried("j1", 1, left=1)]), GATED)


def test_spans_left_over_are_planned_in_the_next_round():
    state = fold([*BEGUN, *tried("j1", 1, left=2)])
    assert (state.rounds, state.last_round.open_spans, told(state)) == (1, 2, "Plan")
    after = fold([*BEGUN, *tried("j1", 1, left=2), *tried("j2", 2, left=0)])
    assert (after.rounds, after.is_settled, told(after)) == (2, True, "Gate")


def test_a_round_is_remembered():
    steps = [*BEGUN, planned("j1", probe=True, witness="w"), created("j1"), ended("j1"), judged("j1")]
    record = fold([*steps, reconciled(2, stop=["why"], probe=True)]).last_round
    assert (record.is_probe, record.probe_next, record.stop, record.open_spans) == (True, True, ("why",), 2)
    assert (record.scored_rows, record.dead_rows) == (2, 1)
    assert (record.waiting.key, record.leaves.key, record.open.key) == ("part-1", "leaves", "open")
    assert fold(steps).job("j1").controls == ("w",)  # as a ledger of before tells it


def rounds(count, first=1):
    return [s for n in range(first, first + count) for s in tried(f"j{n}", n, 1)]


def test_rounds_are_bounded():
    told_after = [told(fold([*BEGUN, *rounds(count)])) for count in range(1, MAX_ROUNDS + 1)]
    assert told_after == ["Plan"] * (MAX_ROUNDS - 1) + ["GiveUp"]


@pytest.mark.parametrize(("failed", "words"), [(30.0, "the model is flaky"), (0.0, "not settled after 20 rounds")])
def test_a_run_that_ends_after_so_many_rounds_says_when_its_model_is_flaky(failed, words):
    state = fold([*BEGUN, *rounds(MAX_ROUNDS)])
    known = replace(state.last_round, trials={"failed": failed, "seen": 100.0})
    (why,) = next_action(state.with_last_round(known)).reasons
    assert words in why
    assert ("flaky" in why) == bool(failed)


def test_a_driver_that_resumes_goes_on_as_long_again():
    given_up = [*BEGUN, *rounds(MAX_ROUNDS), RESUMED]
    assert told(fold(given_up)) == "Plan"
    assert told(fold([*given_up, *rounds(MAX_ROUNDS - 1, MAX_ROUNDS + 1)])) == "Plan"
    assert told(fold([*given_up, *rounds(MAX_ROUNDS, MAX_ROUNDS + 1)])) == "GiveUp"


def test_a_round_that_ended_the_run_is_gone_on_with_by_the_next_driver_alone():
    once = [*BEGUN, *tried("j1", 1, left=1, stop=["no capacity"])]
    assert next_action(fold(once)) == act.GiveUp(("no capacity",))
    with pytest.raises(LedgerCorrupt):
        advance(fold(once), planned("j2", round_number=2))
    resumed = fold([*once, RESUMED])
    assert (told(resumed), resumed.last_round.resumed) == ("Plan", True)


def test_no_more_jobs_are_in_flight_than_the_setting_says():
    opened = step("opened", run_id="r", nonce="n", config={"transform": {"max_parallel_jobs": 1}}, at="t")
    steps = [opened, STAGED, EXPORTED, planned("j1", "j2"), created("j1")]
    assert told(fold(steps)) == "Await j1"
    assert told(fold([*steps, ended("j1")])) == "Create j2"


def test_a_stop_is_remembered_with_its_reason():
    steps = [*BEGUN, planned("j1"), created("j1"), step("job_stopping", job="j1", reason="timeout")]
    assert (fold(steps).job("j1").stop_reason, told(fold(steps))) == ("timeout", "Await j1")


@pytest.mark.parametrize("length", range(1, len(WHOLE)))
def test_a_person_may_stop_a_run_until_it_is_done_and_who_resumes_it_goes_on(length):
    stopped = [*WHOLE[:length], STOPPED]
    assert (fold(stopped).stopped, told(fold(stopped))) == (True, ACTIONS[length - 1])
    assert not fold([*stopped, RESUMED]).stopped


@pytest.mark.parametrize("length", range(1, len(WHOLE) + 1))
def test_resuming_is_always_possible_and_changes_no_action(length):
    assert told(fold([*WHOLE[:length], RESUMED])) == ACTIONS[length - 1]


def test_a_table_without_rows_needs_no_job():
    assert told(fold([*BEGUN, planned()])) == "Reconcile"
    assert told(fold([*BEGUN, planned(), reconciled()])) == "Gate"


def test_seconds_add_up_by_kind():
    first, second = (step("resumed", config={}, seconds=seconds) for seconds in (0.25, 0.5004))
    assert fold([OPENED, first, STAGED, second]).seconds_by_step == {"resumed": 0.75}


def test_a_driver_that_resumes_brings_its_own_configuration():
    assert fold([*BEGUN, step("resumed", config={"a": 2})]).config == {"a": 2}


@pytest.mark.parametrize("following", [RESUMED, STAGED, CLEANED])
def test_nothing_follows_when_a_run_is_cleaned(following):
    assert fold([*BEGUN, CLEANED]).cleaned
    with pytest.raises(LedgerCorrupt, match="the run was cleaned"):
        fold([*BEGUN, CLEANED, following])
