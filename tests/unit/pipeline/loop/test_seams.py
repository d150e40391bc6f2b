"""What meets where the parts of a run meet: each is right alone."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.framing import Framing
from batch_transform.core.object_store import StoreFailure
from batch_transform.core.predictions.output_counts import KeyCheck
from batch_transform.core.resuming.retried_dead_rows import check_retry
from batch_transform.core.run_state import RunState
from batch_transform.core.sending.part_objects import cut_object
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.s3_tree import S3Tree
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.commands.step_work import collect, submit
from batch_transform.pipeline.commands.steps import _Step
from batch_transform.pipeline.lifecycle.resuming_without_spark import NeedsSpark, NoTables
from batch_transform.sagemaker.service_errors import NotNow
from support.flaky_runs import FlakyModel
from support.memory_run import LAYOUT, RUN, MemoryRun, all_rows, echoing
from support.memory_store import MemoryStore


def _stepped(run):
    """Steps without Spark, until only gate, merge and publication are left."""
    for _ in range(60):
        driver = run.rejoined("submit")
        driver.ctx = replace(driver.ctx, tables=NoTables(RUN))
        try:
            submit(driver)
            collect(driver)
        finally:
            driver.ctx.lease.release()
        if driver.state.is_settled:
            return driver.state
    raise AssertionError("it is never settled")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("size", [1, 20])
def test_steps_need_no_spark_where_nothing_is_hurt(seed, size):
    sizes = [size] * (200 // size)
    model = FlakyModel(0.05, ["400", "500"][seed % 2], seed)
    model.bad = set(random.Random(seed).sample(all_rows(sizes), 5))
    run = MemoryRun(sizes, model)
    run.step("prepare")
    state = _stepped(run)
    assert sum(r.dead_rows for r in state.round_records) == 5


def test_controls_that_are_gone_when_their_job_is_judged_end_no_run():
    key = KeyCheck("echo", "id", LAYOUT.input)
    prediction = {"schema": "echo long", "key": {"field": "echo", "column": "id"}}
    run = MemoryRun([20, 20], echoing(lambda row: 400 if row == 3 else None), prediction=prediction, key=key)
    driver, seen = run.driver(), 0
    while driver.state.gate is None:
        for job in driver.state.jobs:
            if not seen and job.status is not None and job.verdicts is None and job.controls:
                run.store.delete([LAYOUT.input.join(name) for name in job.controls])
                seen += 1
        assert driver.step()
    assert seen
    assert {row for row, found in run.outcomes(driver.state).items() if isinstance(found, dict)} == {3}


def test_a_row_whose_output_is_lost_and_that_fails_now_is_given_up():
    refused = set()
    run = MemoryRun([10, 10], echoing(lambda row: 400 if row in refused else None))
    driver = run.driver()
    while driver.state.gate is None:
        assert driver.step()
    driver.ctx.lease.release()
    refused.add(3)
    lost = [k for k in run.store.world.tree("rows/run/output/") if "/s0-" in k]
    run.store.delete([S3Uri("bucket", k) for k in lost])
    before = len(run.service.requests)
    run.to_the_end()
    assert [row for row, _ in run.published("dead_letter")] == [3]
    assert len(run.service.requests) - before < 6


class Printed:
    """Keeps the reports of a step."""

    def __init__(self):
        self.reports = []

    def report(self, document):
        self.reports.append(document)


def _collected(run, *switches):
    """Whether `collect` hands over to Spark, and the reports that it gave."""
    printed = Printed()
    step = _Step(parse(["collect", str(RUN), *switches]), {}, printed)
    driver = run.rejoined("collect")
    driver.ctx = replace(driver.ctx, tables=NoTables(RUN))
    try:
        with step.resources:
            step._drive(driver)
    finally:
        driver.ctx.lease.release()
    return step.needs_spark, printed.reports


@pytest.fixture
def hurt_while_it_waits():
    """A run whose next round sends rows of input objects that are gone."""
    run = MemoryRun([20, 20], echoing(lambda row: 400 if row == 3 else None))
    run.step("prepare")
    run.step("submit")
    run.store.delete([S3Uri("bucket", key) for key in run.store.world.tree("rows/run/input/")])
    return run


def test_collect_hands_a_hurt_workspace_over_to_spark(hurt_while_it_waits):
    run = hurt_while_it_waits
    assert _collected(run) == (True, [])
    assert run.step("collect")["status"] == "published"
    assert [row for row, _ in run.published("dead_letter")] == [3]


def test_collect_that_begins_no_spark_names_the_command_that_does(hurt_while_it_waits):
    with pytest.raises(NeedsSpark, match="resume s3://bucket/run"):
        _collected(hurt_while_it_waits, "--no-merge")


def test_what_spark_may_have_committed_is_not_sent_again_when_the_output_has_changed():
    """Dead letters are committed first; a run that goes on with another output may keep them where they are."""
    state = replace(RunState("run", "n", {}, "", ""), intents=({"output": {"path": "s3://lake/out"}},))
    with pytest.raises(ConfigurationError, match="has begun to publish"):
        check_retry(state, S3Uri("bucket", "run"))


@pytest.mark.parametrize("record", [b"one", b"two\nlines", b"\x89PNG\r\n\x1a\n\n\x00", b"\n"])
def test_a_row_that_is_bytes_is_tried_several_times_whatever_its_bytes_are(record):
    store, folder, framing = MemoryStore(), S3Uri("bucket", "in"), Framing(".bin", newline=False, whole=True)
    store.put(folder.join("s7-1-ab.bin"), record)
    span = {"start": 7, "lane": "standard", "object": "s7-1-ab.bin", "offset": 0, "bytes": len(record)}
    (part,) = cut_object(store, folder, {**span, "parts": [1], "send": [3]}, "ff", framing=framing, each=map)
    names = [part["object"], *part["copies"]]
    assert [store.get(folder.join(name))[0] for name in names] == [record] * 3
    assert (part["start"], part["stop"], part["bytes"], part["largest"]) == (7, 8, len(record), len(record))


def test_whoever_resumes_tries_the_first_instance_type_again_whose_quota_was_used_up(monkeypatch):
    """The second type's quota is none at all."""
    first, second = "ml.m5.xlarge", "ml.c5.18xlarge"
    run = MemoryRun([5], echoing(lambda row: None), transform={"instance_type": [first, second]})
    asked, create = [], run.service.create

    def refusing(request):
        asked.append(request["TransformResources"]["InstanceType"])
        if len(asked) == 1 or asked[-1] == second:
            raise NotNow("ResourceLimitExceeded", is_quota=True)
        create(request)

    monkeypatch.setattr(run.service, "create", refusing)
    with pytest.raises(ServiceFailure):
        run.to_the_end()
    assert (asked[0], set(asked[1:])) == (first, {second})
    run.to_the_end()
    assert asked[-1] == first
    assert len(run.published("result")) == 5


def test_staged_rows_that_cannot_be_removed_do_not_fail_a_run_that_is_published(monkeypatch):
    """Of an emulator that keeps nothing, whose run nobody can go on with: on NFS a folder with an open file stays."""

    clear = S3Tree.clear

    def busy(tree):
        if "/staging/" in tree.location:
            raise StoreFailure("delete", tree.location, "EBUSY", "it is in use")
        clear(tree)

    run = MemoryRun([4], echoing(lambda row: None), sections={"emulator": {"models": {"m": "http://127.0.0.1:9"}}})
    monkeypatch.setattr(S3Tree, "clear", busy)
    assert run.to_the_end().report["status"] == "published"
