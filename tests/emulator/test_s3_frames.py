"""Uploads in frames, as AWS's SDKs for Java and C++, and Hadoop's s3a with them, send them over HTTP."""

import pytest
import requests

from support.emulator_aws import Aws

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
KEY = "AWS4-HMAC-SHA256 Credential=any/20240501/us-west-2/s3/aws4_request, SignedHeaders=host, Signature=s"
HELLO, LAST = b"5;chunk-signature=abc\r\nhello\r\n6\r\n world\r\n", b"0;chunk-signature=d\r\n"
CRC32 = b"x-amz-checksum-crc32:DUoRhQ==\r\n"


def put(aws: Aws, name: str, body: bytes, kind: str = SIGNED, length: int = 11, **more: str) -> requests.Response:
    headers = {
        "x-amz-content-sha256": kind,
        "x-amz-decoded-content-length": str(length),
        "Content-Encoding": "aws-chunked",
        "Authorization": KEY,
    }
    return requests.put(f"{aws.endpoint_url}/{name}/k", body, headers=headers | more, timeout=30)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (SIGNED, HELLO + LAST + b"\r\n"),
        (f"{SIGNED}-TRAILER", HELLO + LAST + CRC32 + b"x-amz-trailer-signature:abc\r\n\r\n"),
        (UNSIGNED, b"b\r\nhello world\r\n0\r\n" + CRC32 + b"\r\n"),
    ],
    ids=["signed", "signed, with a checksum", "with a checksum alone"],
)
def test_the_object_is_what_the_frames_hold(aws: Aws, name: str, kind: str, body: bytes) -> None:
    algorithm = {"x-amz-sdk-checksum-algorithm": "CRC32"} if b"checksum" in body else {}
    encodings = {"Content-Encoding": "gzip,aws-chunked", "Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}
    assert put(aws, name, body, kind, **algorithm, **encodings).status_code == 200
    found = aws.s3.get_object(Bucket=name, Key="k", ChecksumMode="ENABLED")
    assert (found["Body"].read(), found["ContentEncoding"]) == (b"hello world", "gzip")
    assert found.get("ChecksumCRC32") == ("DUoRhQ==" if algorithm else None)


@pytest.mark.parametrize(
    ("body", "length", "code"),
    [
        (HELLO + LAST + CRC32.replace(b"DUo", b"AAA") + b"\r\n", 11, "BadDigest"),
        (HELLO + LAST + b"\r\n", 15, "IncompleteBody"),  # four zero bytes were added
        (HELLO.replace(b"hello", b"hell") + LAST + b"\r\n", 11, "IncompleteBody"),
        (HELLO, 11, "IncompleteBody"),
        (b"hello world", 11, "IncompleteBody"),
        (b"-5\r\nhello\r\n0\r\n\r\n", 5, "IncompleteBody"),
    ],
    ids=["another checksum", "more was told", "a shorter frame", "no last frame", "no frames", "a negative size"],
)
def test_a_body_that_is_not_what_its_frames_tell_is_refused(
    aws: Aws, name: str, body: bytes, length: int, code: str
) -> None:
    """S3's codes; of some an object was made all the same, of others a 500."""
    aws.s3.head_bucket(Bucket=name)
    refused = put(aws, name, body, length=length)
    assert (refused.status_code, f"<Code>{code}</Code>" in refused.text) == (400, True)
    assert aws.s3.list_objects_v2(Bucket=name).get("KeyCount") == 0


def test_frames_within_those_of_http(aws: Aws, name: str) -> None:
    """Chunks of HTTP's around those of S3's, as whoever sends a stream does it."""
    body = HELLO + LAST + CRC32 + b"\r\n"
    headers = {"x-amz-content-sha256": UNSIGNED, "Authorization": KEY, "Content-Encoding": "aws-chunked"}
    pieces = (body[start : start + 7] for start in range(0, len(body), 7))
    assert requests.put(f"{aws.endpoint_url}/{name}/k", pieces, headers=headers, timeout=30).status_code == 200
    assert aws.s3.get_object(Bucket=name, Key="k")["Body"].read() == b"hello world"
