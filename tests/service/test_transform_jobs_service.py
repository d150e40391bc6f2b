"""Transform jobs over HTTP: the real SDK and client against moto's SageMaker."""

from __future__ import annotations

import uuid

import pytest
from moto.server import ThreadedMotoServer

from batch_transform.aws.access import AwsAccess
from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.run_settings import RunSettings, TransformSettings
from batch_transform.core.sending.job_planning import Throughput
from batch_transform.core.sending.job_request import job_settings
from batch_transform.core.statuses import JobStatus
from batch_transform.core.uris import S3Uri
from batch_transform.sagemaker.jobs import TransformJobs

SETTINGS = RunSettings(
    "churn",
    transform=TransformSettings(
        instance_count=2,
        invocations_max_retries=3,
        environment={"A": "1"},
        accept="application/jsonlines",
        tags={"team": "ml"},
    ),
)


@pytest.fixture(scope="module")
def access():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield AwsAccess(endpoint_url=f"http://{host}:{port}", emulated=True)
    server.stop()


@pytest.fixture
def client(access):
    return access.client("sagemaker")


@pytest.fixture
def jobs(access, client):
    return TransformJobs(access.session(), client)


@pytest.fixture
def request_(jobs):
    name = f"run-{uuid.uuid4().hex[:10]}-r1-s0-a1"
    where = S3Uri("bucket", "work/r")
    throughput = Throughput(6, 16)
    listed, output = where.join("m.json"), where.join("output", name)
    return jobs.request(
        job_settings(name, SETTINGS, "application/jsonlines", listed, output, throughput, instance_type=None)
    )


def test_a_job_is_created_as_it_was_asked_for(jobs, client, request_):
    jobs.create(request_)
    found = client.describe_transform_job(TransformJobName=request_["TransformJobName"])
    tags = client.list_tags(ResourceArn=found["TransformJobArn"])["Tags"]
    assert {**{key: found.get(key) for key in request_}, "Tags": tags} == request_


def test_creating_again_makes_no_second_job(jobs, client, request_):
    jobs.create(request_)
    jobs.create(request_)
    names = [job["TransformJobName"] for job in client.list_transform_jobs()["TransformJobSummaries"]]
    assert names.count(request_["TransformJobName"]) == 1


def test_a_created_job_is_described_with_its_times(jobs, request_):
    jobs.create(request_)
    found = jobs.describe(request_["TransformJobName"])
    assert found.status in set(JobStatus)
    assert found.created_at is not None
    assert found.created_at.tzinfo is not None


def test_an_unknown_job_cannot_be_described_but_may_be_stopped(jobs):
    with pytest.raises(ServiceFailure, match="DescribeTransformJob nobody"):
        jobs.describe("nobody")


def test_a_missing_model_is_told_before_any_job(jobs, client):
    with pytest.raises(ConfigurationError, match=r"model\.name: nobody"):
        jobs.check_model("nobody")
    role = "arn:aws:iam::123456789012:role/r"
    client.create_model(ModelName="churn", ExecutionRoleArn=role, PrimaryContainer={"Image": "i"})
    jobs.check_model("churn")
