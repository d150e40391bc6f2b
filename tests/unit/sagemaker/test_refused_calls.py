"""Calls that the service does not obey now are made again, for as long as each kind of refusal is worth it."""

from __future__ import annotations

from collections import deque

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, ParamValidationError, ReadTimeoutError
from botocore.stub import Stubber

from batch_transform.core.errors import ServiceFailure
from batch_transform.sagemaker.jobs import TransformJobs
from batch_transform.sagemaker.service_errors import NotNow
from support.memory_run import MemoryRun, echoing

GOOD = echoing(lambda row: None)


def refused(*refusals):
    run = MemoryRun([5], GOOD)
    run.service.refusals = deque(refusals)
    return run


def test_a_quota_is_waited_for_as_long_as_a_job_may_take():
    run = refused(*["quota"] * 400)
    assert run.to_the_gate().rounds == 1
    assert 6 * 3600 < run.seconds < 8 * 3600


def test_a_quota_that_is_never_free_ends_the_run_which_can_be_resumed():
    run = refused(*["quota"] * 600)
    with pytest.raises(ServiceFailure, match="quota; given up after") as ended:
        run.to_the_gate()
    assert ended.value.exit_code == 4
    assert run.to_the_gate().rounds == 1


def test_a_quota_that_is_less_than_what_a_job_asks_for_is_not_waited_for():
    """That of a new account is 0 for many types (zenml#847)."""
    run = refused("beyond")
    with pytest.raises(
        ServiceFailure, match=r"beyond The run can be resumed once it is raised\. .*instance_type"
    ) as ended:
        run.to_the_gate()
    assert (ended.value.exit_code, type(ended.value)) == (4, ServiceFailure)
    assert run.seconds < 60
    assert run.to_the_gate().rounds == 1


def test_throttling_and_lost_answers_are_borne_for_minutes_and_no_job_is_created_twice():
    run = refused(*["throttled"] * 5, *["lost"] * 5)
    run.to_the_gate()
    assert len(run.service.requests) == 1
    assert run.seconds < 600


def test_a_service_that_obeys_no_call_ends_the_run():
    with pytest.raises(ServiceFailure, match="given up after 12 tries"):
        refused(*["throttled"] * 12).to_the_gate()


def test_jobs_that_this_run_stopped_are_gone_on_with_by_the_next_driver():
    run = MemoryRun([5, 5], GOOD)
    run.service.job_faults = deque(["stopped"])
    driver = run.driver()
    while not any(job.created for job in driver.state.jobs):
        driver.step()
    run.service.stop = lambda name: True
    assert driver.interrupt() == [driver.state.jobs[0].name]
    driver.close({})
    state = run.to_the_gate()
    assert [job.stop_reason for job in state.jobs] == ["interrupted", None]
    assert all(outcome == row for row, outcome in run.outcomes(state).items())


@pytest.fixture
def client():
    return boto3.Session("x", "x", region_name="us-east-1").client("sagemaker", endpoint_url="http://127.0.0.1:9")


REQUEST = {
    "TransformJobName": "j",
    "ModelName": "m",
    "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": "s3://b/m"}}},
    "TransformOutput": {"S3OutputPath": "s3://b/o"},
    "TransformResources": {"InstanceType": "ml.p2.xlarge", "InstanceCount": 11},
}
CODES = [
    ("ThrottlingException", 400, "now"),
    ("ResourceLimitExceeded", 400, "quota"),
    ("InternalFailure", 500, "now"),
    ("anything", 503, "now"),
    ("ValidationException", 400, "never"),
    ("AccessDeniedException", 400, "never"),
]


@pytest.mark.parametrize(("code", "status", "when"), CODES)
def test_which_refusals_may_pass(client, code, status, when):
    with Stubber(client) as stub:
        stub.add_client_error("describe_transform_job", code, "words", http_status_code=status)
        with pytest.raises(ServiceFailure, match=f"DescribeTransformJob j: {code}: words") as refusal:
            TransformJobs(None, client).describe("j")
    assert isinstance(refusal.value, NotNow) == (when != "never")
    if when != "never":
        assert refusal.value.is_quota == (when == "quota")


@pytest.mark.parametrize(("limit", "used", "is_beyond"), [(0, 0, True), (4, 0, True), (11, 4, False), (11, 11, False)])
def test_whether_waiting_for_a_quota_can_help_is_read_from_the_services_words(client, limit, used, is_beyond):
    """As users quote them: data-science-on-aws#200, zenml#847."""
    words = (
        f"The account-level service limit 'ml.p2.xlarge for transform job usage' is {limit} Instances, with current "
        f"utilization of {used} Instances and a request delta of 11 Instances. Please contact AWS support to request "
        "an increase for this limit."
    )
    with Stubber(client) as stub:
        stub.add_client_error("create_transform_job", "ResourceLimitExceeded", words)
        with pytest.raises(NotNow) as refusal:
            TransformJobs(None, client).create(REQUEST)
    assert (refusal.value.is_quota, refusal.value.is_beyond) == (True, is_beyond)


@pytest.mark.parametrize(
    ("error", "may_pass"),
    [
        (EndpointConnectionError(endpoint_url="e"), True),
        (ReadTimeoutError(endpoint_url="e"), True),
        (ParamValidationError(report="r"), False),
    ],
)
def test_an_answer_that_never_came_may_come_again(client, monkeypatch, error, may_pass):
    def raising(**request):
        raise error

    monkeypatch.setattr(client, "describe_transform_job", raising)
    with pytest.raises(ServiceFailure) as refusal:
        TransformJobs(None, client).describe("j")
    assert isinstance(refusal.value, NotNow) == may_pass


def test_a_call_that_is_not_allowed_says_what_to_do(client):
    with Stubber(client) as stub:
        stub.add_client_error("describe_transform_job", "AccessDeniedException", "no", http_status_code=400)
        with pytest.raises(ServiceFailure, match="no; `batch-transform iam RUNFILE` prints what must be allowed"):
            TransformJobs(None, client).describe("j")


def test_a_job_that_cannot_be_stopped_does_not_keep_the_others_going():
    run = MemoryRun([5, 5], GOOD, oversize=[0], transform={"instance_count": 2})
    driver, asked = run.driver(), []
    while sum(job.created for job in driver.state.jobs) < 2:
        driver.step()

    def stop(name):
        asked.append(name)
        raise NotNow("throttled", is_quota=False)

    run.service.stop = stop
    with pytest.raises(NotNow):
        driver.interrupt()
    assert asked == [job.name for job in driver.state.jobs]
