"""What no service can make sense of is refused in the form of its protocol, and never by an empty 500."""

import http.client
import json
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from support.emulator_aws import LOG_GROUP, Aws
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings

SIGNED = "AWS4-HMAC-SHA256 Credential=x/20260101/us-west-2/{}/aws4_request, SignedHeaders=host, Signature=0"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Emulator(Settings({}, buckets=["data"])) as emulator:
        yield emulator.endpoint_url


def ask(url: str, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(url).port, timeout=30)
    connection.putrequest(method, target, skip_accept_encoding=True)
    for name, value in (headers | {"Content_Length": str(len(body))}).items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders(body)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, text


@pytest.mark.parametrize(
    ("method", "target", "body", "headers", "status", "code"),
    [
        ("GET", "/[bucket/k", b"", {}, 400, "InvalidBucketName"),
        ("PUT", "/[bucket", b"", {}, 400, "InvalidBucketName"),
        ("PUT", "/b%20c/k", b"x", {}, 400, "InvalidBucketName"),
        ("GET", "/data/%ff", b"", {}, 400, "InvalidURI"),
        ("PUT", "/%ff", b"", {}, 400, "InvalidURI"),
        ("GET", "/data?max-keys=x", b"", {}, 400, "InvalidArgument"),
        ("PUT", "/data/k?uploadId=x&partNumber=y", b"x", {}, 400, "InvalidArgument"),
        ("PUT", "/data?tagging", b"\xff\xfe", {}, 400, "MalformedXML"),
        ("PUT", "/data?lifecycle", b"<a>", {}, 400, "MalformedXML"),
        ("PUT", "/data?cors", b"", {}, 400, "MissingRequestBodyError"),
        ("PUT", "/data?policy", b"[" * 100_000, {}, 400, "MalformedPolicy"),
        ("POST", "/data?delete", b"[" * 1000, {}, 400, "MalformedXML"),
        ("POST", "/data/k", b"", {}, 405, "MethodNotAllowed"),
        ("PUT", "/", b"", {}, 405, "MethodNotAllowed"),
        ("PUT", "/data/k", b"", {"x_amz_copy_source": "nobody"}, 400, "InvalidArgument"),
        ("PUT", "/data/k", b"x", {"x_amz_acl": "everybody"}, 400, "InvalidArgument"),
        ("GET", "/data", b"", {"Authorization": "x"}, 400, "InvalidArgument"),
        ("GET", "/data", b"", {"Authorization": SIGNED.format("nope")}, 501, "NotImplemented"),
    ],
)
def test_s3_says_what_is_wrong(
    url: str, method: str, target: str, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    """With S3's own codes (S3 API reference, error responses); a 500 would be tried again by every client."""
    found, text = ask(url, method, target, body, **({"Authorization": SIGNED.format("s3")} | headers))
    assert (found, re.search(rb"<Code>(\w+)</Code>|\"__type\": \"(\w+)\"", text) is not None) == (status, True)
    assert code.encode() in text


def test_a_date_that_is_none_does_not_count(url: str) -> None:
    """RFC 9110, 13.1.3: "A recipient MUST ignore the If-Modified-Since header field if ... not a valid HTTP-date"."""
    s3 = {"Authorization": SIGNED.format("s3")}
    ask(url, "PUT", "/data/dated", b"x", **s3)
    assert ask(url, "GET", "/data/dated", If_Modified_Since="yesterday", **s3) == (200, b"x")


@pytest.mark.parametrize(
    "body", [b"\xff", b"[" * 100_000, b'{"a":' * 50_000, b"[]", b"1", b'{"a"', b'{"a": "\\ud800"}']
)
@pytest.mark.parametrize(
    "target", ["SageMaker.CreateTransformJob", "SageMaker.CreateModel", "Logs_20140328.GetLogEvents"]
)
def test_a_json_service_says_what_is_wrong(url: str, target: str, body: bytes) -> None:
    """Bytes that are not UTF-8, JSON that is nested deeply, halves of characters: the client's fault."""
    service = "logs" if target.startswith("Logs") else "sagemaker"
    status, text = ask(url, "POST", "/", body, X_Amz_Target=target, Authorization=SIGNED.format(service))
    assert status == 400
    assert json.loads(text)["__type"] in {"SerializationException", "ValidationException"}


@pytest.mark.parametrize(
    ("target", "body", "code"),
    [
        ("SageMaker.CreateModel", b'{"ModelName": []}', "ValidationException"),
        ("SageMaker.CreateEndpointConfig", b"{}", "ValidationException"),
        ("SageMaker.ListTags", b'{"ResourceArn": null}', "ValidationException"),
        ("SageMaker.DescribeEndpoint", b'{"EndpointName": 1}', "SerializationException"),
        ("SageMaker.Nothing", b"{}", "UnknownOperationException"),
        ("Logs_20140328.Nothing", b"{}", "UnknownOperationException"),
        ("Logs_20140328.DescribeLogStreams", b'{"logGroupName": 5}', "SerializationException"),
        ("Logs_20140328.GetLogEvents", b"{}", "InvalidParameterException"),
        ("Nothing.At_All", b"{}", "UnknownOperationException"),
    ],
)
def test_a_member_that_is_missing_or_of_another_type(url: str, target: str, body: bytes, code: str) -> None:
    """Moto looks at members by their names, and raises what Python raises."""
    service = {"SageMaker": "sagemaker", "Logs_20140328": "logs"}.get(target.partition(".")[0], "nothing")
    status, text = ask(url, "POST", "/", body, X_Amz_Target=target, Authorization=SIGNED.format(service))
    assert (status, json.loads(text)["__type"]) == (400, code)


@pytest.mark.parametrize(
    ("service", "target", "path", "body"),
    [
        ("sagemaker", "SageMaker.DescribeModel", "/", b'{"ModelName": "m"}'),
        ("sagemaker", "SageMaker.ListTransformJobs", "/", b"{}"),
        ("sagemaker", "", "/endpoints/e/invocations", b"x"),
        ("logs", "Logs_20140328.DescribeLogStreams", "/", b'{"logGroupName": "g"}'),
    ],
)
def test_a_region_that_there_is_none_of_is_named(url: str, service: str, target: str, path: str, body: bytes) -> None:
    """Mistyped, it has no host at AWS; a 500 would be tried again, and says nothing of it."""
    signed = SIGNED.format(service).replace("us-west-2", "eu-wset-1")
    for _ in range(2):
        head = {"X_Amz_Target": target, "Authorization": signed} if target else {"Authorization": signed}
        status, text = ask(url, "POST", path, body, **head)
        assert (status, b"no region eu-wset-1" in text) == (400, True)


def test_a_null_is_a_member_that_is_not_there(url: str) -> None:
    """AWS's JSON protocol; clients of some languages send it for what was not set."""
    logs = Aws.of(url).logs
    logs.create_log_group(logGroupName="nulls")
    logs.create_log_stream(logGroupName="nulls", logStreamName="s")
    body = b'{"logGroupName": "nulls", "logStreamNamePrefix": null, "nextToken": null, "orderBy": null}'
    head = {"X_Amz_Target": "Logs_20140328.DescribeLogStreams", "Authorization": SIGNED.format("logs")}
    status, text = ask(url, "POST", "/", body, **head)
    assert (status, [stream["logStreamName"] for stream in json.loads(text)["logStreams"]]) == (200, ["s"])


def test_log_streams_by_the_beginning_of_their_names(url: str) -> None:
    """logStreamNamePrefix in pages; it goes with no order but that of the names (CloudWatch Logs API reference)."""
    logs = Aws.of(url).logs
    logs.create_log_group(logGroupName=LOG_GROUP)
    names = [f"job-1/i-{number:03}" for number in range(70)]
    for name in ["job-10/i", *names, "other"]:
        logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=name)
    asked = {"logGroupName": LOG_GROUP, "logStreamNamePrefix": "job-1/"}
    pages = logs.get_paginator("describe_log_streams").paginate(**asked, PaginationConfig={"PageSize": 20})
    assert [stream["logStreamName"] for page in pages for stream in page["logStreams"]] == names
    for change in ({"orderBy": "LastEventTime"}, {"limit": 51}):
        with pytest.raises(ClientError, match="InvalidParameterException"):
            logs.describe_log_streams(**asked, **change)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.describe_log_streams(logGroupName="none", logStreamNamePrefix="x")


def test_an_operation_that_is_not_emulated_is_named_at_once(url: str) -> None:
    """It was a 500, which clients try again, of an emulator that seemed to have failed."""
    with pytest.raises(ClientError, match="not emulated: The list_labeling_jobs action") as refused:
        Aws.of(url).sagemaker.list_labeling_jobs()
    told = refused.value.response
    assert (told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"]) == ("NotImplemented", 501)
    assert told["ResponseMetadata"]["RetryAttempts"] == 0
