"""What another driver changes of a run that it goes on with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_transform.core.ledger import Part
from batch_transform.core.resuming.resumed_run import resumed
from batch_transform.core.round_record import RoundRecord
from batch_transform.core.run_state import TIMEOUT, JobRecord, Recorded, RunState
from batch_transform.core.staged_table import Staged

WAITING = Part("waiting", "etag", 0)
CONFIG = {"model": {"name": "m"}, "transform": {"instance_type": "ml.m5.xlarge"}, "prediction": {"schema": "p long"}}
JOB = JobRecord("j", 1, "standard", {"TransformResources": {"InstanceType": "ml.m5.xlarge"}}, WAITING)


def state(last=None, config=CONFIG, **fields):
    records = () if last is None else (RoundRecord(WAITING, False, 1), last)
    return RunState("r", "n", config, "2026-01-01", "2026-01-01", round_records=records, **fields)


def record(**fields):
    return replace(RoundRecord(WAITING, False, 2), **fields)


def go_on(run, **config):
    return resumed(run, {"config": {**CONFIG, **config}})


def test_a_run_that_had_ended_is_forgiven_what_lacked_and_goes_on():
    after = go_on(state(record(stop=("no instances",))))
    assert (after.last_round.stop, after.last_round.resumed, after.forgiven_until) == ((), True, 2)


@pytest.mark.parametrize(
    ("last", "job", "until"),
    [
        (None, None, 0),
        (record(), None, 1),
        (record(), replace(JOB, created=True), 1),
        (record(), replace(JOB, created=True, stop_reason=TIMEOUT), 2),
        (record(), replace(JOB, created=True, stop_reason=TIMEOUT, settled_in=1), 1),
        (record(stop=("misread",), misread=True), None, 2),
    ],
)
def test_nothing_is_forgiven_a_run_that_had_not_ended(last, job, until):
    run = state(last, jobs=() if job is None else (job,), forgiven_until=0 if last is None else 1)
    assert go_on(run).forgiven_until == until


def test_a_run_of_misread_answers_has_ended_until_they_are_read_in_another_way():
    run = state(record(stop=("misread",), misread=True, open=WAITING))
    assert go_on(run).last_round == run.last_round
    after = go_on(run, prediction={"schema": "p long", "format": "text"})
    assert (after.last_round.stop, after.last_round.misread, after.last_round.open) == ((), False, None)


def test_what_was_inferred_falls_with_verdicts_that_fall():
    """Rows were given up by what is judged anew: before that answers had been accepted, and none is any more."""
    run = state(record(stop=("misread",), misread=True, dead_rows=1), inferred="p long", inferred_after=1)
    assert go_on(run).inferred == "p long"
    after = go_on(run, prediction={"schema": "p string"})
    assert (after.inferred, after.inferred_after) == (None, 0)


def test_what_is_asked_of_the_service_plans_jobs_anew_that_were_not_created():
    run = state(record(), jobs=(replace(JOB, created=True), replace(JOB, name="k")))
    after = go_on(run, transform={"instance_type": "ml.m5.2xlarge"})
    assert [(job.name, job.outdated) for job in after.jobs] == [("j", False), ("k", True)]
    assert after.forgiven_until == 2
    assert not any(job.outdated for job in go_on(run).jobs)


@pytest.mark.parametrize("section", [{"output": {"path": "/b"}}, {"expect": ["count(*) > 1"]}])
def test_an_intent_to_commit_falls_with_what_is_published_or_expected_of_it(section):
    intent = Recorded({}, ())
    run = state(record(), publication=intent, expectations=())
    assert (go_on(run).publication, go_on(run).expectations) == (intent, ())
    assert (go_on(run, **section).publication, go_on(run, **section).expectations) == (None, None)
    fixed = replace(run, output_is_fixed=True)
    assert go_on(fixed, **section).publication == intent


def test_what_a_person_asks_is_kept_and_what_one_accepts_is_asked_anew():
    staged = Staged("{}", ())
    run = state(record(), retry_asked=True, accepts_model=True, stopped=True, staged=staged, driver_at="a")
    after = resumed(run, {"config": CONFIG, "at": "b", "answers": "fields"})
    assert (after.retry_asked, after.accepts_model, after.stopped, after.driver_at) == (True, False, False, "b")
    assert (after.staged.answers, after.rounds_before) == ("fields", 2)
    assert resumed(replace(run, retry_asked=False), {"config": CONFIG, "retry_dead": True}).retry_asked
