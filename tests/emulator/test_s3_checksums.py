"""Checksums that clients compare what they read with: those of SDKs do by default."""

import base64
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from support.emulator_aws import Aws

PARTS = [b"a" * 5 * 2**20, b"bcd"]
WHOLE = b"".join(PARTS)


def crc32(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


def put_in_parts(aws: Aws, place: dict[str, Any], **asked: str) -> None:
    upload = {**place, "UploadId": aws.s3.create_multipart_upload(**place, **asked)["UploadId"]}
    put = {name: value for name, value in asked.items() if asked["ChecksumAlgorithm"].startswith(("CRC32", "SHA"))}
    put = {name: value for name, value in put.items() if name == "ChecksumAlgorithm" and value != "CRC32C"}
    tags = [aws.s3.upload_part(**upload, **put, PartNumber=n, Body=body)["ETag"] for n, body in enumerate(PARTS, 1)]
    parts = [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, 1)]
    aws.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})


@pytest.mark.parametrize("kind", ["CRC32", "SHA256"])
def test_a_copy_of_what_was_put_in_parts_can_be_read(aws: Aws, name: str, kind: str) -> None:
    """The copy has no parts, and so a checksum of all its bytes: SDKs found that it had another one (FullObject)."""
    put_in_parts(aws, {"Bucket": name, "Key": "k"}, ChecksumAlgorithm=kind)
    aws.s3.copy_object(Bucket=name, Key="copy", CopySource={"Bucket": name, "Key": "k"})
    found = aws.s3.get_object(Bucket=name, Key="copy", ChecksumMode="ENABLED")
    assert found["Body"].read() == WHOLE  # botocore compares the two as it reads
    assert found["ChecksumType"] == "FULL_OBJECT"
    if kind == "CRC32":
        assert found["ChecksumCRC32"] == crc32(WHOLE)


def test_what_boto3_uploads_and_copies_is_read(aws: Aws, name: str, tmp_path: Path) -> None:
    """As a user does with boto3's defaults, whose transfers take parts of 8 MiB."""
    (tmp_path / "large").write_bytes(WHOLE * 2)
    aws.s3.upload_file(str(tmp_path / "large"), name, "k")
    aws.s3.copy_object(Bucket=name, Key="copy", CopySource={"Bucket": name, "Key": "k"})
    assert aws.s3.get_object(Bucket=name, Key="copy")["Body"].read() == WHOLE * 2


def test_head_and_get_tell_the_same(aws: Aws, name: str) -> None:
    """S3: a checksum of parts' checksums has their number behind it; HeadObject's had not, so that it looked whole."""
    place = {"Bucket": name, "Key": "k"}
    put_in_parts(aws, place, ChecksumAlgorithm="CRC32")
    seen, found = (call(**place, ChecksumMode="ENABLED") for call in (aws.s3.head_object, aws.s3.get_object))
    of_parts = crc32(b"".join(zlib.crc32(part).to_bytes(4, "big") for part in PARTS))
    for answer in (seen, found):
        assert (answer["ChecksumCRC32"], answer["ChecksumType"]) == (f"{of_parts}-2", "COMPOSITE")


@pytest.mark.parametrize("kind", ["CRC32C", "CRC64NVME"])
@pytest.mark.parametrize("copied", [False, True])
def test_no_checksum_is_told_that_is_anothers(aws: Aws, name: str, kind: str, copied: bool) -> None:
    """Where Python cannot compute it there is none: it was a CRC32, and Go's, Java's and JavaScript's SDKs failed."""
    place = {"Bucket": name, "Key": "k"}
    if copied:
        aws.s3.put_object(**place, Body=WHOLE)
        aws.s3.copy_object(Bucket=name, Key="k2", CopySource=place, ChecksumAlgorithm=kind)
        place["Key"] = "k2"
    else:
        put_in_parts(aws, place, ChecksumAlgorithm=kind)
    answers: list[Callable[..., requests.Response]] = [requests.get, requests.head]
    for call in answers:
        url = f"{aws.s3.meta.endpoint_url}/{name}/{place['Key']}"
        answer = call(url, headers={"x-amz-checksum-mode": "ENABLED"}, timeout=60)
        told = answer.headers.get(f"x-amz-checksum-{kind.lower()}")
        assert told is None or len(base64.b64decode(told.partition("-")[0])) == (4 if kind == "CRC32C" else 8)
        assert told != crc32(WHOLE)
