"""Predictions are published as `expect` says, or when a person accepts them; they are scored and paid for once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batch_transform.core.errors import ConfigurationError, LedgerCorrupt, ServiceFailure, UnexpectedPredictions
from batch_transform.core.publishing.report import run_report
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.statuses import RunStatus
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.earlier_runs import latest_published
from batch_transform.pipeline.recorded import check_same
from support.memory_delta import DeltaRun
from support.memory_run import RUN, MemoryRun, echoing

SIZES, DEAD = [4, 4], 2
COUNT = sum(SIZES) - 1  # the rows that are published
MET, NOT_MET = f"count(*) = {COUNT}", "count(*) = 99"
DRIFT = "count(*) = previous.count(*)"


def parquet(expect, **options):
    return _run(MemoryRun, expect, **options)


def orc(expect, **options):
    return _run(MemoryRun, expect, format="orc", **options)


def delta(expect, **options):
    return _run(DeltaRun, expect, **options)


def _run(kind, expect, dead=DEAD, **options):
    return kind(SIZES, echoing(lambda row: 400 if row == dead else None), sections={"expect": expect}, **options)


KINDS = pytest.mark.parametrize("kind", [parquet, orc, delta])


def refused(run):
    with pytest.raises(UnexpectedPredictions) as ended:
        run.to_the_end()
    return ended.value


def is_published(run):
    return any(list(run.store.list(target)) for target in run.targets.values())


@KINDS
def test_predictions_that_are_not_as_expected_publish_nothing_and_a_person_publishes_them_without_a_job(kind):
    run = kind([MET, NOT_MET])
    error = refused(run)
    assert (error.exit_code, error.status) == (3, RunStatus.UNEXPECTED_PREDICTIONS)
    assert f"not met: {NOT_MET} (count(*) is {COUNT})" in error.lines
    assert "accept_expectations=True" in error.ways[0]
    assert not is_published(run)
    jobs = list(run.service.requests)
    run.accept_expectations = True
    state = run.to_the_end()
    assert is_published(run)
    assert run.service.requests == jobs
    assert [each["accepted"] for each in state.report["expectations"]] == [False, True]


@KINDS
def test_what_was_found_is_known_from_then_on_and_nobody_looks_again(kind):
    run = kind([NOT_MET])
    assert refused(run).lines == refused(run).lines
    run.accept_expectations = True
    run.to_the_end()
    assert run.measured == 1


@KINDS
def test_predictions_that_are_as_expected_are_published_with_what_was_found(kind):
    state = kind([MET]).to_the_end()
    (found,) = state.report["expectations"]
    assert (found["expression"], found["held"], found["values"]) == (MET, True, {"count(*)": COUNT})


@KINDS
def test_other_expectations_may_be_asked_for_and_are_looked_at(kind):
    run = kind([NOT_MET])
    refused(run)
    run.sections["expect"] = [MET]
    assert run.to_the_end().report["expectations"][0]["held"]


@KINDS
def test_a_run_that_expects_nothing_is_not_looked_at(kind):
    run = kind([])
    assert "expectations" not in run.to_the_end().report
    assert run.measured == 0


@KINDS
def test_what_is_accepted_before_it_is_known_is_published_as_it_is_found(kind):
    run = kind([NOT_MET], accept_expectations=True)
    assert run.to_the_end().report["expectations"][0]["accepted"]


@KINDS
def test_rows_that_are_scored_again_are_looked_at_again(kind):
    dead = {DEAD}
    run = kind([f"count(*) = {COUNT + 1}"])
    run.service.model = echoing(lambda row: 400 if row in dead else None)
    refused(run)
    dead.clear()
    assert run.to_the_end(retry_dead=True).report["expectations"][0]["held"]
    assert run.measured == 2


def test_the_merged_files_of_predictions_that_are_not_published_are_removed():
    run = parquet([NOT_MET])
    refused(run)
    assert not list(run.store.list(run.layout.rows.join("merged")))


def test_the_report_of_a_run_that_was_not_published_has_what_was_found():
    run = parquet([NOT_MET])
    refused(run)
    report = run_report(run.state(), RunStatus.UNEXPECTED_PREDICTIONS, str(RUN))
    assert report["expectations"][0]["values"] == {"count(*)": COUNT}


@KINDS
def test_expectations_that_are_published_are_fixed(kind):
    run = kind([MET])
    run.to_the_end()
    run.sections["expect"] = [NOT_MET]
    with pytest.raises(ConfigurationError, match="expect: was"):
        check_same(run.state(), run._config())


def test_an_expectation_that_changes_before_a_commit_is_looked_at_before_it():
    run = delta([MET])
    driver = run.driver()
    while driver.state.publication is None:
        driver.step()
    driver.ctx.lease.release()
    run.sections["expect"] = [NOT_MET]
    refused(run)
    assert not is_published(run)


def test_what_is_committed_already_is_held_back_no_more():
    run = delta([MET])
    run.watched(lambda: None)
    driver = run.driver()
    while driver.state.publication is None:
        driver.step()
    real, driver.ctx.ledger.append = driver.ctx.ledger.append, _dies
    with pytest.raises(ServiceFailure):
        driver.step()
    driver.ctx.ledger.append = real
    driver.ctx.lease.release()
    assert run.commits("result")
    run.sections["expect"] = [NOT_MET]
    assert run.to_the_end().report["status"] == "published"


def _dies(*_, **__):
    raise ServiceFailure("killed")


@KINDS
@pytest.mark.parametrize("accepts", [False, True])
def test_killed_at_every_point_it_ends_alike(kind, accepts):
    """Before and after each mutation from the gate on: never is something published that nobody has accepted."""
    run, worlds = kind([NOT_MET]), []
    run.to_the_gate()
    run.watched(lambda: worlds.append(run.copy()))
    refused(run)
    jobs = len(run.service.requests)
    for world in [*worlds, run]:
        world.accept_expectations = accepts
        if accepts:
            assert world.to_the_end().report["expectations"][0]["accepted"]
        else:
            refused(world)
        assert is_published(world) == accepts
        assert len(world.service.requests) == jobs
    assert len(worlds) > 3


@KINDS
def test_killed_while_accepted_predictions_are_published_it_is_published_whoever_goes_on(kind):
    """From when publishing is recorded nobody has to accept anything again."""
    run, worlds = kind([NOT_MET]), []
    refused(run)
    run.accept_expectations = True
    run.watched(lambda: worlds.append(run.copy()))
    run.to_the_end()
    for world in worlds:
        world.accept_expectations = False
        if world.state().publication is None:
            refused(world)
        else:
            assert world.to_the_end().report["status"] == "published"


def test_merged_files_that_are_lost_are_merged_again_and_stay_accepted():
    run = parquet([NOT_MET], accept_expectations=True)
    driver = run.driver()
    while driver.state.publication is None:
        driver.step()
    driver.ctx.lease.release()
    for info in list(run.store.list(run.layout.rows.join("merged"))):
        run.store.delete([S3Uri("bucket", info.key)])
    run.accept_expectations = False
    assert run.to_the_end().report["expectations"][0]["accepted"]
    assert run.measured == 1


def of_world(first, run_id, expect=(DRIFT,), **options):
    """Another run of the same workspace, which publishes to the same output."""
    made = parquet(list(expect), run_id=run_id, world=first.store.world, exported=False, **options)
    made.targets = first.targets
    return made


def test_a_first_run_compares_with_nothing_and_says_so_and_the_next_one_compares_with_it():
    first = parquet([DRIFT])
    (found,) = first.to_the_end().report["expectations"]
    assert (found["held"], found["note"]) == (None, "nothing to compare with")
    (found,) = of_world(first, "second").to_the_end().report["expectations"]
    assert (found["held"], found["previous"], found["previous_run"]) == (True, {"count(*)": COUNT}, "run")
    error = refused(of_world(first, "third", dead=None))
    assert f"not met: {DRIFT} (count(*) is {COUNT + 1}, was {COUNT} in second)" in error.lines


def latest(run, output="s3://bucket/out", own="other"):
    return latest_published(run.store, RunLayout(RUN.parent, own), output)


def test_only_runs_that_have_published_to_that_output_are_compared_with():
    first = parquet([MET])
    first.to_the_end()
    refused(of_world(first, "unpublished", [NOT_MET]))
    assert latest(first).run_id == "run"
    assert latest(first, "s3://bucket/out/").run_id == "run"
    assert latest(first, "s3://bucket/elsewhere").run_id is None
    assert latest(first, own="run").run_id is None


def test_the_run_that_was_published_last_counts_also_where_another_one_was_cleaned_since():
    first = parquet([MET], retention="delete")
    first.to_the_end()
    assert latest(first).values == {"count(*)": COUNT}
    of_world(first, "second", [MET]).to_the_end()
    last = max(info.key for info in first.store.list(first.layout.ledger))
    body, modified = first.store.world.objects["bucket", last]
    first.store.world.objects["bucket", last] = (body, modified + timedelta(days=1))  # as if it were cleaned only now
    assert latest(first).run_id == "second"


def test_a_damaged_ledger_of_another_run_is_passed_over():
    first = parquet([MET])
    first.to_the_end()
    (last, *_) = sorted((info.key for info in first.store.list(first.layout.ledger)), reverse=True)
    first.store.put(S3Uri("bucket", last), b"{}")
    assert latest(first).run_id is None
    with pytest.raises(LedgerCorrupt):
        first.state()


@pytest.mark.parametrize("format", ["parquet", "orc"])
def test_an_output_that_a_run_held_back_has_found_empty_is_free_for_another_run(format):
    """Its claim to the place stayed, at which the other one ended when all of it was paid for."""
    run = _run(MemoryRun, [NOT_MET], format=format, mode="error")
    refused(run)
    assert not is_published(run)
    other = MemoryRun(SIZES, echoing(lambda row: None), format=format, mode="error", run_id="o", world=run.store.world)
    other.targets = run.targets
    other.to_the_end()
    assert len(other.published("result")) == sum(SIZES)
    run.accept_expectations = True
    with pytest.raises(ServiceFailure, match=r"everything is scored .*/out holds \d data files? already"):
        run.to_the_end()


def test_where_one_of_two_places_is_taken_when_a_run_publishes_it_gives_back_the_other():
    run = MemoryRun(SIZES, echoing(lambda row: None), mode="error")
    taken = run.targets["dead_letter"].join("rival.parquet")
    run.store.put(taken, b"x")
    with pytest.raises(ServiceFailure, match=r"everything is scored .*/out_dead_letter holds 1 data file already"):
        run.to_the_end()
    assert not list(run.store.list(run.targets["result"].join("_owner")))
    assert [found.key for found in run.store.list(run.targets["dead_letter"])] == [taken.key]
