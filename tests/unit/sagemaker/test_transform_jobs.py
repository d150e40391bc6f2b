"""The calls on transform jobs, through a client whose answers are set."""

from __future__ import annotations

import copy
import hmac
import sys
from contextlib import nullcontext
from datetime import datetime, timezone

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import ANY

from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.statuses import JobStatus
from batch_transform.sagemaker.jobs import TransformJobs
from batch_transform.sagemaker.service_errors import NotNow
from support.stubbed_clients import answering

NAME = "run-0123456789-r1-s0-a1"
REQUEST = {
    "TransformJobName": NAME,
    "ModelName": "churn",
    "MaxPayloadInMB": 6,
    "MaxConcurrentTransforms": 16,
    "BatchStrategy": "MultiRecord",
    "ModelClientConfig": {"InvocationsTimeoutInSeconds": 3600},
    "TransformInput": {
        "DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": "s3://bucket/m.json"}},
        "ContentType": "application/jsonlines",
        "SplitType": "Line",
        "CompressionType": "Gzip",
    },
    "TransformOutput": {"S3OutputPath": "s3://bucket/out", "AssembleWith": "Line"},
    "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2},
}
FULL = {
    **copy.deepcopy(REQUEST),
    "ModelClientConfig": {"InvocationsTimeoutInSeconds": 60, "InvocationsMaxRetries": 0},
    "Environment": {"A": "1"},
    "Tags": [{"Key": "team", "Value": "ml"}],
    "TransformOutput": {"S3OutputPath": "s3://b/o", "Accept": "text/csv", "AssembleWith": "Line", "KmsKeyId": "k"},
    "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeKmsKeyId": "v"},
}
BARE = {key: value for key, value in REQUEST.items() if key not in ("MaxPayloadInMB", "MaxConcurrentTransforms")}
ARN = f"arn:aws:sagemaker:us-east-1:000000000000:transform-job/{NAME}"
BEGUN = datetime(2024, 5, 1, tzinfo=timezone.utc)


@pytest.fixture
def session():
    return boto3.Session("x", "x", region_name="us-east-1")


@pytest.fixture
def client(session):
    return session.client("sagemaker", endpoint_url="http://127.0.0.1:9")


@pytest.fixture
def stub(client):
    with answering(client) as stubber:
        yield stubber


@pytest.fixture
def jobs(session, client, stub):
    return TransformJobs(session, client)


def described(request=REQUEST, status="InProgress", **more):
    answer = {key: value for key, value in copy.deepcopy(request).items() if key != "Tags"}
    answer |= {"TransformJobArn": ARN, "TransformJobStatus": status, "CreationTime": BEGUN}
    return answer | more


@pytest.mark.parametrize("request_", [REQUEST, FULL, BARE], ids=["usual", "full", "bare"])
def test_the_recorded_request_is_sent_as_it_is_also_where_the_sdk_is_not_installed(jobs, stub, request_, monkeypatch):
    monkeypatch.setitem(sys.modules, "sagemaker.core", None)
    stub.add_response("create_transform_job", {"TransformJobArn": ARN}, request_)
    jobs.create(copy.deepcopy(request_))


@pytest.mark.parametrize("code", ["ResourceInUse", "ResourceInUseException"])
def test_a_job_of_the_same_request_is_adopted(jobs, stub, code):
    stub.add_client_error("create_transform_job", code, "Job name must be unique")
    stub.add_response("describe_transform_job", described(FULL), {"TransformJobName": NAME})
    jobs.create(FULL)


def test_a_job_of_the_name_with_another_request_is_not_ours(jobs, stub):
    other = described()
    other["TransformOutput"]["S3OutputPath"] = "s3://elsewhere"
    other["ModelName"] = "other"
    stub.add_client_error("create_transform_job", "ResourceInUse")
    stub.add_response("describe_transform_job", other, {"TransformJobName": NAME})
    with pytest.raises(ServiceFailure, match=r"differs in ModelName, TransformOutput\.S3OutputPath"):
        jobs.create(REQUEST)


def test_a_name_that_is_taken_but_cannot_be_looked_at_is_a_failure(jobs, stub):
    stub.add_client_error("create_transform_job", "ResourceInUse")
    stub.add_client_error("describe_transform_job", "AccessDeniedException", "no")
    with pytest.raises(ServiceFailure, match=f"DescribeTransformJob {NAME}: AccessDeniedException: no"):
        jobs.create(REQUEST)


@pytest.mark.parametrize("code", ["ResourceLimitExceeded", "ValidationException"])
def test_any_other_refusal_is_a_failure_in_the_services_words(jobs, stub, code):
    stub.add_client_error("create_transform_job", code, "the words")
    with pytest.raises(ServiceFailure, match=f"CreateTransformJob {NAME}: {code}: the words"):
        jobs.create(REQUEST)


def test_a_connection_that_breaks_is_a_failure(session):
    class Broken:
        def __getattr__(self, name):
            def call(**request):
                raise ReadTimeoutError(endpoint_url="there")

            return call

    jobs = TransformJobs(session, Broken())
    calls = {
        "CreateTransformJob": lambda: jobs.create(REQUEST),
        "DescribeTransformJob": lambda: jobs.describe(NAME),
        "StopTransformJob": lambda: jobs.stop(NAME),
    }
    for operation, call in calls.items():
        with pytest.raises(ServiceFailure, match=f"{operation} {NAME}: Read timeout"):
            call()
    with pytest.raises(ConfigurationError, match="churn cannot be looked up"):
        jobs.check_model("churn")


@pytest.mark.parametrize("status", list(JobStatus))
def test_each_status_is_described(jobs, stub, status):
    answer = described(status=status.value, TransformStartTime=BEGUN, FailureReason="why")
    stub.add_response("describe_transform_job", answer, {"TransformJobName": NAME})
    found = jobs.describe(NAME)
    assert (found.name, found.status, found.failure_reason) == (NAME, status, "why")
    assert (found.created_at, found.started_at, found.ended_at) == (BEGUN, BEGUN, None)


def test_a_job_is_described_with_the_time_that_it_is_for_the_service(jobs, stub):
    answer = {**described(), "ResponseMetadata": {"HTTPHeaders": {"date": "Wed, 01 May 2024 00:00:20 GMT"}}}
    stub.add_response("describe_transform_job", answer, {"TransformJobName": NAME})
    assert (jobs.describe(NAME).told_at - BEGUN).total_seconds() == 20.0


def test_a_failure_reason_that_quotes_a_secret_is_told_and_recorded_without_it(session, client, stub):
    jobs = TransformJobs(session, client, lambda text: text.replace("hunter2", "<secret>"))
    answer = described(status="Failed", FailureReason="{TOKEN=hunter2} is wrong")
    stub.add_response("describe_transform_job", answer, {"TransformJobName": NAME})
    assert jobs.describe(NAME).failure_reason == "{TOKEN=<secret>} is wrong"


def test_a_recorded_request_with_a_placeholder_is_the_job_that_was_sent_its_value(jobs, stub):
    sealed = {"TOKEN": "<secret hmac-sha256:n:" + hmac.new(b"n", b"hunter2", "sha256").hexdigest() + ">"}
    for value, is_same in (("hunter2", True), ("another", False)):
        answer = {**described(), "Environment": {"TOKEN": value}}
        stub.add_response("describe_transform_job", answer, {"TransformJobName": NAME})
        with nullcontext() if is_same else pytest.raises(ServiceFailure, match=r"in Environment\.TOKEN\. Choose"):
            assert jobs.is_there({**REQUEST, "Environment": sealed})


def test_an_unknown_status_is_a_failure_and_no_end(jobs, stub):
    stub.add_response("describe_transform_job", described(status="Paused"), {"TransformJobName": ANY})
    with pytest.raises(ServiceFailure, match=f"{NAME}: unknown transform job status 'Paused'"):
        jobs.describe(NAME)


def test_a_job_that_nobody_knows_is_a_failure_to_describe(jobs, stub):
    stub.add_client_error("describe_transform_job", "ResourceNotFound", "gone")
    with pytest.raises(ServiceFailure, match=f"{NAME}: ResourceNotFound: gone. The run has created it, .* region"):
        jobs.describe(NAME)


def test_stopping_a_job(jobs, stub):
    stub.add_response("stop_transform_job", {}, {"TransformJobName": NAME})
    jobs.stop(NAME)


@pytest.mark.parametrize("code", ["ValidationException", "ResourceNotFound"])
def test_stopping_what_has_ended_or_never_was_is_no_error(jobs, stub, code):
    stub.add_client_error("stop_transform_job", code)
    jobs.stop(NAME)


def test_any_other_error_of_a_stop_is_a_failure(jobs, stub):
    stub.add_client_error("stop_transform_job", "AccessDeniedException", "no")
    with pytest.raises(ServiceFailure, match=f"StopTransformJob {NAME}: AccessDeniedException"):
        jobs.stop(NAME)


def test_a_model_that_is_there_passes(jobs, stub):
    answer = {"ModelName": "churn", "ModelArn": ARN, "CreationTime": BEGUN}
    stub.add_response("describe_model", answer, {"ModelName": "churn"})
    jobs.check_model("churn")


def test_a_model_that_is_not_there_is_a_fault_of_the_run_file(jobs, stub):
    stub.add_client_error("describe_model", "ValidationException", "Could not find model")
    stub.add_client_error("list_models", "AccessDeniedException", "no")
    with pytest.raises(ConfigurationError) as refused:
        jobs.check_model("churn")
    words = "model.name: churn is no model of this account and region: ValidationException: Could not find model"
    assert refused.value.faults == (words,)


def test_a_model_that_may_be_meant_is_named(jobs, stub):
    stub.add_client_error("describe_model", "ValidationException", "Could not find model")
    model = {"ModelName": "Churn-v7", "ModelArn": ARN, "CreationTime": BEGUN}
    stub.add_response("list_models", {"Models": [model, {**model, "ModelName": "other"}]})
    with pytest.raises(ConfigurationError, match=r"churn-v6 \(did you mean Churn-v7\?\) is no model"):
        jobs.check_model("churn-v6")


def test_a_service_that_does_not_tell_of_a_model_is_no_fault_of_the_run_file(jobs, stub):
    stub.add_client_error("describe_model", "InternalFailure", "later", http_status_code=500)
    with pytest.raises(NotNow, match="DescribeModel churn: InternalFailure: later") as failed:
        jobs.check_model("churn")
    assert failed.value.exit_code == 4


def test_credentials_that_have_ended_are_told_as_that_when_the_model_is_looked_up(jobs, stub):
    """Their status may be 403, that of a refusal (common errors of AWS's APIs)."""
    stub.add_client_error("describe_model", "ExpiredTokenException", "expired", http_status_code=403)
    with pytest.raises(ConfigurationError, match=r"DescribeModel churn: .*: expired; the credentials have ended"):
        jobs.check_model("churn")


def test_a_model_that_may_not_be_looked_at_is_left_to_create_transform_job(jobs, stub):
    stub.add_client_error("describe_model", "AccessDeniedException", "no")
    jobs.check_model("churn")


@pytest.mark.parametrize("code", ["ValidationException", "ResourceNotFound"])
def test_whether_the_service_knows_a_job_is_asked_by_its_name(jobs, stub, code):
    stub.add_client_error("describe_transform_job", code)
    assert not jobs.is_there(REQUEST)
    stub.add_client_error("describe_transform_job", "ThrottlingException")
    with pytest.raises(NotNow):
        jobs.is_there(REQUEST)


def test_a_create_that_is_refused_for_capacity_may_be_made_again_as_for_a_quota(jobs, stub):
    stub.add_client_error("create_transform_job", "ValidationException", "CapacityError: Unable to provision")
    with pytest.raises(NotNow) as refused:
        jobs.create(REQUEST)
    assert refused.value.is_quota


def test_an_ami_version_that_the_installed_botocore_cannot_send_is_refused(client, jobs, monkeypatch):
    jobs.check_ami_version()
    older = client.meta.service_model.shape_for("TransformResources")
    del older.members["TransformAmiVersion"]
    monkeypatch.setattr(client.meta.service_model, "shape_for", lambda name: older)
    with pytest.raises(ConfigurationError, match=r"transform\.ami_version: the installed boto3 is older"):
        jobs.check_ami_version()


def test_a_new_job_that_is_not_known_everywhere_yet_is_asked_for_again(jobs, stub):
    stub.add_response("create_transform_job", {"TransformJobArn": ARN}, REQUEST)
    jobs.create(REQUEST)
    stub.add_client_error("describe_transform_job", "ValidationException", "Could not find it.")
    with pytest.raises(NotNow, match=r"Could not find it\. It was created .* credentials are no longer those"):
        jobs.describe(NAME)


def test_a_new_job_that_may_not_be_looked_at_yet_is_asked_for_again(jobs, stub):
    """A policy may go by its tags, which come to count some time after it is created (sagemaker-python-sdk#4600)."""
    stub.add_response("create_transform_job", {"TransformJobArn": ARN}, REQUEST)
    jobs.create(REQUEST)
    stub.add_client_error("describe_transform_job", "AccessDeniedException", "no")
    with pytest.raises(NotNow, match=r"AccessDeniedException: no; .*iam RUNFILE"):
        jobs.describe(NAME)
    stub.add_response("describe_transform_job", described())
    assert jobs.describe(NAME).status is JobStatus.IN_PROGRESS
    stub.add_client_error("describe_transform_job", "AccessDeniedException", "no")
    with pytest.raises(ServiceFailure) as refused:
        jobs.describe(NAME)
    assert not isinstance(refused.value, NotNow)
