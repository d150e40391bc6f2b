"""What goes on every request to S3 is added where botocore builds them, by what each operation knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from batch_transform.aws.access import AwsAccess
from batch_transform.aws.s3_requests import S3Requests
from batch_transform.s3 import store

OWNER = "111122223333"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/k"
WRITES = ("PutObject", "CopyObject", "CreateMultipartUpload")


class Sent(Exception):
    """The request that would have been sent."""


@pytest.fixture
def sent(monkeypatch):
    """The headers of each request, none of which is sent."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "k")

    def of(requests, operation, **parameters):
        client = AwsAccess("eu-west-1", "http://127.0.0.1:1", s3=requests).client("s3")
        found = {}

        def stop(request, **_):
            found.update({name.lower(): value for name, value in request.headers.items()})
            raise Sent

        client.meta.events.register("before-send.s3", stop)
        method = {name: method for method, name in client.meta.method_to_api_mapping.items()}[operation]
        with pytest.raises(Sent):
            getattr(client, method)(**parameters)
        return {name: value.decode() if isinstance(value, bytes) else value for name, value in found.items()}

    return of


def parameters(client, operation):
    """The least that an operation takes."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    plain = {"Bucket": "bucket", "Key": "key", "CopySource": "bucket/other", "UploadId": "u", "PartNumber": 1}
    more = {"Delete": {"Objects": [{"Key": "a"}]}, "MultipartUpload": {"Parts": [{"ETag": "e", "PartNumber": 1}]}}
    return {
        name: {**plain, **more}[name] for name in {*shape.required_members, *({"MultipartUpload"} & {*shape.members})}
    }


CALLS = (
    *("GetObject", "HeadObject", "HeadBucket", "ListObjectsV2", "DeleteObjects", "PutObject", "CopyObject"),
    *("DeleteObject", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload"),
    "ListMultipartUploads",
)


@pytest.mark.parametrize("operation", CALLS)
def test_every_call_of_the_store_says_whose_the_bucket_is_and_each_write_how_it_is_encrypted(sent, operation):
    client = AwsAccess("eu-west-1", "http://127.0.0.1:1").client("s3")
    asked = S3Requests("aws:kms", KEY, OWNER, requester_pays=True)
    headers = sent(asked, operation, **parameters(client, operation))
    assert headers["x-amz-expected-bucket-owner"] == OWNER
    assert ("x-amz-request-payer" in headers) == (operation != "HeadBucket")
    copies = operation in ("CopyObject", "UploadPartCopy")
    assert headers.get("x-amz-source-expected-bucket-owner") == (OWNER if copies else None)
    encryption = [
        headers.get(f"x-amz-server-side-encryption{name}") for name in ("", "-aws-kms-key-id", "-bucket-key-enabled")
    ]
    assert encryption == (["aws:kms", KEY, "true"] if operation in WRITES else [None] * 3)


def test_s3s_own_keys_are_asked_for_without_a_bucket_key(sent):
    headers = sent(S3Requests("AES256"), "PutObject", Bucket="b", Key="k")
    assert headers["x-amz-server-side-encryption"] == "AES256"
    assert not any("kms" in name or "bucket-key" in name or "owner" in name for name in headers)


def test_nothing_is_added_where_nothing_is_asked_for(sent):
    headers = sent(S3Requests(), "PutObject", Bucket="b", Key="k")
    assert not any("encryption" in name or "owner" in name or "payer" in name for name in headers)


def test_only_s3_is_asked_so(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "k")
    access = AwsAccess("eu-west-1", "http://127.0.0.1:1", s3=S3Requests("AES256", None, OWNER))
    assert access.client("sagemaker").meta.service_model.service_name == "sagemaker"


def test_all_calls_of_the_store_are_those_that_are_tested():
    """Who adds a call to the store adds it to CALLS."""
    source = "".join(path.read_text(encoding="utf-8") for path in Path(store.__file__).parent.glob("*.py"))
    called = {*re.findall(r"client\.([a-z_0-9]+)\(", source), *re.findall(r'get_paginator\("(\w+)"', source)}
    client = AwsAccess("eu-west-1", "http://127.0.0.1:1").client("s3")
    operations = {client.meta.method_to_api_mapping[name] for name in called - {"get_paginator"}}
    assert operations == set(CALLS)
