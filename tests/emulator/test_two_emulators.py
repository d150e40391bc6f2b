"""Emulators of one process share nothing, and a reset leaves of one what its settings name."""

import contextlib
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from support.emulator_aws import TELLING_MODEL, Aws, request
from transform_emulator.emulator import Emulator
from transform_emulator.faults.model import parse
from transform_emulator.settings import Settings


@pytest.fixture
def two() -> Iterator[tuple[Aws, Aws]]:
    with (
        Emulator(Settings({"mine": TELLING_MODEL}, buckets=["mine"])) as one,
        Emulator(Settings({"yours": TELLING_MODEL}, buckets=["yours"])) as other,
    ):
        yield Aws.of(one.endpoint_url), Aws.of(other.endpoint_url)


def buckets(aws: Aws) -> list[str]:
    return [bucket["Name"] for bucket in aws.s3.list_buckets()["Buckets"]]


def models(aws: Aws) -> list[str]:
    return [model["ModelName"] for model in aws.sagemaker.list_models()["Models"]]


def run(aws: Aws, name: str, model: str, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="in/a", Body=b"1\n")
    aws.sagemaker.create_transform_job(**request(name, bucket, ModelName=model))
    assert aws.wait_until(name)["TransformJobStatus"] == "Completed"


def test_two_emulators_in_one_process_share_nothing(two: tuple[Aws, Aws]) -> None:
    """Moto has one memory in a process; a name of the one is free in the other."""
    one, other = two
    assert (buckets(one), buckets(other)) == (["mine"], ["yours"])
    assert (models(one), models(other)) == (["mine"], ["yours"])
    for aws, body in ((one, b"1"), (other, b"2")):
        aws.s3.create_bucket(Bucket="both", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
        aws.s3.put_object(Bucket="both", Key="k", Body=body, Tagging="by=me")
    assert one.s3.get_object(Bucket="both", Key="k")["Body"].read() == b"1"
    run(one, "job", "mine", "mine")
    assert other.sagemaker.list_transform_jobs()["TransformJobSummaries"] == []
    assert other.logs.describe_log_groups()["logGroups"] == []
    one.client("iam").create_user(UserName="somebody")
    assert other.client("iam").list_users()["Users"] == []
    role = {"ExecutionRoleArn": "arn:aws:iam::123456789012:role/r", "PrimaryContainer": {"Image": "i"}}
    one.sagemaker.create_model(ModelName="made", **role)
    assert models(other) == ["yours"]


def test_an_emulator_shares_nothing_with_mock_aws(two: tuple[Aws, Aws]) -> None:
    """Tests that use both in one process: the mock empties moto's memory when it begins."""
    one, _ = two
    one.s3.put_object(Bucket="mine", Key="k", Body=b"kept")
    with mock_aws(config={"core": {"passthrough": {"urls": [r"http://127\.0\.0\.1.*"]}}}):
        import boto3

        mocked = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y")
        assert mocked.list_buckets()["Buckets"] == []
        mocked.create_bucket(Bucket="mocked")
    assert buckets(one) == ["mine"]
    assert one.s3.get_object(Bucket="mine", Key="k")["Body"].read() == b"kept"


@pytest.mark.parametrize("kept", [False, True])
def test_a_reset_leaves_what_the_settings_name(tmp_path: Path, kept: bool) -> None:
    """POST /moto-api/reset: jobs, models, objects, logs; --model and --bucket are made again, in a kept state too."""
    faults = parse({"faults": [{"fault": "status", "status": 400, "key": "never"}]})
    state = tmp_path / "state" if kept else None
    settings = Settings({"mine": TELLING_MODEL}, buckets=["mine"], faults=faults, state=state)
    with Emulator(settings) as emulator:
        aws = Aws.of(emulator.endpoint_url)
        run(aws, "job", "mine", "mine")
        aws.s3.create_bucket(Bucket="more", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
        role = {"ExecutionRoleArn": "arn:aws:iam::123456789012:role/r", "PrimaryContainer": {"Image": "mine"}}
        aws.sagemaker.create_model(ModelName="made", **role)
        # A job that is running when it comes is stopped, and its model server ends.
        aws.s3.put_object(Bucket="mine", Key="in/long", Body=b"1\n" * 200_000)
        aws.sagemaker.create_transform_job(**request("long", "mine", ModelName="mine", BatchStrategy="SingleRecord"))
        emulator.faults.replace([])
        reset(emulator)
        assert_new(aws)
        assert [fault["key"] for fault in emulator.faults.documents()] == ["never"]
        run(aws, "job", "mine", "mine")  # its name is free again
    if kept:
        with Emulator(settings) as again:
            aws = Aws.of(again.endpoint_url)
            assert [item["Key"] for item in aws.s3.list_objects_v2(Bucket="mine")["Contents"]] == ["in/a", "out/a.out"]
            assert buckets(aws) == ["mine"]
            reset(again)
        with Emulator(settings) as last:
            assert_new(Aws.of(last.endpoint_url))
            assert list((tmp_path / "state" / "objects").iterdir()) == []


def reset(emulator: Emulator) -> None:
    sent = urllib.request.Request(f"{emulator.endpoint_url}/moto-api/reset", method="POST")
    with urllib.request.urlopen(sent) as answer:
        assert answer.status == 200


def assert_new(aws: Aws) -> None:
    assert buckets(aws) == ["mine"]
    assert aws.s3.list_objects_v2(Bucket="mine")["KeyCount"] == 0
    assert models(aws) == ["mine"]
    assert aws.sagemaker.list_transform_jobs()["TransformJobSummaries"] == []
    assert aws.logs.describe_log_groups()["logGroups"] == []
    with contextlib.suppress(aws.sagemaker.exceptions.ClientError):
        aws.sagemaker.describe_transform_job(TransformJobName="job")
        raise AssertionError("the job is still known")
