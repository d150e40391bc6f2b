"""The transform-job calls, asked by boto3."""

import json
import re
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.emulator_aws import Aws, Ran, request
from support.scripted_model import ScriptedModel
from transform_emulator.control_plane import request_validation as shapes
from transform_emulator.control_plane.operations import TRANSFORM_CALLS


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    """The code and the words with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def bucket(aws: Aws, name: str) -> str:
    """A bucket with one input object."""
    aws.s3.put_object(Bucket=name, Key="in/a", Body=b"1\n")
    return name


def raw_create(aws: Aws, body: dict[str, Any]) -> dict[str, Any]:
    """The error document for a body that boto3 itself would refuse to send."""
    headers = {"X-Amz-Target": "SageMaker.CreateTransformJob", "Content-Type": "application/x-amz-json-1.1"}
    call = urllib.request.Request(aws.endpoint_url, json.dumps(body).encode(), headers)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(call)
    return json.loads(caught.value.read())


def test_an_unknown_model_is_refused_in_the_services_words(aws: Aws, bucket: str) -> None:
    """deep-learning-containers#586: `Could not find model "arn:aws:sagemaker:<r>:<acct>:model/<name>".`"""
    code, text = refusal(aws.sagemaker.create_transform_job, **request(bucket, bucket, ModelName="nobody"))
    assert code == "ValidationException"
    assert text == 'Could not find model "arn:aws:sagemaker:us-west-2:123456789012:model/nobody".'


@pytest.mark.parametrize("uri", ["s3://{bucket}/empty/", "s3://no-such-bucket-anywhere/"])
def test_an_empty_prefix_is_refused_at_creation(aws: Aws, bucket: str, uri: str) -> None:
    """amazon-sagemaker-examples#2414: CreateTransformJob itself says `No S3 objects found under S3 URL ...`."""
    uri = uri.format(bucket=bucket)
    body = request(bucket, bucket, TransformInput__DataSource__S3DataSource__S3Uri=uri)
    code, text = refusal(aws.sagemaker.create_transform_job, **body)
    assert code == "ValidationException"
    assert text.startswith(f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure')
    assert "(us-west-2)" in text


def test_names_are_taken_for_ever(aws: Aws, bucket: str, model: ScriptedModel) -> None:
    """Jobs cannot be deleted, and a name is unique per account and region (botocore: ResourceInUse)."""
    aws.sagemaker.create_transform_job(**request(bucket, bucket))
    aws.wait_until(bucket)
    code, _ = refusal(aws.sagemaker.create_transform_job, **request(bucket, bucket))
    assert code == "ResourceInUse"


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_arns_of_other_partitions(
    name: str, model: ScriptedModel, make_aws: Callable[..., Aws], region: str, partition: str
) -> None:
    """AWS general reference: ARNs of China and GovCloud have partitions of their own; jobs' had not.

    Nor had the buckets that the emulator makes there, each use of which was a 500.
    """
    aws = make_aws(region=region)
    aws.s3.put_object(Bucket=name, Key="in/a", Body=b"1\n")
    arn = aws.sagemaker.create_transform_job(**request(name, name))["TransformJobArn"]
    described = aws.sagemaker.describe_model(ModelName="scripted")
    assert arn.split(":")[1:4] == described["ModelArn"].split(":")[1:4] == [partition, "sagemaker", region]
    assert described["ExecutionRoleArn"].split(":")[1] == partition
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    aws.wait_until(name)


def test_another_region_has_names_and_models_of_its_own(aws: Aws, bucket: str, make_aws: Callable[..., Aws]) -> None:
    """Names are unique within a Region in an account (botocore); every region can use the served models."""
    aws.sagemaker.create_transform_job(**request(bucket, bucket))
    elsewhere = make_aws(region="eu-central-1")
    elsewhere.sagemaker.create_transform_job(**request(bucket, bucket))
    assert ":eu-central-1:" in elsewhere.wait_until(bucket)["TransformJobArn"]
    assert elsewhere.sagemaker.describe_model(ModelName="scripted")["ModelName"] == "scripted"
    aws.wait_until(bucket)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"MaxPayloadInMB": 50, "MaxConcurrentTransforms": 3}, "must not exceed 100"),
        ({"MaxPayloadInMB": 101}, "must not be greater than 100"),
        ({"MaxConcurrentTransforms": 101}, "MaxConcurrentTransforms (101) must not be greater than 100"),
        ({"Environment": {"A": "x\0y"}}, "The value of A in Environment holds a NUL"),
        ({"TransformResources__InstanceCount": 101}, "must not be greater than 100"),
        ({"TransformResources__InstanceType": "ml.huge"}, "enum value set"),
        ({"TransformJobName": "-no"}, "regular expression pattern"),
        (
            {"TransformResources__VolumeKmsKeyId": "k", "TransformResources__InstanceType": "ml.g4dn.xlarge"},
            "VolumeKmsKeyId is not supported for instance type: ml.g4dn.xlarge. KMS volume encryption is not",
        ),
        ({"DataCaptureConfig": {"DestinationS3Uri": "s3://b/c"}}, "DataCaptureConfig is not emulated"),
        ({"DataProcessing__OutputFilter": "$.a"}, "requires ContentType to be one of text/csv, application/json, "),
        ({"ModelClientConfig__InvocationsMaxRetries": 4}, "less than or equal to 3"),
        ({"Environment": {f"K{n}": "v" for n in range(17)}}, "length less than or equal to 16"),
        ({"DataProcessing__InputFilter": "$" * 64}, "length less than or equal to 63"),
        ({"TransformInput__DataSource__S3DataSource__S3DataType": "AugmentedManifestFile"}, "not valid"),
    ],
)
def test_limits_of_the_request(aws: Aws, bucket: str, changes: dict[str, Any], words: str) -> None:
    """The API's model (botocore, service-2.json) and its prose: product at most 100, payload at most 100, and so on."""
    code, text = refusal(aws.sagemaker.create_transform_job, **request(bucket, bucket, **changes))
    assert code == "ValidationException"
    assert words in text


def test_tags_with_letters_of_any_language(aws: Aws, bucket: str, model: ScriptedModel) -> None:
    r"""Tag values match `[\p{L}\p{Z}\p{N}_.:/=+\-@]*` (botocore), a pattern that Python's `re` cannot read as it is."""
    tags = [{"Key": "team", "Value": "Zürich 2 / a@b"}]
    aws.sagemaker.create_transform_job(**request(bucket, bucket, Tags=tags))
    aws.wait_until(bucket)
    tags = [{"Key": "team", "Value": "a{b}"}]
    code, text = refusal(aws.sagemaker.create_transform_job, **request(f"{bucket}-2", bucket, Tags=tags))
    assert (code, "'tags.1.member.value'" in text) == ("ValidationException", True)


def test_every_pattern_of_the_calls_can_be_checked() -> None:
    """The request's rules come from botocore's model of the API; none of its patterns may stop the emulator."""
    patterns, waiting = (
        set(),
        [shapes.service_model().operation_model(call).input_shape for call in TRANSFORM_CALLS],
    )
    while waiting:
        shape = waiting.pop()
        waiting += getattr(shape, "members", {}).values()
        waiting += [getattr(shape, part) for part in ("member", "key", "value") if hasattr(shape, part)]
        patterns.add(shape.metadata.get("pattern"))
    assert len(patterns) > 10
    for pattern in patterns - {None}:
        re.compile(shapes.python_pattern(pattern))


def test_the_largest_product_is_accepted(aws: Aws, bucket: str, model: ScriptedModel) -> None:
    """MaxConcurrentTransforms * MaxPayloadInMB may be 100 exactly (botocore, MaxPayloadInMB)."""
    aws.sagemaker.create_transform_job(**request(bucket, bucket, MaxPayloadInMB=25, MaxConcurrentTransforms=4))
    assert aws.wait_until(bucket)["TransformJobStatus"] == "Completed"


def test_what_is_required_is_required(aws: Aws) -> None:
    """All faults are named in one message, as AWS's JSON services do."""
    answer = raw_create(aws, {"ModelName": 7})
    assert answer["__type"] == "ValidationException"
    assert answer["message"].startswith("5 validation errors detected: Value null at 'transformJobName' failed")


def test_describe_fills_in_what_the_service_fills_in_and_no_more(run: Callable[..., Ran]) -> None:
    """sm-batch_transform_pytorch.ipynb, cells 27 and 33: filters and "None"s appear, unset sizes do not."""
    described = run({"a": b"1\n"}, TransformInput__SplitType=None, TransformOutput__AssembleWith=None).description
    assert described["DataProcessing"] == {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
    assert described["TransformInput"].items() >= {"CompressionType": "None", "SplitType": "None"}.items()
    assert described["TransformOutput"].items() >= {"AssembleWith": "None", "KmsKeyId": ""}.items()
    absent = {"MaxPayloadInMB", "MaxConcurrentTransforms", "BatchStrategy", "ModelClientConfig", "FailureReason"}
    assert not absent & described.keys()
    assert described["CreationTime"] <= described["TransformStartTime"] <= described["TransformEndTime"]


def test_unknown_jobs(aws: Aws, name: str) -> None:
    """Seen in production: `Could not find job to update with name`, `Requested resource not found`."""
    code, text = refusal(aws.sagemaker.describe_transform_job, TransformJobName=name)
    assert (code, text) == ("ValidationException", "Requested resource not found.")
    _, text = refusal(aws.sagemaker.stop_transform_job, TransformJobName=name)
    assert text.startswith("Could not find job to update with name")


def test_a_finished_job_cannot_be_stopped(aws: Aws, run: Callable[..., Ran], name: str) -> None:
    """Seen in production: `The request was rejected because the transform job is in status ...`."""
    run({"a": b"1\n"})
    code, text = refusal(aws.sagemaker.stop_transform_job, TransformJobName=name)
    assert code == "ValidationException"
    assert text.startswith("The request was rejected because the transform job is in status Completed")


def test_list_filters_sorts_and_pages(aws: Aws, bucket: str, model: ScriptedModel) -> None:
    """botocore, ListTransformJobs: NameContains, StatusEquals, SortBy, SortOrder, NextToken; latest first."""
    names = [f"{bucket}-{number}" for number in range(3)]
    for job in names:
        aws.sagemaker.create_transform_job(**request(job, bucket))
        aws.wait_until(job)
    pages = aws.sagemaker.get_paginator("list_transform_jobs")

    def listed(**query: Any) -> list[str]:
        found = pages.paginate(NameContains=bucket, PaginationConfig={"PageSize": 2}, **query)
        return [job["TransformJobName"] for page in found for job in page["TransformJobSummaries"]]

    assert listed() == names[::-1]
    assert listed(SortBy="Name", SortOrder="Ascending", StatusEquals="Completed") == names
    assert listed(StatusEquals="Failed") == []
    described = aws.sagemaker.describe_transform_job(TransformJobName=names[1])
    assert listed(CreationTimeAfter=described["CreationTime"]) == names[:1:-1]


def test_a_model_that_nothing_serves_fails_like_an_image_that_does_not_start(aws: Aws, bucket: str) -> None:
    """Developer guide, batch transform storage: a container that cannot start is an InternalServerError."""
    role = "arn:aws:iam::123456789012:role/r"
    aws.sagemaker.create_model(ModelName=bucket, PrimaryContainer={"Image": "nobody"}, ExecutionRoleArn=role)
    aws.sagemaker.create_transform_job(**request(bucket, bucket, ModelName=bucket))
    assert aws.wait_until(bucket)["FailureReason"].startswith("InternalServerError: We encountered an internal error")


def test_a_created_model_is_served_by_its_image(aws: Aws, bucket: str, model: ScriptedModel) -> None:
    """A client may create its models itself; `--model IMAGE=...` serves them."""
    role = "arn:aws:iam::123456789012:role/r"
    aws.sagemaker.create_model(ModelName=bucket, PrimaryContainer={"Image": "scripted"}, ExecutionRoleArn=role)
    aws.sagemaker.create_transform_job(**request(bucket, bucket, ModelName=bucket))
    assert aws.wait_until(bucket)["TransformJobStatus"] == "Completed"
