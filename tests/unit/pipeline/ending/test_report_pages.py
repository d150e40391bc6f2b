"""Every ending of a run whose workspace answers leaves a report and its page, which say the same."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from batch_transform.core.errors import (
    BatchTransformError,
    ConfigurationError,
    Interrupted,
    LedgerCorrupt,
    PublishedUnverified,
    RowsLost,
    ServiceFailure,
    StopRequested,
)
from batch_transform.core.object_store import StoreFailure
from batch_transform.core.publishing.report import run_report
from batch_transform.core.statuses import RunStatus
from batch_transform.pipeline.commands.command_options import COLLECT, PREPARE, SUBMIT
from batch_transform.pipeline.ending import reporting
from batch_transform.pipeline.ending.exits import Exit
from batch_transform.pipeline.ending.reporting import report_of_end
from batch_transform.pipeline.lifecycle.guarded_process import Guarded
from batch_transform.pipeline.lifecycle.interrupts import Interrupts
from batch_transform.pipeline.loop.handlers import publish
from support.memory_delta import DeltaRun
from support.memory_run import MemoryRun, echoing
from support.report_pages import Page, driven, raising, some_numbers, value_at, written

RESUME = "the same call of score()"


def run(**other):
    return MemoryRun([4, 4], echoing(lambda row: 400 if row == 2 else None), exported=False, **other)


def staged(driver):
    return driver.state.staged is not None


def settled(driver):
    return driver.state.is_settled


ENDINGS = {
    "published": (driven, "published", "Published: 8 rows in, 7 scored, 1 dead letter, 2 rounds, 2 jobs", None),
    "too many dead letters": (
        lambda run: driven(run_over_budget()),
        "over_budget",
        "Too many dead letters",
        None,
    ),
    "cost what it may": (lambda run: driven(run_over_cost()), "over_cost", "The jobs have cost what the run may", None),
    "predictions that are not as expected": (
        lambda run: driven(run_unexpected()),
        "unexpected_predictions",
        "not met: count(*) = 9 (count(*) is 7)",
        None,
    ),
    "refused": (
        lambda run: driven(run, raising(ConfigurationError("input: its rows are not what they were"), staged)),
        "refused",
        "Refused, the run is not published: 8 rows in",
        None,
    ),
    "failed": (
        lambda run: driven(run, raising(ServiceFailure("S3 said 500"), settled)),
        "failed",
        "Failed, the run is not published: 8 rows in",
        RESUME,
    ),
    "failed before anything was staged": (
        lambda run: driven(run, raising(ServiceFailure("Spark: no executor"), lambda driver: True)),
        "failed",
        "no row was staged, 0 rounds, 0 jobs",
        RESUME,
    ),
    "of an error that nobody has named": (
        lambda run: driven(run, raising(ServiceFailure("ZeroDivisionError: division by zero"), staged)),
        "failed",
        "Failed",
        RESUME,
    ),
    "published, but not as many rows": (
        lambda run: driven(run, raising(PublishedUnverified("the commit has 3 rows"), settled)),
        "unverified",
        "Published, unverified: 8 rows in",
        RESUME,
    ),
    "rows lost": (
        lambda run: driven(run, raising(RowsLost("2 staged files are gone"), settled)),
        "failed",
        "Failed",
        None,
    ),
    "a damaged ledger": (
        lambda run: driven(run, raising(LedgerCorrupt("step 3 is gone"), settled)),
        "failed",
        "Failed",
        None,
    ),
    "interrupted": (lambda run: driven(run, raising(Interrupted(2), staged)), "interrupted", "Interrupted", RESUME),
    "stopped": (
        lambda run: driven(run, raising(StopRequested(), staged)),
        "interrupted",
        "Stopped as a person has",
        RESUME,
    ),
    "prepared": (lambda run: stepped(run, PREPARE), "prepared", "Prepared, nothing was sent yet", "submit"),
    "submitted": (lambda run: stepped(run, PREPARE, SUBMIT), "waiting", "Waiting for jobs", "collect"),
    "collected": (lambda run: stepped(run, PREPARE, SUBMIT, *[COLLECT] * 6), "published", "Published", None),
}


def run_over_budget():
    return run(errors={"max_rows": 0})


def run_unexpected():
    return run(sections={"expect": ["count(*) = 9"]})


def run_over_cost():
    made = run(transform={"instance_start_seconds": 0}, sections={"budget_usd": 0.01})
    made.service.lasts = lambda job: 600.0
    return made


def stepped(run, *commands):
    for command in commands:
        if run.step(command)["status"] == RunStatus.PUBLISHED:
            break
    return written(run)


@pytest.mark.parametrize("ending", ENDINGS)
def test_each_ending_leaves_a_report_and_a_page_that_say_the_same(ending):
    end, status, sentence, following = ENDINGS[ending]
    found = end(run())
    page = Page(found.page)
    assert found.report["status"] == status
    assert ("data-status", status) in page.attributes
    assert sentence in page.text
    assert found.report["report"] == "s3://bucket/runs/run/report.html"
    assert found.report.get("next") == following
    assert following is None or f"To go on: {following}" in page.text
    assert {key: float(value) for key, value in page.numbers.items()} == {
        key: value_at(found.report, key) for key in page.numbers
    }
    for line in found.report.get("error", ()):
        assert line.replace("`", "") in page.text  # what it quotes is set as code


def test_a_page_that_cannot_be_written_is_null_and_the_report_is_written_all_the_same(monkeypatch):
    made = run()
    driver = made.driver()
    put = driver.ctx.store.put

    def failing(place, *more):
        if place == made.layout.page:
            raise StoreFailure("put", str(place), "500", "InternalError")
        return put(place, *more)

    monkeypatch.setattr(driver.ctx.store, "put", failing)
    report = report_of_end(driver.ctx, driver.state, Exit(4, RunStatus.FAILED, ("why",)), ServiceFailure("why"))
    assert driver.close(report)["report"] is None
    assert json.loads(made.store.get(made.layout.status)[0])["report"] is None


def test_a_driver_that_has_lost_the_run_leaves_the_other_one_s_page():
    made = run()
    first = made.driver()
    made.seconds += 1000
    made.driver()
    report = report_of_end(first.ctx, first.state, Exit(4, RunStatus.FENCED, ("why",)), ServiceFailure("why"))
    with pytest.raises(BatchTransformError):
        first.close(report)
    assert made.store.head(made.layout.page) is None


def test_sizes_that_cannot_be_read_are_left_out_and_the_rest_is_told():
    made = run()
    driver = made.driver()
    while driver.state.spans is None:
        driver.step()
    made.store.delete([made.layout.part(driver.state.spans.key)])
    driver.close(report_of_end(driver.ctx, driver.state, Exit(4, RunStatus.FAILED, ("why",)), ServiceFailure("why")))
    page = written(made).page
    assert "Sizes of objects" not in page
    assert "Sizes of records" in page
    assert "Timeline" in page


def test_a_published_run_tells_the_range_of_its_numbers_by_the_files_own_footers():
    found = driven(run())
    assert found.report["predictions"] == [{"column": "id", "rows": 7, "nulls": 0, "least": 0, "most": 7}]
    assert Page(found.page).numbers["predictions.0.most"] == "7"


def test_what_the_process_hands_on_last_names_the_page():
    made, handed = run(), []

    def work():
        guarded.driver = made.driver()
        raise ServiceFailure("S3 said 500")

    guarded = Guarded("run", SimpleNamespace(report=lambda report: handed.append(dict(report))), Interrupts())
    assert guarded.do(work) == 4
    assert [each["report"] for each in handed] == [None, "s3://bucket/runs/run/report.html"]
    assert handed[-1] == written(made).report


@pytest.mark.parametrize("kind", [MemoryRun, DeltaRun])
def test_what_was_counted_while_it_was_written_is_told_whoever_looks_at_it_later(kind):
    made = kind([4, 4], echoing(lambda row: None), numbers=some_numbers())
    found = driven(made)
    told = found.report["predictions"]
    assert told[: len(some_numbers().ranges)] == list(some_numbers().ranges)
    numbers = Page(found.page).numbers
    assert {key: float(value) for key, value in numbers.items()} == {
        key: value_at(found.report, key) for key in numbers
    }
    assert "predictions.0.values.counts.0" in numbers
    state = made.state()
    assert run_report(state, RunStatus.PUBLISHED, str(made.layout.run))["predictions"] == told


def test_a_page_that_cannot_be_drawn_costs_neither_the_run_nor_its_report(monkeypatch):
    def broken(facts):
        raise KeyError("a key that no version knows")

    monkeypatch.setattr(reporting, "render", broken)
    made = run()
    assert made.to_the_end().report["report"] is None
    assert json.loads(made.store.get(made.layout.status)[0])["status"] == "published"


def test_a_page_for_which_this_disk_has_no_room_costs_neither_the_run_nor_its_report(monkeypatch, tmp_path):
    """All was in its place, and the run was told as one that is not published."""
    page = tmp_path / "a file" / reporting.PAGE_NAME
    page.parent.touch()
    whole = reporting.reporting_of
    monkeypatch.setattr(publish, "reporting_of", lambda ctx: replace(whole(ctx), beside=page))
    found = driven(run())
    assert (found.report["status"], found.report["report"]) == ("published", None)


def test_a_job_that_was_never_created_is_planned_and_of_its_round_nobody_knows_what_failed():
    run = MemoryRun([8, 8], echoing(lambda row: None), exported=False)
    page = driven(run, raising(ServiceFailure("why"), lambda driver: driver.state.jobs)).page
    assert ">planned<" in page
    assert "in flight" not in page
    assert ">nothing<" not in page
