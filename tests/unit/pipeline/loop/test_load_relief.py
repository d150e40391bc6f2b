"""What failed in a way that load explains is asked for with less of it, and with the service's own retries or none."""

from __future__ import annotations

import pytest

from support.memory_run import MemoryRun, all_rows, echoing

SIZES = [6, 6, 6]
BAD, LARGE = all_rows(SIZES)[2], all_rows(SIZES)[-1]
# Of records this small: 1 MB of payload leaves 100 requests at a time (FACTS.md, 1), of which 4 are left.
PLANNED, EASED = 100, 4


def relief(request):
    """The service's retries and the requests at a time that a job was asked for with."""
    client = request.get("ModelClientConfig", {})
    return client.get("InvocationsMaxRetries"), request.get("MaxConcurrentTransforms")


def requests(answer, sizes=SIZES, oversize=(), **transform):
    run = MemoryRun(sizes, echoing(lambda row: answer if row == BAD else None), oversize=oversize, transform=transform)
    state = run.to_the_end()
    assert [row for row, leaf in run.outcomes(state).items() if isinstance(leaf, dict)] == [BAD]
    return [job.request for job in sorted(state.jobs, key=lambda job: job.round_number)]


@pytest.mark.parametrize("answer", [404, 500, 503, "drop"])
def test_the_round_after_a_failure_by_load_asks_for_less_of_it(answer):
    first, *others = requests(answer)
    assert relief(first) == (None, PLANNED)
    assert {relief(request) for request in others} == {(3, EASED)}


def test_what_took_as_long_as_it_may_is_not_tried_again_by_the_service():
    """It would hang as long each time, which is paid: an hour by default, and three more where no number is sent."""
    first, *others = requests("timeout")
    assert relief(first) == (None, PLANNED)
    assert {relief(request) for request in others} == {(0, EASED)}
    asked = requests("timeout", invocations_max_retries=2)
    assert {relief(request)[0] for request in asked} == {2}


@pytest.mark.parametrize("answer", [400, 413, 422])
def test_what_speaks_of_the_record_changes_nothing(answer):
    assert {relief(request) for request in requests(answer)} == {(None, PLANNED)}


def test_whatever_else_is_asked_for_stays():
    first, second, *_ = requests(500)
    named = {"TransformJobName", "TransformInput", "TransformOutput", "ModelClientConfig", "MaxConcurrentTransforms"}
    assert {key: value for key, value in second.items() if key not in named} == {
        key: value for key, value in first.items() if key not in named
    }
    assert first["ModelClientConfig"].items() <= second["ModelClientConfig"].items()


@pytest.mark.parametrize(
    ("transform", "later"),
    [
        ({"invocations_max_retries": 0}, (0, EASED)),
        ({"invocations_max_retries": 1}, (1, EASED)),
        ({"max_concurrent_transforms": 8}, (3, 8)),
        ({"max_concurrent_transforms": 1}, (3, 1)),
        ({"max_concurrent_transforms": "model"}, (3, None)),  # whatever the container says, nobody knows a part of it
        ({"invocations_max_retries": 2, "max_concurrent_transforms": 5}, (2, 5)),
    ],
    ids=str,
)
def test_what_the_user_has_set_stays_as_it_is(transform, later):
    first, *others = requests(500, **transform)
    assert relief(first) == (transform.get("invocations_max_retries"), first.get("MaxConcurrentTransforms"))
    assert {relief(request) for request in others} == {later}


def test_a_job_is_never_asked_for_without_a_request_at_a_time():
    first, *others = requests(500, max_payload_mb=50)
    assert relief(first) == (None, 2)
    assert {relief(request) for request in others} == {(3, 1)}


def test_a_lane_is_helped_and_not_the_other_one():
    """The large record fails for itself (400), in the same round as the small one by load."""

    def refuse(row):
        return {BAD: 500, LARGE: 400}.get(row)

    run = MemoryRun(SIZES, echoing(refuse), oversize=[LARGE])
    jobs = run.to_the_end().jobs
    by_lane = {
        lane: {relief(job.request)[0] for job in jobs if job.lane == lane and job.round_number > 1}
        for lane in {job.lane for job in jobs}
    }
    assert by_lane == {"standard": {3}, "oversize": {None}}


@pytest.mark.parametrize(("answer", "retries"), [(500, 3), ("timeout", 0)])
def test_the_help_is_of_the_round_and_stays_with_a_job_that_is_planned_anew(answer, retries):
    """Its instance type's quota is used up before the second round is created."""
    run = MemoryRun(
        SIZES,
        echoing(lambda row: answer if row == BAD else None),
        transform={"instance_type": ["ml.m5.large", "ml.c5.large"]},
    )
    run.service.refusals.extend([None, "quota"])
    state = run.to_the_end()
    again = [job for job in state.jobs if job.attempt > 1]
    assert [job.round_number for job in again] == [2]
    assert {(relief(job.request), job.is_helped) for job in again} == {((retries, EASED), True)}
