"""The run's state is a fold over its ledger; what cannot be raises and changes nothing."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core import actions as act
from batch_transform.core.decide import MAX_ATTEMPTS, next_action
from batch_transform.core.errors import LedgerCorrupt
from batch_transform.core.state import advance, fold
from batch_transform.core.status import JobStatus
from support.core_tables import step

FILE = {"path": "f", "rows": 4, "first": 0, "last": 3, "json_bytes": 40, "largest": 10}
OPENED = step("opened", run_id="run", nonce="n", config={"a": 1}, at="2024-05-01T00:00:00+00:00")
STAGED = step("staged", files=[FILE], schema="{}")
EXPORTED = step("exported", parts=1, objects=1, bytes=9)
GATED = step("gated", parts=1, rows_scored=3, rows_dead_letter=1)
PUBLICATION = step("publication", parts=1, mode="append")
PUBLISHED = step("published", output="out")
DONE = step("done", report={"status": "published"})
RESUMED = step("resumed")


def planned(*names, round_number=1):
    jobs = [{"name": n, "request": {"n": n}, "round": round_number, "lane": "standard"} for n in names]
    return step("planned", parts=len(names), jobs=jobs)


def created(name):
    return step("job_created", job=name)


def ended(name, status="Completed", **more):
    return step("job_ended", job=name, status=status, **more)


def judged(name, retry=0, model_failed=False):
    return step("job_judged", parts=1, job=name, spans_to_retry=retry, model_failed=model_failed)


def tried(name, round_number, retry, model_failed=False):
    """All the steps of a round of one job that leaves `retry` spans."""
    first = planned(name, round_number=round_number)
    return [first, created(name), ended(name, "Failed"), judged(name, retry, model_failed)]


BEGUN = [OPENED, STAGED, EXPORTED]
JOBS = [planned("j1", "j2"), created("j1"), created("j2"), ended("j2"), judged("j2"), ended("j1"), judged("j1")]
WHOLE = [*BEGUN, *JOBS, GATED, PUBLICATION, PUBLISHED, DONE]

# What the driver is told after each step of WHOLE; a job's action is written with its name.
ACTIONS = ["Stage", "Export", "Plan", "Create j1", "Create j2", "Await j1 j2", "Await j1", "Await j1"]
ACTIONS += ["Judge j1", "Gate", "Intend", "Publish", "Finish", "Nothing"]


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
    job = fold([*steps, judged("j2", retry=3, model_failed=True)]).job("j2")
    assert (job.request, job.spans.key, job.round_number, job.lane) == ({"n": "j2"}, "part-1", 1, "standard")
    assert (job.status, job.failure_reason) == (JobStatus.FAILED, "why")
    assert (job.created_at, job.started_at, job.ended_at) == ("c", "s", "e")
    assert (job.verdicts.key, job.spans_to_retry, job.model_failed) == ("part-0", 3, True)
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
    "gated": GATED,
    "publication": PUBLICATION,
    "published": PUBLISHED,
    "done": DONE,
    "unknown": step("rescored"),
}
LEGAL = [
    {"staged"},
    {"exported"},
    {"planned j1 j2", "planned j3"},
    {"created j1", "created j2"},
    {"created j2", "ended j1"},
    {"ended j1", "ended j2"},
    {"ended j1", "judged j2"},
    {"ended j1"},
    {"judged j1"},
    {"gated"},
    {"publication"},
    {"published"},
    {"done"},
    set(),
]
ILLEGAL = [(n + 1, name) for n, legal in enumerate(LEGAL) for name in ALL_STEPS if name not in legal]


@pytest.mark.parametrize(("length", "name"), ILLEGAL)
def test_an_illegal_step_raises_and_changes_nothing(length, name):
    state = fold(WHOLE[:length])
    before = copy.deepcopy(state)
    with pytest.raises(LedgerCorrupt, match="step 0"):
        advance(state, ALL_STEPS[name])
    assert state == before


@pytest.mark.parametrize(("length", "name"), [(n + 1, name) for n, legal in enumerate(LEGAL) for name in legal])
def test_a_legal_step_changes_the_state_and_not_the_one_before(length, name):
    state = fold(WHOLE[:length])
    before = copy.deepcopy(state)
    assert advance(state, ALL_STEPS[name]) != before
    assert state == before


@pytest.mark.parametrize("name", [name for name in ALL_STEPS if name != "opened"])
def test_a_ledger_begins_with_opened(name):
    with pytest.raises(LedgerCorrupt, match="begins with `opened`"):
        advance(None, ALL_STEPS[name])


def test_an_unknown_kind_is_named():
    with pytest.raises(LedgerCorrupt, match="step 0: unknown kind 'rescored'"):
        advance(fold(BEGUN), step("rescored"))


@given(st.text())
def test_no_other_text_is_a_kind(kind):
    if kind not in {"resumed", "staged"}:
        with pytest.raises(LedgerCorrupt):
            advance(fold([OPENED]), step(kind))


@pytest.mark.parametrize(
    ("before", "without"),
    [
        (BEGUN[:2], step("exported", objects=1)),
        (BEGUN, step("planned", parts=2, jobs=planned("j1").payload["jobs"])),
        (WHOLE[:8], step("job_judged", job="j1", spans_to_retry=0, model_failed=False)),
        (WHOLE[:10], step("gated")),
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
    steps = [*BEGUN, planned("j1", "j2"), created("j1"), created("j2"), ended("j1", "Failed"), judged("j1", retry=1)]
    assert told(fold(steps)) == "Await j2"
    with pytest.raises(LedgerCorrupt):
        advance(fold(steps), planned("j3", round_number=2))


def test_a_name_is_never_planned_twice():
    state = fold([*BEGUN, *tried("j1", 1, retry=1)])
    with pytest.raises(LedgerCorrupt):
        advance(state, planned("j1", round_number=2))


def test_nothing_is_gated_while_spans_are_left():
    with pytest.raises(LedgerCorrupt):
        advance(fold([*BEGUN, *tried("j1", 1, retry=1)]), GATED)


def test_spans_left_over_are_planned_in_the_next_round():
    state = fold([*BEGUN, *tried("j1", 1, retry=2)])
    assert (state.rounds, state.spans_to_retry, told(state)) == (1, 2, "Plan")
    after = fold([*BEGUN, *tried("j1", 1, retry=2), *tried("j2", 2, retry=0)])
    assert (after.rounds, after.spans_to_retry, told(after)) == (2, 0, "Gate")


def rounds(count, first=1, model_failed=False):
    return [s for n in range(first, first + count) for s in tried(f"j{n}", n, 1, model_failed)]


def test_rounds_are_bounded():
    told_after = [told(fold([*BEGUN, *rounds(count)])) for count in range(1, MAX_ATTEMPTS + 1)]
    assert told_after == ["Plan"] * (MAX_ATTEMPTS - 1) + ["GiveUp"]


def test_a_driver_that_resumes_tries_as_often_again():
    given_up = [*BEGUN, *rounds(MAX_ATTEMPTS), RESUMED]
    assert told(fold(given_up)) == "Plan"
    assert told(fold([*given_up, *rounds(MAX_ATTEMPTS - 1, MAX_ATTEMPTS + 1)])) == "Plan"
    assert told(fold([*given_up, *rounds(MAX_ATTEMPTS, MAX_ATTEMPTS + 1)])) == "GiveUp"


def test_a_model_that_never_answered_is_not_tried_again_by_the_same_driver():
    once = [*BEGUN, *rounds(1, model_failed=True)]
    assert [told(fold(once)), told(fold([*once, RESUMED]))] == ["GiveUp", "Plan"]
    assert told(fold([*once, RESUMED, *rounds(1, first=2, model_failed=True)])) == "GiveUp"


def test_a_model_that_failed_rounds_ago_no_longer_counts():
    steps = [*BEGUN, *rounds(1, model_failed=True), RESUMED, *rounds(1, first=2)]
    assert told(fold(steps)) == "Plan"


@pytest.mark.parametrize("length", range(1, len(WHOLE) + 1))
def test_resuming_is_always_possible_and_changes_no_action(length):
    assert told(fold([*WHOLE[:length], RESUMED])) == ACTIONS[length - 1]


def test_a_table_without_rows_needs_no_job():
    assert told(fold([*BEGUN, planned()])) == "Gate"


def test_seconds_add_up_by_kind():
    first, second = step("resumed", seconds=0.25), step("resumed", seconds=0.5004)
    assert fold([OPENED, first, STAGED, second]).seconds_by_step == {"resumed": 0.75}


def test_what_a_handler_recorded_is_without_the_drivers_seconds():
    state = fold([*WHOLE[:-4], step("gated", parts=1, rows_scored=4, seconds=1.0)])
    assert state.gate.payload_without_seconds == {"rows_scored": 4}
    assert state.seconds_by_step == {"gated": 1.0}
