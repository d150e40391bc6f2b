"""An identity that may list below some prefixes alone is told 403 of a bucket, and perhaps of what is not there."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from batch_transform.core.object_store import ObjectNotFound, StoreFailure
from batch_transform.core.uris import S3Uri
from batch_transform.s3.store import S3Store


class Client:
    """S3 as such an identity sees it: `keys` are there, and `prefixes` may be listed."""

    def __init__(self, keys, prefixes, readable=None, there=True):
        self.keys, self.prefixes, self.there = keys, prefixes, there
        self.readable = keys if readable is None else readable
        self.meta = SimpleNamespace(endpoint_url="http://127.0.0.1:9")

    def get_object(self, Bucket, Key, **_):
        if Key not in self.readable:
            raise refused("AccessDenied")
        return {"Body": io.BytesIO(b"x"), "ETag": '"e"'}

    def head_object(self, Bucket, Key):
        raise refused("403")

    def head_bucket(self, Bucket):
        raise refused("403")

    def list_objects_v2(self, Bucket, Prefix, MaxKeys):
        if not self.there:
            raise refused("NoSuchBucket")
        if not Prefix.startswith(self.prefixes):
            raise refused("AccessDenied")
        return {"Contents": [{"Key": key} for key in sorted(self.keys) if key.startswith(Prefix)][:MaxKeys]}


def refused(code):
    return ClientError({"Error": {"Code": code, "Message": "told"}}, "Operation")


def test_what_is_not_there_is_not_found_although_s3_says_it_is_denied():
    store = S3Store(Client({"ws/ab", "ws/a/b"}, ("ws/",)))
    assert store.head(S3Uri("b", "ws/c")) is None
    for key in ("ws/c", "ws/a"):  # others begin like the second one
        with pytest.raises(ObjectNotFound, match="GetObject s3://b/ws/"):
            store.get(S3Uri("b", key))


def test_what_is_there_and_denied_is_denied():
    store = S3Store(Client({"ws/a", "ws/ab"}, ("ws/",), readable=()))
    with pytest.raises(StoreFailure, match="GetObject s3://b/ws/a: AccessDenied") as told:
        store.get(S3Uri("b", "ws/a"))
    assert not isinstance(told.value, ObjectNotFound)
    with pytest.raises(StoreFailure, match="HeadObject s3://b/ws/a: 403"):
        store.head(S3Uri("b", "ws/a"))


def test_where_nothing_may_be_listed_a_denial_is_one():
    with pytest.raises(StoreFailure, match="GetObject s3://b/other/a: AccessDenied"):
        S3Store(Client(set(), ("ws/",))).get(S3Uri("b", "other/a"))


def test_a_bucket_is_there_if_its_workspace_may_be_listed():
    assert S3Store(Client(set(), ("ws/",))).bucket(S3Uri("b", "ws"))
    assert not S3Store(Client(set(), ("ws/",), there=False)).bucket(S3Uri("b", "ws"))
    with pytest.raises(StoreFailure, match="ListObjectsV2 s3://b/other/: AccessDenied"):
        S3Store(Client(set(), ("ws/",))).bucket(S3Uri("b", "other"))
