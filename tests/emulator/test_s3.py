"""What clients other than transform jobs rely on in the emulator's S3."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from support.emulator_aws import Aws


def status_of(put) -> int:
    try:
        return put()["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def test_conditional_puts(aws: Aws, name: str) -> None:
    """S3: If-None-Match creates once, If-Match replaces what was seen; otherwise 412."""
    put = aws.s3.put_object
    etag = put(Bucket=name, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    assert status_of(lambda: put(Bucket=name, Key="k", Body=b"2", IfNoneMatch="*")) == 412
    assert status_of(lambda: put(Bucket=name, Key="k", Body=b"3", IfMatch=etag)) == 200
    assert status_of(lambda: put(Bucket=name, Key="k", Body=b"4", IfMatch=etag)) == 412
    assert aws.s3.get_object(Bucket=name, Key="k")["Body"].read() == b"3"


def test_one_of_many_conditional_puts_wins(aws: Aws, name: str) -> None:
    """S3: of conditional writes at the same time, "the first one to finish succeeds", the others get 412."""
    aws.s3.put_object(Bucket=name, Key="other", Body=b"")

    def attempt(number: int) -> int:
        return status_of(lambda: aws.s3.put_object(Bucket=name, Key=f"k{number // 8}", Body=b"x", IfNoneMatch="*"))

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(attempt, range(80)))
    assert (statuses.count(200), statuses.count(412)) == (10, 70)


def test_missing_buckets_are_made_by_writes_and_heads_only(aws: Aws, name: str) -> None:
    """An option of the emulator: a person's workspace bucket need not exist; a read of a missing bucket is an error."""
    with pytest.raises(ClientError, match="NoSuchBucket"):
        aws.s3.list_objects_v2(Bucket=name)
    assert status_of(lambda: aws.s3.head_bucket(Bucket=name)) == 200
    assert aws.s3.list_objects_v2(Bucket=name)["KeyCount"] == 0


def test_a_connection_serves_many_requests(aws: Aws, name: str) -> None:
    """HTTP/1.1: bodies, empty answers and errors leave the connection in step with its requests."""
    import http.client

    aws.s3.put_object(Bucket=name, Key="k", Body=b"x")
    connection = http.client.HTTPConnection(aws.endpoint_url.removeprefix("http://"))
    sockets, headers = set(), {"Authorization": "AWS4-HMAC-SHA256 Credential=A/20200101/us-east-1/s3/aws4_request, x"}
    for method, path, body in [("PUT", "k2", b"12345"), ("HEAD", "k2", None), ("GET", "no", None), ("GET", "k2", None)]:
        connection.request(method, f"/{name}/{path}", body, headers)
        answer = connection.getresponse().read()
        sockets.add(connection.sock)
    assert (answer, len(sockets)) == (b"12345", 1)
    assert sockets != {None}
    connection.close()
