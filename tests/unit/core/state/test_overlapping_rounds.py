"""A failed span of one job goes on while other jobs run: what may come when, and what the driver is told."""

from __future__ import annotations

import pytest

from batch_transform.core.errors import LedgerCorrupt
from batch_transform.core.state.fold import advance, fold
from batch_transform.core.state.next_action import MAX_ROUNDS, next_action
from support.core_tables import step
from support.recorded_steps import EXPORTED, GATED, STAGED, created, ended, judged, planned, reconciled, tried


def opened(**config):
    return step("opened", run_id="run", nonce="n", config=config, at="2024-05-01T00:00:00+00:00")


THREE = opened(transform={"spread": "jobs", "instance_count": 3})
RESUMED = step("resumed", config=THREE.payload["config"])
FLYING = [planned("j1", "j2", "j3"), created("j1"), created("j2"), created("j3")]
FAILED = judged("j1", objects_scored=1, objects_failed=1)
EARLY = [ended("j1", "Failed"), FAILED, reconciled(2, jobs=["j1"])]
SECOND = [planned("k1", round_number=2), created("k1")]


def after(*steps, begun=THREE):
    return fold([begun, STAGED, EXPORTED, *steps])


def told(state):
    action = next_action(state)
    named = [action.job] if hasattr(action, "job") else getattr(action, "jobs", ())
    return " ".join([type(action).__name__, *(job.name for job in named)])


def test_what_is_left_of_one_job_is_sent_while_the_others_of_its_round_run():
    steps = [*FLYING, *EARLY, *SECOND]
    actions = ["Create j1", "Create j2", "Create j3", "Await j1 j2 j3", "Judge j1", "Reconcile j1", "Plan", "Create k1"]
    actions += ["Await j2 j3 k1"]
    assert [told(after(*steps[: n + 1])) for n in range(len(steps))] == actions


def test_who_resumes_goes_on_with_what_is_carried_over():
    steps = [*FLYING, *EARLY, *SECOND]
    for length in range(1, len(steps) + 1):
        assert told(after(*steps[:length], RESUMED)) == told(after(*steps[:length]))


def test_whichever_chain_ends_is_gone_on_with_and_the_gate_waits_for_all():
    steps = [*FLYING, *EARLY, *SECOND, ended("k1", "Failed"), judged("k1", objects_scored=1, objects_failed=1)]
    assert told(after(*steps)) == "Reconcile k1"
    steps += [reconciled(1, jobs=["k1"]), planned("l1", round_number=3), created("l1"), ended("l1"), judged("l1")]
    assert told(after(*steps)) == "Await j2 j3"
    with pytest.raises(LedgerCorrupt):
        advance(after(*steps), GATED)
    steps += [ended("j2"), judged("j2"), ended("j3"), judged("j3")]
    assert told(after(*steps)) == "Reconcile j2 j3 l1"
    state = after(*steps, reconciled())
    assert (told(state), state.rounds, state.plans) == ("Gate", 3, 3)


def test_a_plan_is_one_round_deeper_than_the_deepest_job_that_it_takes_up():
    """The numbers of rounds are not those of plans: here the third plan is of the second round."""
    steps = [*FLYING, *EARLY, *SECOND, ended("j2", "Failed"), judged("j2", objects_scored=1, objects_failed=1)]
    steps += [reconciled(1, jobs=["j2"], round=1)]
    assert after(*steps).next_round == 2
    state = after(*steps, planned("k2", round_number=2))
    assert (state.rounds, state.plans, [job.plan for job in state.jobs]) == (2, 3, [1, 1, 1, 2, 3])
    together = [*FLYING, *EARLY, *SECOND]
    for name in ("j2", "k1"):
        together += [ended(name, "Failed"), judged(name, objects_scored=1, objects_failed=1)]
    assert told(after(*together)) == "Reconcile j2 k1"
    assert after(*together, reconciled(1, jobs=["j2", "k1"], round=2)).next_round == 3


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ({"objects_scored": 0, "objects_failed": 2}, "nothing of the run was scored yet"),
        ({"objects_scored": 2, "objects_failed": 0}, "nothing failed"),
        ({}, "an earlier version judged it"),
    ],
)
def test_a_job_waits_for_the_others_as_long_as(counts, why):
    assert told(after(*FLYING, ended("j1", "Failed"), judged("j1", **counts))) == "Await j2 j3", why


def test_what_another_job_scored_is_enough():
    steps = [*FLYING, ended("j1", "Failed"), judged("j1", objects_failed=2), ended("j2")]
    assert told(after(*steps)) == "Judge j2"
    assert told(after(*steps, judged("j2", objects_scored=2))) == "Reconcile j1 j2"


def test_a_probe_is_one_question():
    probe = [*tried("j1", 1, 1), planned("k1", "k2", round_number=2, probe=True), created("k1"), created("k2")]
    steps = [*probe, ended("k1"), judged("k1", objects_scored=1, objects_failed=1)]
    assert told(after(*steps)) == "Await k2"


def test_nothing_is_judged_whose_schema_is_to_be_inferred_from_all_answers():
    begun = opened(transform={"spread": "jobs", "instance_count": 3}, prediction={"schema": "infer"})
    steps = [*FLYING, ended("j1")]
    assert told(after(*steps, begun=begun)) == "Await j2 j3"
    assert told(after(*steps, ended("j2"), ended("j3"), begun=begun)) == "Infer j1 j2 j3"


@pytest.mark.parametrize(
    ("transform", "action"),
    [
        ({"spread": "jobs", "instance_count": 3}, "Reconcile j1"),
        ({"spread": "jobs", "instance_count": 2}, "Await j2 j3"),
        ({"spread": "jobs", "instance_count": 3, "max_parallel_jobs": 2}, "Await j2 j3"),
        ({"instance_count": 9, "spread": "instances", "max_parallel_jobs": 3}, "Reconcile j1"),
        ({"instance_count": 9, "spread": "instances"}, "Await j2 j3"),
    ],
)
def test_no_more_is_planned_while_no_instance_is_free(transform, action):
    """The bounds hold for all rounds together; what fails meanwhile is planned with it."""
    steps = [*FLYING, ended("j1", "Failed"), FAILED]
    assert told(after(*steps, begun=opened(transform=transform))) == action


def test_a_planned_job_comes_before_what_has_ended_since():
    steps = [*FLYING, *EARLY, planned("k1", "k2", round_number=2), created("k1")]
    assert told(after(*steps)) == "Await j2 j3 k1"
    assert told(after(*steps, ended("j2"))) == "Create k2"


@pytest.mark.parametrize("transform", [{"instance_count": 2}, {"instance_count": 3, "max_parallel_jobs": 2}])
def test_what_has_ended_is_judged_while_a_planned_job_waits_for_room(transform):
    """Nothing is planned of it: that would wait as well."""
    steps = [planned("j1", "j2", "j3", "j4"), created("j1"), created("j2"), ended("j1", "Failed")]
    begun = opened(transform={"spread": "jobs", **transform})
    assert told(after(*steps, begun=begun)) == "Create j3"
    assert told(after(*steps, created("j3"), begun=begun)) == "Judge j1"
    assert told(after(*steps, created("j3"), FAILED, begun=begun)) == "Await j2 j3"


def test_nothing_is_judged_meanwhile_whose_schema_is_to_be_inferred():
    begun = opened(transform={"spread": "jobs", "instance_count": 2}, prediction={"schema": "infer"})
    steps = [planned("j1", "j2", "j3", "j4"), created("j1"), created("j2"), ended("j1"), created("j3")]
    assert told(after(*steps, begun=begun)) == "Await j2 j3"


@pytest.mark.parametrize(
    "early",
    [
        reconciled(2, jobs=["j1", "j2"]),  # one of them still runs
        reconciled(2, jobs=["j9"]),
        reconciled(2, jobs=[]),
        reconciled(0, jobs=["j1"]),  # nothing is left to send
        reconciled(2, stop=["why"], jobs=["j1"]),
        reconciled(2, probe=True, jobs=["j1"]),
        reconciled(2),
    ],
)
def test_early_are_judged_jobs_alone_to_send_what_is_left_of_them(early):
    state = after(*FLYING, ended("j1", "Failed"), FAILED)
    with pytest.raises(LedgerCorrupt):
        advance(state, early)


def test_all_jobs_are_no_early_ones():
    steps = [planned("j1"), created("j1"), ended("j1"), FAILED]
    with pytest.raises(LedgerCorrupt):
        advance(after(*steps), reconciled(2, jobs=["j1"]))


def chain(count):
    """Steps of a chain of so many rounds beside a job that runs on."""
    steps = [planned("j1", "long"), created("j1"), created("long")]
    for number in range(1, count + 1):
        name = f"j{number}"
        steps += [] if number == 1 else [planned(name, round_number=number), created(name)]
        steps += [ended(name, "Failed"), judged(name, objects_scored=1, objects_failed=1)]
        steps += [reconciled(1, jobs=[name])]
    return steps


def test_the_limit_of_rounds_is_that_of_the_longest_chain_and_ends_nothing_before_the_others():
    assert told(after(*chain(MAX_ROUNDS - 1))) == "Plan"
    last = f"j{MAX_ROUNDS}"
    spent = [*chain(MAX_ROUNDS - 1), planned(last, round_number=MAX_ROUNDS), created(last), ended(last, "Failed")]
    spent += [judged(last, objects_scored=1, objects_failed=1)]
    assert told(after(*spent)) == "Await long"
    spent += [ended("long"), judged("long", objects_scored=1)]
    assert told(after(*spent, reconciled(1))) == "GiveUp"
    assert told(after(*spent, reconciled(1), RESUMED)) == "Plan"


def test_many_short_chains_are_no_long_one():
    names = [f"j{number}" for number in range(30)]
    steps = [planned(*names), *map(created, names)]
    for number, name in enumerate(names[:-1]):
        again = f"k{number}"
        steps += [ended(name, "Failed"), judged(name, objects_scored=1, objects_failed=1)]
        steps += [reconciled(1, jobs=[name], round=1)]
        steps += [planned(again, round_number=2), created(again), ended(again), judged(again, objects_scored=1)]
    state = after(*steps, begun=opened(transform={"spread": "jobs", "instance_count": 30}))
    assert (told(state), state.rounds, state.plans) == ("Await j29", 2, 30)


def test_dead_rows_are_sent_again_once_every_job_is_settled():
    asked = step("resumed", config=THREE.payload["config"], retry_dead=True)
    state = after(*FLYING, *EARLY, asked)
    assert told(state) == "Plan"
    with pytest.raises(LedgerCorrupt):
        advance(state, step("retried", rows=0))
    done = [*SECOND, ended("k1"), judged("k1"), ended("j2"), judged("j2"), ended("j3"), judged("j3"), reconciled()]
    assert told(after(*FLYING, *EARLY, asked, *done)) == "RetryDead"


def test_who_reads_answers_otherwise_judges_anew_what_is_not_settled():
    steps = [*FLYING, ended("j1", "Failed"), FAILED, ended("j2"), judged("j2", objects_scored=1)]
    otherwise = step(
        "resumed", config={"transform": {"spread": "jobs", "instance_count": 3}, "prediction": {"schema": "p double"}}
    )
    state = after(*steps, reconciled(1, jobs=["j1"]), *SECOND, otherwise)
    assert [job.name for job in state.jobs if job.verdicts is not None] == ["j1"]
    assert told(state) == "Judge j2"
