"""What a run is computed on may change while it goes on: only what was not created yet is asked for otherwise."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from types import SimpleNamespace

import pytest

from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.pipeline.commands.command_options import COLLECT, PREPARE, SUBMIT
from batch_transform.pipeline.remedies import on_another_type
from support.crashing_run import begun, check, kinds, mutations
from support.faults import Crash, Fate
from support.memory_run import MemoryRun, all_rows, echoing
from support.sampling import one_in

pytestmark = pytest.mark.slow

SMALL, LARGE, OTHER = "ml.m5.large", "ml.m5.4xlarge", "ml.c5.large"
GOOD = echoing(lambda row: None)
TEN = [10] * 10


def types(run):
    return [request["TransformResources"]["InstanceType"] for request in run.service.requests]


def failed(run):
    with pytest.raises(ServiceFailure) as failure:
        run.to_the_end()
    return str(failure.value)


def first_row(name):
    """Of the rows that an object holds; None for a control."""
    found = re.search(r"s(\d+)-\d+-", name)
    return int(found[1]) if found else None


def test_out_of_memory_at_nine_tenths_the_run_goes_on_on_a_larger_type_and_sends_the_rest_alone():
    run = MemoryRun(TEN, GOOD, transform={"instance_type": SMALL}, errors={"max_rows": 0})
    last = all_rows(TEN)[-10]
    run.service.runs_out = lambda kind, name: kind == SMALL and (first_row(name) or 0) >= last
    assert 'which sends only what is not scored: the same call of score() with another transform["inst' in failed(run)
    assert sum(r.scored_rows for r in run.state().round_records) == 90
    run.transform = {"instance_type": LARGE}
    before = run.service.records_sent
    state = run.to_the_end()
    assert state.report["rows_scored"] == 100
    assert run.service.records_sent - before == 10
    assert {job["instance_type"] for job in state.report["jobs"]} == {SMALL, LARGE}
    assert types(run)[-1] == LARGE


def test_a_capacity_error_takes_the_next_type_and_waits_before_it():
    run = MemoryRun([5, 5], GOOD, transform={"instance_type": [SMALL, OTHER, LARGE]})
    run.service.lacking = {SMALL, OTHER}
    began = run.seconds
    state = run.to_the_end()
    assert types(run) == [SMALL, OTHER, LARGE]
    assert (state.report["rows_scored"], run.service.records_sent) == (10, 10)
    assert run.seconds - began >= 1 + 2
    assert any(f"1 x {LARGE}" in event.text for event in run.events)
    assert any(event.text.endswith(f"created on {LARGE}") for event in run.events)


def test_after_the_last_type_a_run_without_capacity_ends_as_one_of_a_single_type_does():
    run = MemoryRun([5], GOOD, transform={"instance_type": [SMALL, LARGE]})
    run.service.lacking = {SMALL, LARGE}
    words = failed(run)
    assert types(run) == [SMALL, LARGE, LARGE, LARGE]
    assert 'another transform["instance_type"]' in words
    run.service.lacking = {LARGE}
    run.to_the_end()
    assert types(run)[4:] == [SMALL]


def test_the_command_that_takes_another_type_is_named(monkeypatch):
    config = SimpleNamespace(takes_frame=False, ephemeral=False, aws=None, emulator=None)
    ctx = SimpleNamespace(config=config, places=SimpleNamespace(run="s3://b/p/run"))
    monkeypatch.delenv("BATCH_TRANSFORM_RESUME", raising=False)
    told = "batch-transform resume s3://b/p/run --retry-dead --set transform.instance_type=ml.TYPE.SIZE"
    assert on_another_type(ctx, "--retry-dead") == told


def test_a_single_type_is_tried_three_times_as_ever():
    run = MemoryRun([5], GOOD, transform={"instance_type": SMALL})
    run.service.lacking = {SMALL}
    failed(run)
    assert types(run) == [SMALL] * 3


def test_a_job_that_waits_is_not_created_on_a_type_that_another_one_found_without_capacity():
    run = MemoryRun([5, 5], GOOD, oversize=[0], transform={"instance_type": [SMALL, LARGE], "max_parallel_jobs": 1})
    run.service.lacking = {SMALL}
    run.to_the_end()
    assert types(run) == [SMALL, LARGE, LARGE]
    assert kinds(run).count("replanned") == 1


def test_a_quota_that_is_used_up_takes_the_next_type_under_a_new_name():
    run = MemoryRun([5], GOOD, transform={"instance_type": [SMALL, LARGE]})
    run.service.refusals.extend(["quota"])
    state = run.to_the_end()
    (job,) = state.jobs
    assert types(run) == [LARGE]
    assert (job.attempt, job.name[-3:]) == (2, "-a2")
    assert job.request["TransformOutput"]["S3OutputPath"].endswith(job.name)


def test_the_quota_of_the_last_type_is_waited_for():
    run = MemoryRun([5], GOOD, transform={"instance_type": [SMALL, LARGE]})
    run.service.refusals.extend(["quota"] * 5)
    run.to_the_end()
    assert types(run) == [LARGE]
    assert kinds(run).count("replanned") == 1


def test_a_step_takes_the_next_type_as_well():
    run = MemoryRun([5], GOOD, exported=False, transform={"instance_type": [SMALL, LARGE]})
    run.step(PREPARE)
    run.service.refusals.extend(["quota"])
    run.step(SUBMIT)
    assert types(run) == [LARGE]
    assert run.step(COLLECT)["status"] == "published"


DAY = 86_400


def on_the_last_type(refusals=2):
    """A run in steps whose one job could be created on neither type; `refusals` more calls are refused."""
    run = MemoryRun([5], GOOD, exported=False, transform={"instance_type": [SMALL, LARGE]})
    run.step(PREPARE)
    run.service.refusals.extend(["quota"] * refusals)
    run.step(SUBMIT)
    assert types(run) == []
    return run


def test_a_step_that_is_meant_goes_back_to_the_first_type_as_resume_does():
    run = on_the_last_type()
    run.step(SUBMIT)
    assert types(run) == [SMALL]
    assert run.step(COLLECT)["status"] == "published"


def test_a_step_that_looks_leaves_the_job_on_its_type_and_the_ledger_as_it_is():
    """It comes each minute."""
    run = on_the_last_type(5)
    before = kinds(run)
    for _ in range(3):
        run.seconds += 60
        run.step(COLLECT)
    assert kinds(run) == before
    run.step(COLLECT)
    assert types(run) == [LARGE]


def test_a_wait_that_has_ended_the_run_ends_each_call_and_each_asks_for_every_type():
    run = on_the_last_type(2 + 2 + 2)
    run.seconds += 2 * DAY
    for _ in range(2):
        with pytest.raises(ServiceFailure, match="none could be created for 2,880 minutes"):
            run.step(COLLECT)
    assert run.step(COLLECT)["status"] == "published"
    assert types(run) == [SMALL]


def test_a_run_of_one_type_goes_on_waiting_as_before():
    run = MemoryRun([5], GOOD, exported=False, transform={"instance_type": SMALL})
    run.step(PREPARE)
    run.service.refusals.extend(["quota"] * 3)
    run.step(SUBMIT)
    before = kinds(run)
    run.step(SUBMIT)
    run.seconds += 2 * DAY
    with pytest.raises(ServiceFailure, match="none could be created for 2,880 minutes"):
        run.step(COLLECT)
    assert kinds(run) == before
    assert run.step(COLLECT)["status"] == "published"


def planned(transform):
    """A run whose first round is planned and not created."""
    run = MemoryRun([5, 5], GOOD, exported=False, transform=transform)
    run.step(PREPARE)
    return run


CHANGES = [
    {"instance_type": LARGE},
    {"instance_type": [LARGE, SMALL]},
    {"instance_count": 3, "spread": "instances"},
    {"max_payload_mb": 2},
    {"max_concurrent_transforms": 2},
    {"tags": {"team": "growth"}},
    {"volume_kms_key": "key"},
    {"ami_version": "al2-ami-sagemaker-batch-gpu-535"},
    {"output_kms_key": "key"},
    {"invocations_timeout_seconds": 60},
    {"invocations_max_retries": 0},
    {"environment": {"WORKERS": "1"}, "environment_may_change": ["WORKERS"]},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
@pytest.mark.parametrize("by_step", [True, False])
def test_what_was_planned_and_never_created_is_asked_for_as_it_is_wanted_now(change, by_step):
    run = planned({"instance_type": SMALL})
    (old,) = run.state().jobs
    run.transform = {"instance_type": SMALL, **change}
    if by_step:
        run.step(SUBMIT)
        run.step(COLLECT)
    state = run.to_the_end() if not by_step else run.state()
    (job,) = state.jobs
    (request,) = run.service.requests
    assert (job.request, state.report["rows_scored"]) == (request, 10)
    assert (job.name, job.attempt, job.spans) == (old.name[:-1] + "2", 2, old.spans)
    names = {"TransformJobName", "TransformInput", "TransformOutput"}
    changed = {key for key in {*request, *old.request} if request.get(key) != old.request.get(key)} - names
    assert len(changed | ({"TransformOutput"} if "output_kms_key" in change else set())) >= 1


def test_what_steers_a_run_makes_no_other_request():
    run = planned({"instance_type": SMALL})
    (old,) = run.state().jobs
    run.transform = {
        "instance_type": SMALL,
        "poll_seconds": 5,
        "instance_count": 3,
        "max_parallel_jobs": 4,
        "on_interrupt": "leave",
    }
    run.to_the_end()
    assert run.service.requests == [old.request]


def test_a_job_whose_creation_is_not_recorded_is_adopted_as_it_was_asked_for():
    run = planned({"instance_type": SMALL})
    creations = [n for n, name in enumerate(mutations(run.copy())) if name.startswith("CreateTransformJob")]
    run.beset({creations[0]: Fate.DIE_AFTER})
    with suppress(Crash):
        run.to_the_end()
    run.beset({})
    assert not run.state().jobs[0].created
    run.transform = {"instance_type": LARGE}
    state = run.to_the_end()
    assert (types(run), run.service.records_sent, state.report["rows_scored"]) == ([SMALL], 10, 10)
    assert "replanned" not in kinds(run)


@pytest.mark.parametrize("first", one_in(8, range(8)))
def test_killed_at_any_point_and_gone_on_with_on_another_type_nothing_is_paid_for_twice(first):
    run, worlds = begun(transform={"instance_type": SMALL}), []
    run.watched(lambda: worlds.append(run.copy()))
    run.to_the_end()
    for world in worlds[first::8]:
        world.transform = {"instance_type": LARGE}
        before = len(world.service.requests)
        check(world, world.to_the_end())
        assert set(types(world)[before:]) <= {LARGE}


def test_a_payload_that_became_smaller_than_a_record_costs_no_row():
    """What was cut for a larger payload is sent with the one that it needs."""
    run = MemoryRun([5, 5], GOOD, padding={2: 3_500_000}, exported=False, errors={"max_rows": 0})
    run.step(PREPARE)
    run.transform = {"max_payload_mb": 1}
    state = run.to_the_end()
    assert (state.report["rows_scored"], run.service.records_sent) == (10, 10)
    assert [request["MaxPayloadInMB"] for request in run.service.requests] == [4]


def test_the_environment_may_not_change_and_its_values_are_not_said():
    run = planned({"environment": {"TOKEN": "hidden"}})
    run.transform = {"environment": {"TOKEN": "other"}}
    with pytest.raises(ConfigurationError) as refused:
        run.to_the_end()
    assert "transform.environment.TOKEN: differs (its values may be secret)" in str(refused.value)
    assert "hidden" not in str(refused.value)
    assert "other" not in json.dumps(str(refused.value)).replace("another", "")


def test_a_published_run_gives_its_report_whatever_its_instances_would_be():
    run = MemoryRun([5], GOOD)
    report = run.to_the_end().report
    run.transform = {"instance_type": LARGE}
    assert run.to_the_end().report == report
