"""Each fault that can be declared, as clients of the emulator see it."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from support.emulator_aws import Aws, Ran, request
from support.scripted_model import ScriptedModel

Declare = Callable[..., None]


def call(aws: Aws, method: str, document: object = None) -> list[dict[str, Any]]:
    """The faults in force after a request to the emulator's own path."""
    body = None if document is None else json.dumps(document).encode()
    with urllib.request.urlopen(
        urllib.request.Request(aws.endpoint_url + "/_emulator/faults", body, method=method)
    ) as answer:
        return json.loads(answer.read())["faults"]


@pytest.fixture
def declare(aws: Aws) -> Iterator[Declare]:
    """Declares faults for the test."""
    yield lambda *faults: call(aws, "PUT", {"faults": list(faults)})
    call(aws, "DELETE")


def code_of(action: Callable[..., Any], **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        action(**parameters)
    return caught.value.response["Error"]["Code"]


def test_a_status_for_the_records_that_hold_a_text(run: Callable[..., Ran], declare: Declare) -> None:
    """A poison record: 400 wherever it is, and the rest of its file lost with it."""
    declare({"fault": "status", "status": 400, "body": "bad", "record": "poison"})
    ran = run({"a": b"1\n", "b": b"2\npoison\n"}, BatchStrategy="SingleRecord")
    assert (ran.status, ran.outputs) == ("Failed", {"a.out": b"1\n"})
    assert any(line.endswith("/in/b: ClientError: 400") for line in ran.data_log)
    assert ran.data_log[-1].endswith("/in/b: bad")


def test_a_status_on_the_first_attempt_is_healed_by_the_retry(
    aws: Aws, run: Callable[..., Ran], declare: Declare
) -> None:
    """InvocationsMaxRetries: the second attempt reaches the model."""
    declare({"fault": "status", "status": 503, "attempts": [1]})
    assert run({"a": b"1\n"}).outputs == {"a.out": b"1\n"}
    (fault,) = call(aws, "GET")
    assert (fault["seen"], fault["struck"]) == (1, 1)


@pytest.mark.parametrize(
    ("fault", "headline"),
    [
        ("timeout", "Model server did not respond to /invocations request within 7 seconds"),
        ("drop", "Unable to get response from algorithm"),
    ],
)
def test_no_answer(run: Callable[..., Ran], declare: Declare, fault: str, headline: str) -> None:
    """The data-log's headlines of a time-out and of a closed connection, without waiting for either."""
    declare({"fault": fault})
    limits = {"InvocationsTimeoutInSeconds": 7, "InvocationsMaxRetries": 0}
    assert run({"a": b"1\n"}, ModelClientConfig=limits).data_log[-1].endswith(headline)


def test_a_slow_answer_and_a_slow_start(run: Callable[..., Ran], declare: Declare) -> None:
    """Delays are real: TransformStartTime comes after the slow start, the end after the slow answer."""
    declare({"fault": "slow_start", "seconds": 0.4}, {"fault": "slow_answer", "seconds": 0.3})
    described = run({"a": b"1\n"}).description
    assert (described["TransformStartTime"] - described["CreationTime"]).total_seconds() >= 0.4
    assert (described["TransformEndTime"] - described["TransformStartTime"]).total_seconds() >= 0.3


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("internal_error", "InternalServerError: We encountered an internal error. Please try again."),
        ("out_of_memory", "ClientError: Please use an instance type with more memory, or reduce the size of job data"),
        ("instance_fails", "AlgorithmError: Model container failed to respond to ping."),
        ("no_ping", "AlgorithmError: Model container failed to respond to ping."),
    ],
)
def test_failures_of_the_platform(run: Callable[..., Ran], declare: Declare, fault: str, reason: str) -> None:
    """FailureReason as Describe showed it to people; no output, and no file's name anywhere."""
    declare({"fault": fault})
    ran = run({"a": b"1\n"})
    assert ran.description["FailureReason"].startswith(reason)
    assert ran.outputs == {}


def test_no_capacity_starts_no_instance(aws: Aws, name: str, model: ScriptedModel, declare: Declare) -> None:
    """CapacityError: no TransformStartTime, no log stream, no ping."""
    declare({"fault": "capacity_error"})
    aws.s3.put_object(Bucket=name, Key="in/a", Body=b"1\n")
    aws.sagemaker.create_transform_job(**request(name, name))
    described = aws.wait_until(name)
    assert described["FailureReason"].startswith("CapacityError: Unable to provision requested ML compute capacity.")
    assert "TransformStartTime" not in described
    assert model.seen == []


def test_files_before_a_failure_of_the_platform_have_outputs(run: Callable[..., Ran], declare: Declare) -> None:
    """Outputs of files that were finished before stay; those after it are never attempted, and nobody logs them."""
    declare({"fault": "out_of_memory", "calls": [2]})
    ran = run(dict.fromkeys("abc", b"1\n"), MaxConcurrentTransforms=1)
    assert (ran.status, ran.outputs) == ("Failed", {"a.out": b"1\n"})
    assert len(ran.data_log) == 1


def test_what_ended_the_job_is_its_reason_before_what_failed_a_file(run: Callable[..., Ran], declare: Declare) -> None:
    """A file had failed with a 400 when the platform broke: InternalServerError, as nothing after it was tried."""
    declare({"fault": "status", "status": 400, "key": "*/a"}, {"fault": "internal_error", "key": "*/b"})
    ran = run({"a": b"1\n", "b": b"2\n"}, MaxConcurrentTransforms=1)
    assert ran.description["FailureReason"].startswith("InternalServerError: ")
    assert any(line.endswith("/a: ClientError: 400") for line in ran.data_log)


def test_one_of_two_instances_fails_to_start(aws: Aws, run: Callable[..., Ran], name: str, declare: Declare) -> None:
    """More container streams than data-log streams: "some instances failed to initialise", seen in production."""
    declare({"fault": "instance_fails", "instance": 0})
    files = {f"{number}": b"1\n" for number in range(20)}
    ran = run(files, TransformResources__InstanceCount=2)
    streams = aws.logs.describe_log_streams(logGroupName="/aws/sagemaker/TransformJobs", logStreamNamePrefix=f"{name}/")
    assert [stream["logStreamName"].endswith("/data-log") for stream in streams["logStreams"]].count(False) == 1
    assert len(ran.data_log) == 1
    assert 0 < len(ran.outputs) < 20


def test_a_slow_ping(run: Callable[..., Ran], declare: Declare) -> None:
    """A heavy model: nothing is sent before /ping is green."""
    declare({"fault": "slow_ping", "seconds": 0.4})
    described = run({"a": b"1\n"}).description
    assert (described["TransformEndTime"] - described["TransformStartTime"]).total_seconds() >= 0.4


def test_completed_without_output(run: Callable[..., Ran], model: ScriptedModel, declare: Declare) -> None:
    """boto3#2044: "Completed", no error, no objects."""
    declare({"fault": "completed_without_output"})
    ran = run({"a": b"1\n"})
    assert (ran.status, ran.outputs, model.seen) == ("Completed", {}, [])


@pytest.mark.parametrize(
    ("fault", "output"),
    [
        ({"fault": "output_truncated", "keep_lines": 2}, b"1\n2\n"),
        ({"fault": "output_truncated", "keep_lines": 0}, b""),
        ({"fault": "output_truncated", "keep_bytes": 3}, b"1\n2"),
        ({"fault": "output_extra_lines", "lines": 2, "body": "x"}, b"1\n2\n3\nx\nx\n"),
    ],
)
@pytest.mark.parametrize("strategy", ["SingleRecord", "MultiRecord"])
def test_outputs_of_another_length(
    run: Callable[..., Ran], declare: Declare, fault: dict[str, Any], output: bytes, strategy: str
) -> None:
    """A container that answers too little or too much: the job is Completed all the same."""
    declare(fault)
    ran = run({"a": b"1\n2\n3\n"}, BatchStrategy=strategy)
    assert (ran.status, ran.outputs) == ("Completed", {"a.out": output})


def test_a_leftover_output_looks_like_one_of_this_job(run: Callable[..., Ran], declare: Declare) -> None:
    """An earlier job with the same S3OutputPath left its `.out` where this job's file fails (sdk#691)."""
    declare(
        {"fault": "leftover_output", "key": "in/b", "body": "old\n"},
        {"fault": "status", "status": 400, "key": "in/b"},
    )
    ran = run({"a": b"1\n", "b": b"2\n"})
    assert (ran.status, ran.outputs) == ("Failed", {"a.out": b"1\n", "b.out": b"old\n"})


@pytest.mark.parametrize("operation", ["CreateTransformJob", "DescribeTransformJob", "ListModels", "DescribeLogGroups"])
def test_throttling(aws: Aws, declare: Declare, operation: str) -> None:
    """`ThrottlingException ...: Rate exceeded` (dynabench#482, #463; airflow#16299); botocore retries it."""
    declare({"fault": "throttling", "operation": operation})
    retry_once = Config(retries={"total_max_attempts": 2})
    client = aws.client("sagemaker", config=retry_once)
    calls = {
        "CreateTransformJob": lambda: client.create_transform_job(**request("job", "bucket")),
        "DescribeTransformJob": lambda: client.describe_transform_job(TransformJobName="job"),
        "ListModels": client.list_models,
        "DescribeLogGroups": aws.client("logs", config=retry_once).describe_log_groups,
    }
    assert code_of(calls[operation]) == "ThrottlingException"
    assert call(aws, "GET")[0]["struck"] == 2


def test_a_throttled_call_succeeds_when_it_is_tried_again(aws: Aws, declare: Declare) -> None:
    """The first call only: the client's own retry is answered."""
    declare({"fault": "throttling", "calls": [1]})
    assert aws.sagemaker.list_transform_jobs()["ResponseMetadata"]["RetryAttempts"] == 1


def test_no_quota(aws: Aws, name: str, declare: Declare) -> None:
    """`The account-level service limit 'ml.m5.large for transform job usage' is 1 Instances...` at Create; no name is
    burnt by it.
    """
    declare({"fault": "resource_limit_exceeded", "calls": [1]})
    aws.s3.put_object(Bucket=name, Key="in/a", Body=b"1\n")
    with pytest.raises(ClientError, match=r"'ml\.m5.large for transform job usage' is 1 Instances"):
        aws.sagemaker.create_transform_job(**request(name, name))
    aws.sagemaker.create_transform_job(**request(name, name))
    assert aws.wait_until(name)["TransformJobStatus"] == "Completed"


@pytest.mark.parametrize(("fault", "code"), [("s3_slow_down", "SlowDown"), ("s3_internal_error", "InternalError")])
def test_s3(aws: Aws, name: str, declare: Declare, fault: str, code: str) -> None:
    """503 SlowDown and 500 InternalError, which botocore retries; narrowed down to one method and one key."""
    aws.s3.put_object(Bucket=name, Key="kept", Body=b"1")
    declare({"fault": fault, "method": "GET", "bucket": name, "key": "k*"})
    once = aws.client("s3", config=Config(retries={"total_max_attempts": 1}))
    assert code_of(once.get_object, Bucket=name, Key="kept") == code
    once.put_object(Bucket=name, Key="kept", Body=b"2")
    assert aws.s3.list_objects_v2(Bucket=name)["KeyCount"] == 1
    declare({"fault": fault, "calls": [1]})
    begin = time.monotonic()
    assert aws.s3.get_object(Bucket=name, Key="kept")["ResponseMetadata"]["RetryAttempts"] == 1
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize("value", ["", ": aws:kms"])
def test_s3_without_a_header(aws: Aws, name: str, declare: Declare, value: str) -> None:
    """A bucket's policy asks for an encryption of each put, copy and multipart upload, and of no read and no part."""
    declare({"fault": "s3_access_denied", "bucket": name, "without": f"x-amz-server-side-encryption{value}"})
    place, key = {"Bucket": name, "Key": "a"}, {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "k"}
    source = {"CopySource": f"{name}/a"}
    assert code_of(aws.s3.put_object, **place) == "AccessDenied"
    aws.s3.put_object(**place, **key)
    assert code_of(aws.s3.copy_object, Bucket=name, Key="b", **source) == "AccessDenied"
    aws.s3.copy_object(Bucket=name, Key="b", **source, **key)
    assert code_of(aws.s3.create_multipart_upload, **place) == "AccessDenied"
    upload = place | {"UploadId": aws.s3.create_multipart_upload(**place, **key)["UploadId"]}
    etag = aws.s3.upload_part(**upload, PartNumber=1, Body=b"1")["ETag"]
    aws.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    assert aws.s3.get_object(**place)["Body"].read() == b"1"
    other = {"ServerSideEncryption": "AES256"}
    if value:
        assert code_of(aws.s3.put_object, **place, **other) == "AccessDenied"
    else:
        aws.s3.put_object(**place, **other)


def test_s3_without_the_owner_of_the_bucket(aws: Aws, name: str, declare: Declare) -> None:
    """x-amz-expected-bucket-owner is a header of every request, a listing and a part of an upload too."""
    owner = {"ExpectedBucketOwner": "111122223333"}
    aws.s3.put_object(Bucket=name, Key="kept", Body=b"1")
    declare({"fault": "s3_access_denied", "without": "X-Amz-Expected-Bucket-Owner: 111122223333"})
    assert code_of(aws.s3.list_objects_v2, Bucket=name) == "AccessDenied"
    assert aws.s3.list_objects_v2(Bucket=name, **owner)["KeyCount"] == 1
    assert code_of(aws.s3.put_object, Bucket=name, Key="a", ExpectedBucketOwner="2" * 12) == "AccessDenied"
    upload = {"Bucket": name, "Key": "a"}
    upload["UploadId"] = aws.s3.create_multipart_upload(**upload, **owner)["UploadId"]
    assert code_of(aws.s3.upload_part, **upload, PartNumber=1, Body=b"1") == "AccessDenied"


def test_a_call_that_is_denied(aws: Aws, name: str, declare: Declare) -> None:
    """AccessDeniedException, 400, which no client tries again."""
    declare({"fault": "access_denied", "operation": "Describe*"})
    assert code_of(aws.sagemaker.describe_transform_job, TransformJobName=name) == "AccessDeniedException"
    assert code_of(aws.logs.describe_log_streams, logGroupName=name) == "AccessDeniedException"
    assert aws.sagemaker.list_transform_jobs()["TransformJobSummaries"] is not None
    (fault,) = call(aws, "GET")
    assert fault["struck"] == 2


def test_a_mistake_over_http_is_told(aws: Aws) -> None:
    """400 with the reason, as a file's mistakes are told by the command line."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        call(aws, "PUT", {"faults": [{"fault": "x"}]})
    assert "unknown fault" in json.loads(caught.value.read())["message"]
