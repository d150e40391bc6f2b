"""A model that becomes another one while a run goes on: never a table of two models without a word."""

from __future__ import annotations

from contextlib import suppress

import pytest

from batch_transform.core.errors import LedgerCorrupt, ServiceFailure
from batch_transform.core.state.fold import advance
from batch_transform.core.state.model_versions import model_labels
from batch_transform.pipeline.commands.command_options import COLLECT, PREPARE, SUBMIT
from batch_transform.pipeline.context import NoModels
from support.core_tables import step
from support.crashing_run import kinds, mutations
from support.faults import Crash, Fate
from support.memory_models import DATA, IMAGE, MemoryModels
from support.memory_run import MemoryRun, all_rows, echoing

SIZES = [20, 20]
BAD = all_rows(SIZES)[7]


def ended(run):
    with pytest.raises(ServiceFailure) as failure:
        run.to_the_end()
    return str(failure.value)


def after_one_round(**options):
    """A run of which the first round has scored half of the rows."""
    run = MemoryRun(SIZES, echoing(lambda row: 400 if row == BAD else None), **options)
    driver = run.driver()
    while driver.state.last_round is None or driver.state.last_round.leaves is None:
        assert driver.step()
    driver.ctx.lease.release()
    assert driver.state.round_records[0].scored_rows == 20
    return run


def overwrite(models):
    models.etags[DATA] = "etag-2"


def move_the_tag(models):
    models.digests[IMAGE] = "sha256:2"


def make_anew_with_another_image(models):
    models.described["PrimaryContainer"]["Image"] = "churn:8"


def make_anew_with_another_environment(models):
    models.described["PrimaryContainer"]["Environment"]["THRESHOLD"] = "0.6"


def add_a_container(models):
    models.described["Containers"] = [models.described.pop("PrimaryContainer"), {"Image": "post"}]


def delete(models):
    models.described = None


CHANGES = [overwrite, move_the_tag, make_anew_with_another_image, make_anew_with_another_environment, add_a_container]


@pytest.mark.parametrize("change", [*CHANGES, delete])
def test_a_model_that_is_altered_between_two_rounds_ends_the_run_and_nothing_is_mixed(change):
    run = after_one_round()
    before = len(run.service.requests)
    change(run.models)
    words = [ended(run) for _ in range(2)]
    assert words[0] == words[1]
    assert "what was scored (20 rows) is kept" in words[0]
    assert "hidden" not in words[0]
    assert len(run.service.requests) == before
    # What is not found may as well be asked for in another account or region than before.
    ways = ("when the model is back", "aws.region") if change is delete else ("accept_model=True",)
    assert all(way in words[0] for way in ways)
    run.models = type(run.models)()
    state = run.to_the_end()
    assert state.report["rows_scored"] == 39
    assert len(state.models) == 1
    assert set(model_labels(state).values()) == {"m"}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("by_steps", [False, True])
def test_accepted_it_goes_on_and_each_row_says_which_one_scored_it(change, by_steps):
    run = after_one_round()
    change(run.models)
    run.accept_model = True
    if by_steps:
        while run.step(COLLECT)["status"] != "published":
            run.accept_model = False
        state = run.state()
    else:
        state = run.to_the_end()
    assert [(v.number, v.accepted) for v in state.models] == [(1, False), (2, True)]
    labels = model_labels(state)
    by_round = {job.round_number: labels[job.name] for job in state.jobs}
    one, two = (v.identity.label for v in state.models)
    assert (by_round[1], by_round[2], one == two) == (f"m@{one}", f"m@{two}", False)
    told = state.report["models"]
    assert [(entry["version"], entry["model"]) for entry in told] == [(1, one), (2, two)]
    assert told[0]["jobs"] == [job.name for job in state.jobs if job.round_number == 1]
    assert {job["model_version"] for job in state.report["jobs"]} == {1, 2}


def test_what_is_accepted_is_the_model_as_it_is_and_no_later_one():
    """Accepted for the second round, altered again before the third."""
    run = three_rounds()
    overwrite(run.models)
    run.accept_model = True
    to_round(run, 3)
    run.accept_model = False
    run.models.etags[DATA] = "etag-3"
    assert "etag-2, 10 bytes, now ETag etag-3" in ended(run)


def test_accepting_what_has_not_changed_is_no_leave_for_later():
    run = after_one_round()
    run.accept_model = True
    driver = run.driver()
    while not driver.state.in_flight:
        driver.step()
    assert not driver.state.accepts_model
    assert len(driver.state.models) == 1


def test_before_anything_is_scored_another_model_is_taken_without_asking():
    """A broken model that is mended under its name: the next start sends all of it."""
    run = MemoryRun(SIZES, echoing(lambda row: None))
    run.service.job_faults.extend(["ping"])
    assert "never answered" in ended(run)
    overwrite(run.models)
    state = run.to_the_end()
    assert state.report["rows_scored"] == 40
    assert [v.accepted for v in state.models] == [False, False]


def test_it_is_looked_at_before_each_create_and_recorded_once():
    run = after_one_round()
    run.to_the_end()
    assert run.models.looks == len(run.service.requests) + 1
    assert kinds(run).count("model_recorded") == 1


def test_a_job_that_was_created_before_the_model_changed_is_adopted_with_the_one_it_has():
    run = MemoryRun(SIZES, echoing(lambda row: None))
    creation = next(n for n, name in enumerate(mutations(run.copy())) if name.startswith("CreateTransformJob"))
    run.beset({creation: Fate.DIE_AFTER})
    with suppress(Crash):
        run.to_the_end()
    run.beset({})
    overwrite(run.models)
    state = run.to_the_end()
    assert (run.service.records_sent, len(state.models), state.jobs[0].model) == (40, 1, 1)


def test_a_model_that_is_gone_after_all_was_sent_is_missed_by_nobody():
    run = MemoryRun(SIZES, echoing(lambda row: None))
    driver = run.driver()
    while not driver.state.in_flight:
        driver.step()
    delete(run.models)
    assert driver.run().report["rows_scored"] == 40


def test_where_a_model_may_not_be_looked_at_that_is_said_once_and_the_run_goes_on():
    run = MemoryRun(SIZES, echoing(lambda row: 400 if row == BAD else None))
    run.models.refused = True
    state = run.to_the_end()
    told = [event.text for event in run.events if event.step == "model"]
    assert len(told) == 1
    assert "warning: DescribeModel m is refused (AccessDeniedException: no)" in told[0]
    assert (state.report["rows_scored"], len(state.models)) == (39, 1)
    assert set(model_labels(state).values()) == {"m"}


def three_rounds():
    """A run of which the first round is done; a row of it takes two more."""
    run = MemoryRun([2000], echoing(lambda row: 500 if row == 7 else None))
    driver = run.driver()
    while driver.state.rounds < 2:
        driver.step()
    driver.ctx.lease.release()
    return run


def to_round(run, number):
    driver = run.driver()
    while driver.state.rounds < number:
        driver.step()
    driver.ctx.lease.release()


@pytest.mark.parametrize("altered", [False, True])
def test_where_it_may_be_looked_at_no_more_the_run_goes_on_and_what_was_known_still_counts(altered):
    """Refused in the second round, and not in the third."""
    run = three_rounds()
    run.models.refused = True
    to_round(run, 3)
    assert [version.identity is None for version in run.state().models] == [False, True]
    run.models.refused = False
    if altered:
        overwrite(run.models)
        assert "etag-1, 10 bytes, now ETag etag-2" in ended(run)
    else:
        assert run.to_the_end().report["rows_scored"] == 1999
    assert sum(event.step == "model" for event in run.events) == 1


def test_prepared_with_one_model_and_submitted_with_another_is_a_run_of_the_other():
    run = MemoryRun(SIZES, echoing(lambda row: None), exported=False)
    run.step(PREPARE)
    overwrite(run.models)
    run.step(SUBMIT)
    assert run.step(COLLECT)["status"] == "published"


def test_a_ledger_of_a_version_that_did_not_look_goes_on_with_what_is_found():
    run = after_one_round(models=NoModels())
    assert run.state().models == ()
    run.models = MemoryModels()
    state = run.to_the_end()
    assert (len(state.models), state.jobs[0].model, state.jobs[-1].model) == (1, None, 1)
    assert set(model_labels(state).values()) == {"m"}


@pytest.mark.parametrize("accepted", [False, True])
def test_the_ledger_takes_no_other_model_that_nobody_has_accepted(accepted):
    run = after_one_round()
    overwrite(run.models)
    state = run.state()
    if accepted:
        state = advance(state, step("resumed", config=state.config, accept_model=True))
    found = run.models.look("m", state.nonce).identity.to_document()
    recorded = step("model_recorded", identity=found, accepted=accepted, at="now")
    if accepted:
        assert len(advance(state, recorded).models) == 2
    else:
        with pytest.raises(LedgerCorrupt, match="m is another model"):
            advance(state, recorded)


def test_a_second_other_model_takes_a_second_leave():
    run = after_one_round()
    overwrite(run.models)
    state = advance(run.state(), step("resumed", config=run.state().config, accept_model=True))
    for number in (1, 2):
        found = run.models.look("m", state.nonce).identity.to_document()
        recorded = step("model_recorded", identity=found, accepted=True, at="now")
        if number == 1:
            state = advance(state, recorded)
            run.models.etags[DATA] = "etag-3"
    with pytest.raises(LedgerCorrupt, match="was not accepted"):
        advance(state, recorded)
