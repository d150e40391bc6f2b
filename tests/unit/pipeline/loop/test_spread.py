"""Instances side by side are jobs of one instance each: what one of them lacks costs the others nothing."""

from __future__ import annotations

import json
from collections import deque

import pytest

from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ServiceFailure
from batch_transform.core.publishing.report import run_report
from batch_transform.core.sending.instances import instances_of
from batch_transform.core.statuses import RunStatus
from batch_transform.core.uris import S3Uri
from batch_transform.sagemaker.service_errors import NotNow
from support.memory_run import RUN, MemoryRun, all_rows, echoing

# In memory a record is some bytes: where a start-up costs nothing, any work is worth it.
AT_ONCE = {"instance_start_seconds": 0}
GOOD = echoing(lambda row: None)
SIX = [5] * 6


def sent(run):
    """The objects of each job, as its manifest names them."""
    places = [request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] for request in run.service.requests]
    return [json.loads(run.store.get(S3Uri.parse(place))[0])[1:] for place in places]


def watched(run):
    """How many instances were in flight after each Create."""
    service, flying = run.service, []
    create = service.create

    def created(request):
        create(request)
        names = [asked["TransformJobName"] for asked in service.requests]
        flying.append(sum(service.looked[name] <= service.looks for name in names))

    service.create = created
    return flying


def test_instances_are_jobs_that_share_the_objects_by_their_size():
    sizes = [9, 2, 3, 4, 5, 6]
    padding = dict.fromkeys(all_rows(sizes), 100_000)
    run = MemoryRun(sizes, GOOD, padding=padding, transform={"instance_count": 3, **AT_ONCE})
    state = run.to_the_end()
    assert [request["TransformResources"]["InstanceCount"] for request in run.service.requests] == [1, 1, 1]
    objects = sent(run)
    assert sorted(name for names in objects for name in names) == sorted({name for names in objects for name in names})
    assert [sum(int(name.split("-")[1]) for name in names) for names in objects] == [11, 9, 9]
    assert run.outcomes(state) == {row: row for row in all_rows(sizes)}


def test_no_job_is_begun_without_work_for_its_start_up():
    run = MemoryRun(SIX, GOOD, transform={"instance_count": 3})
    run.to_the_end()
    assert len(run.service.requests) == 1


def test_one_job_has_all_instances_where_that_is_asked_for():
    run = MemoryRun(SIX, GOOD, transform={"instance_count": 3, "spread": "instances", **AT_ONCE})
    run.to_the_end()
    assert [request["TransformResources"]["InstanceCount"] for request in run.service.requests] == [3]


@pytest.mark.parametrize(
    ("asked", "most"),
    [({"instance_count": 3}, 3), ({"instance_count": 3, "max_parallel_jobs": 2}, 2), ({"instance_count": 1}, 1)],
)
def test_no_more_instances_are_in_flight_than_are_asked_for_all_lanes_together(asked, most):
    run = MemoryRun([5] * 8, GOOD, oversize=[0, 9], transform={**asked, **AT_ONCE})
    run.service.looks = 2
    flying = watched(run)
    state = run.to_the_end()
    assert max(flying) == most
    assert {job.lane for job in state.jobs} == {"standard", "oversize"}
    assert all(instances_of(job) == 1 for job in state.jobs)


def test_capacity_that_lacks_costs_the_other_jobs_nothing():
    run = MemoryRun(SIX, GOOD, transform={"instance_count": 3, **AT_ONCE})
    run.service.job_faults = deque([None, "capacity", None])
    state = run.to_the_end()
    first, lacking, third, *again = sent(run)
    assert len(first) == len(lacking) == len(third) == 2
    assert sorted(name for names in again for name in names) == sorted(lacking)
    assert run.outcomes(state) == {row: row for row in all_rows(SIX)}


def test_a_job_that_lacked_capacity_is_sent_again_while_the_others_are_at_work():
    """It was not asked yet, so that says nothing of the model; nothing was scored before it."""
    run = MemoryRun(SIX, GOOD, transform={"instance_count": 3, **AT_ONCE})
    run.service.lasts = lambda number: 1000.0 if number in (0, 2) else 5.0
    run.service.job_faults = deque([None, "capacity", None])
    state = run.to_the_end()
    first, _, third, again, *_ = (run.service.describe(job.name) for job in state.jobs)
    assert again.ended_at < min(first.ended_at, third.ended_at)
    assert run.outcomes(state) == {row: row for row in all_rows(SIX)}


def test_what_took_longer_than_a_job_may_is_sent_in_more_jobs():
    """As it was, it would take as long again, and the service keeps nothing of a job that is stopped."""
    run = MemoryRun([5] * 8, GOOD, transform={"instance_count": 2, "job_timeout_minutes": 10, **AT_ONCE})
    run.service.lasts = lambda number: 180.0 * len(sent(run)[number])
    state = run.to_the_end()
    first, second, *again = [len(names) for names in sent(run)]
    assert (first, second, max(again), sum(again)) == (4, 4, 2, 8)
    assert run.outcomes(state) == {row: row for row in all_rows([5] * 8)}


SLOW = {"instance_count": 2, "job_timeout_minutes": 10, "instance_mb_per_second": 0.000134, **AT_ONCE}


def test_where_nothing_was_scored_and_the_first_took_too_long_the_jobs_that_wait_are_not_begun():
    """They are as much work for the same model; who goes on knows of it."""
    run = MemoryRun([5] * 24, GOOD, transform=SLOW)
    run.service.looks = 10**9
    with pytest.raises(ServiceFailure, match=r"2 jobs took longer .* so 10 jobs of as much work are not begun"):
        run.to_the_end()
    assert [len(names) for names in sent(run)] == [2, 2]
    run.service.looks = 0
    state = run.to_the_end()
    assert run.outcomes(state) == {row: row for row in all_rows([5] * 24)}
    assert max(len(names) for names in sent(run)) == 2


def test_one_job_that_hangs_where_others_score_holds_up_nothing():
    run = MemoryRun([5] * 24, GOOD, transform=SLOW)
    run.service.lasts = lambda number: 3600.0 if number == 0 else 60.0
    state = run.to_the_end()
    assert len(run.service.requests) <= 14
    assert run.outcomes(state) == {row: row for row in all_rows([5] * 24)}


def test_a_small_job_that_hung_says_nothing_of_the_speed():
    sizes = [5] * 40
    run = MemoryRun(sizes, GOOD, oversize=[0], transform={"instance_count": 2, "job_timeout_minutes": 10})
    run.service.lasts = lambda number: 3600.0 if number < 2 else 1.0
    state = run.to_the_end()
    assert len(run.service.requests) == 4, "both lanes once more, as they were"
    assert run.outcomes(state) == {row: row for row in all_rows(sizes)}


def test_a_model_that_never_ends_is_told_with_the_key_that_stopped_it():
    run = MemoryRun([5] * 8, GOOD, transform={"instance_count": 2, "job_timeout_minutes": 10, **AT_ONCE})
    run.service.looks = 10**9
    with pytest.raises(ServiceFailure, match=r"transform\.job_timeout_minutes"):
        run.to_the_end()


@pytest.mark.parametrize("refused", [1, 2, 9])
def test_a_quota_that_is_met_leaves_the_rest_for_later(refused):
    """The job in flight is looked at meanwhile: its end is recorded, and the quota it held is asked for again."""
    run = MemoryRun(SIX, GOOD, transform={"instance_count": 3, **AT_ONCE})
    run.service.looks = 1
    run.service.refusals = deque([None, *["quota"] * refused])
    driver, kinds = run.driver(), []
    record = driver._record
    driver._record = lambda kind, *rest: (kinds.append(kind.value), record(kind, *rest))
    state = driver.run()
    assert len(run.service.requests) == 3
    assert run.outcomes(state) == {row: row for row in all_rows(SIX)}
    order = [kind for kind in kinds if kind in ("job_created", "job_ended")]
    assert order[:2] == ["job_created", "job_ended" if refused > 3 else "job_created"]


def with_one_instance(run):
    """A service that refuses a job while another one is at work."""
    service = run.service
    service.looks, create = 4, service.create

    def create_within_the_quota(request):
        if any(service.looked[name] <= service.looks for name in service._jobs):
            service.refusals = deque(["quota"])
        create(request)

    service.create = create_within_the_quota


def test_a_quota_of_one_instance_lets_the_jobs_come_one_after_the_other():
    run = MemoryRun(SIX, GOOD, transform={"instance_count": 3, **AT_ONCE})
    flying = watched(run)
    with_one_instance(run)
    state = run.to_the_end()
    assert flying == [1, 1, 1]
    assert run.outcomes(state) == {row: row for row in all_rows(SIX)}


@pytest.mark.parametrize("command", ["run", "collect"])
def test_what_has_ended_is_judged_while_a_quota_is_waited_for(command):
    run = MemoryRun(SIX, GOOD, transform={"instance_count": 3, **AT_ONCE})
    with_one_instance(run)
    if command == "run":
        run.to_the_end()
    else:
        run.step("prepare")
        while run.step(command)["status"] != RunStatus.PUBLISHED.value:
            pass
    kinds = [step.kind for step in run.reader_of_the_ledger().load()]
    order = [kind for kind in kinds if kind in ("job_created", "job_ended", "job_judged")]
    one_job = ["job_created", "job_judged", "job_ended"]
    assert order == ["job_created", "job_ended", *one_job, *one_job, "job_judged"]
    assert len(run.service.requests) == 3


def test_a_step_leaves_the_rest_of_a_quota_to_the_next_call():
    run = MemoryRun(SIX, GOOD, transform={"instance_count": 3, **AT_ONCE})
    run.service.looks = 1
    run.step("prepare")
    run.service.refusals = deque([None, "quota"])
    assert len(run.step("submit")["wait_for"]) == 1
    while run.step("collect")["status"] != RunStatus.PUBLISHED.value:
        pass
    assert len(run.service.requests) == 3


def test_a_run_of_an_earlier_version_goes_on_with_the_instances_of_one_job(monkeypatch):
    """Its configuration knew no `spread`, and nobody has said one since."""
    document = RunConfig.to_document

    def of_before(config):
        told = document(config)
        del told["transform"]["spread"]
        return told

    monkeypatch.setattr(RunConfig, "to_document", of_before)
    run = MemoryRun(SIX, GOOD, transform={"instance_count": 3, **AT_ONCE})
    monkeypatch.undo()
    run.step("prepare")
    run.step("submit")
    appended = len(run.reader_of_the_ledger().load())
    run.service.looks = 10
    run.step("collect")
    assert len(run.reader_of_the_ledger().load()) == appended  # a look alone says nothing new of the configuration
    state = run.to_the_end()
    assert [request["TransformResources"]["InstanceCount"] for request in run.service.requests] == [3]
    assert state.settings.transform.spread == "instances"


def test_the_report_tells_what_is_paid_and_what_of_it_is_busy():
    run = MemoryRun(SIX, GOOD, transform={"instance_count": 3, **AT_ONCE})
    state = run.to_the_end()
    report = run_report(state, RunStatus.PUBLISHED, str(RUN))
    assert report["instance_seconds"]["paid"] == report["instance_seconds"]["busy"]
    one_job = MemoryRun([5] * 7, GOOD, transform={"instance_count": 3, "spread": "instances"})
    (job,) = one_job.to_the_end().jobs
    assert 1 / 3 <= job.busy_share < 1


def test_many_jobs_that_end_one_after_the_other_are_not_asked_about_at_each_end():
    """At most three DescribeTransformJob for each job and minute, at the default `poll_seconds`."""
    run = MemoryRun([5] * 24, GOOD, transform={"instance_count": 24, **AT_ONCE})
    service, began = run.service, run.seconds
    describe = service.describe

    def ends_in_turn(name):
        number = [request["TransformJobName"] for request in service.requests].index(name)
        service.looks = 10**9 if run.seconds < began + 300 + 3 * (24 - number) else 0
        return describe(name)

    service.describe = ends_in_turn
    state = run.to_the_end()
    assert len(state.jobs) == 24
    minutes = (run.seconds - began) / 60
    assert max(service.looked.values()) <= 3 * minutes
    assert minutes < 8


def test_a_throttled_look_is_one_refusal_however_many_jobs_are_in_flight():
    run = MemoryRun([5] * 24, GOOD, transform={"instance_count": 24, **AT_ONCE})
    service, began = run.service, run.seconds
    service.lasts = lambda number: 600.0
    describe = service.describe

    def throttled(name):
        if 100 < run.seconds - began < 300:
            raise NotNow("ThrottlingException: Rate exceeded", is_quota=False)
        return describe(name)

    service.describe = throttled
    assert run.to_the_end().rows_scored == 5 * 24


def with_quotas(run, quotas):
    """Lets no more instances of a type be at work than its quota says."""
    service = run.service
    create = service.create

    def created(request):
        kind = request["TransformResources"]["InstanceType"]
        flying = [asked for asked in service.requests if service._is_in_flight(asked["TransformJobName"])]
        used = sum(asked["TransformResources"]["InstanceType"] == kind for asked in flying)
        if used == quotas[kind]:
            raise NotNow(f"ResourceLimitExceeded: {kind}", is_quota=True, is_beyond=not quotas[kind])
        create(request)

    service.lasts = lambda number: 600.0
    service.create = created


TWO_TYPES = ["ml.m5.xlarge", "ml.c5.xlarge"]


def test_a_later_type_without_any_quota_ends_no_run_whose_own_jobs_hold_that_of_an_earlier_one():
    run = MemoryRun([5] * 8, GOOD, transform={"instance_count": 4, "instance_type": TWO_TYPES, **AT_ONCE})
    with_quotas(run, {"ml.m5.xlarge": 2, "ml.c5.xlarge": 0})
    state = run.to_the_end()
    assert [job.request["TransformResources"]["InstanceType"] for job in state.jobs] == ["ml.m5.xlarge"] * 4
    assert [job.attempt for job in state.jobs] == [1, 1, 3, 1]  # the later type was asked for once


@pytest.mark.parametrize("sizes", [[5], [5] * 8])
def test_capacity_is_waited_for_on_an_earlier_type_where_the_later_one_has_no_quota(sizes):
    """Without the later one in the list it would be: three jobs in all may lack it."""
    run = MemoryRun(sizes, GOOD, transform={"instance_count": 4, "instance_type": TWO_TYPES, **AT_ONCE})
    with_quotas(run, {"ml.m5.xlarge": 2, "ml.c5.xlarge": 0})
    run.service.job_faults.extend(["capacity"] * 2)
    assert run.to_the_end().rows_scored == sum(sizes)


def test_where_no_type_has_any_quota_the_run_ends_at_once_and_whoever_goes_on_asks_for_each_again():
    run = MemoryRun([5] * 8, GOOD, transform={"instance_count": 4, "instance_type": TWO_TYPES, **AT_ONCE})
    quotas = dict.fromkeys(TWO_TYPES, 0)
    with_quotas(run, quotas)
    with pytest.raises(ServiceFailure, match="once it is raised"):
        run.to_the_end()
    quotas["ml.c5.xlarge"] = 9
    assert run.to_the_end().rows_scored == 40
