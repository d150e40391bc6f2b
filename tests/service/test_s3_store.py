"""The store against real S3 servers; the store in memory must answer every test alike."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from batch_transform.core.object_store import AlreadyThere, ObjectNotFound, PreconditionFailed, StoreFailure
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.s3_tree import S3Tree
from batch_transform.s3.multipart import part_ranges
from batch_transform.s3.store import S3Store
from support.s3_clients import client_of
from support.second_s3 import S3Server

MIB = 1024 * 1024


@pytest.fixture
def uri(bucket):
    return S3Uri(bucket, "a/b c/ü+%2F.json")


def test_an_object_comes_back_with_its_etag(store, uri):
    etag = store.put(uri, b"body")
    assert store.get(uri) == (b"body", etag)
    assert store.get(uri, etag) == (b"body", etag)
    stream = store.open_stream(uri, etag)
    assert (b"".join(stream.chunks), stream.etag) == (b"body", etag)


def test_an_empty_object_is_an_object(store, uri):
    etag = store.put(uri, b"")
    assert store.get(uri) == (b"", etag)


@pytest.mark.parametrize(("length", "expected"), [(3, b"ody"), (4, b"body"), (99, b"body")])
def test_the_tail_of_an_object(store, uri, length, expected):
    store.put(uri, b"body")
    assert store.get_tail(uri, length) == expected


def test_another_version_is_not_read(store, uri):
    old = store.put(uri, b"old")
    store.put(uri, b"new")
    with pytest.raises(PreconditionFailed):
        store.get(uri, old)
    with pytest.raises(PreconditionFailed):
        store.get_tail(uri, 1, old)


def test_what_is_not_there(store, uri):
    with pytest.raises(ObjectNotFound, match="GetObject s3://"):
        store.get(uri)
    assert store.head(uri) is None


def test_a_new_object_is_put_once(store, uri):
    store.put_new(uri, b"one")
    with pytest.raises(AlreadyThere):
        store.put_new(uri, b"two")
    assert store.get(uri)[0] == b"one"


def test_an_object_is_replaced_at_its_etag_only(store, uri):
    first = store.put(uri, b"one")
    second = store.put_if_match(uri, b"two", first)
    with pytest.raises(PreconditionFailed):
        store.put_if_match(uri, b"three", first)
    assert store.get(uri) == (b"two", second)


def test_an_object_that_is_gone_is_not_replaced(store, uri):
    with pytest.raises((ObjectNotFound, PreconditionFailed)):
        store.put_if_match(uri, b"two", '"d41d8cd98f00b204e9800998ecf8427e"')


def test_a_head_and_a_listing_say_the_same(store, uri):
    etag = store.put(uri, b"body")
    found = store.head(uri)
    assert (found.key, found.etag, found.size_bytes) == (uri.key, etag, 4)
    assert [(item.key, item.etag, item.size_bytes) for item in store.list(S3Uri(uri.bucket, "a"))] == [
        (uri.key, etag, 4)
    ]


def test_a_listing_ends_at_its_folder(store, bucket):
    """No object is named `a/out` here: MinIO then lists nothing below it, and versitygw refuses one of the two."""
    for key in ("a/out/1", "a/out2/1", "a/out.d/1", "a/ou"):
        store.put(S3Uri(bucket, key), b"")
    assert [found.key for found in store.list(S3Uri(bucket, "a/out"))] == ["a/out/1"]
    assert len(list(store.list(S3Uri(bucket, "")))) == 4


def test_more_objects_than_a_page_holds(store, bucket):
    uris = [S3Uri(bucket, f"many/{number:04d}") for number in range(1005)]
    for uri in uris:
        store.put(uri, b"")
    assert [found.key for found in store.list(S3Uri(bucket, "many"))] == [uri.key for uri in uris]
    store.delete([*uris, S3Uri(bucket, "never/there")])
    assert list(store.list(S3Uri(bucket, "many"))) == []


def test_a_copy_of_the_version_that_was_meant(store, uri, bucket):
    etag, target = store.put(uri, b"body"), S3Uri(bucket, "t/ü b")
    store.copy(uri, etag, 4, target)
    assert store.get(target) == (b"body", etag)


@pytest.mark.parametrize("copy_limit_bytes", [6 * MIB, 1])
def test_a_copy_has_no_tags_of_its_source(client, uri, bucket, copy_limit_bytes):
    """By which a rule of the user's may expire objects, and to read and put which is a permission of its own."""
    store, target = S3Store(client, copy_limit_bytes, 5 * MIB), S3Uri(bucket, "t")
    etag = store.put(uri, b"x" * 6 * MIB)
    client.put_object_tagging(Bucket=bucket, Key=uri.key, Tagging={"TagSet": [{"Key": "expires", "Value": "soon"}]})
    store.copy(uri, etag, 6 * MIB, target)
    assert store.head(target).size_bytes == 6 * MIB
    assert client.get_object_tagging(Bucket=bucket, Key=target.key)["TagSet"] == []


def test_a_copy_names_the_version_that_was_meant(client, uri, bucket):
    """moto 5.2 ignores the condition, so what is checked is that it is sent, by both ways to copy."""
    sent = []
    client.meta.events.register("before-call.s3", lambda params, **event: sent.append(params["headers"]))
    etag = S3Store(client).put(uri, b"x" * 6 * MIB)
    S3Store(client).copy(uri, etag, 6 * MIB, S3Uri(bucket, "one"))
    S3Store(client, 1, 5 * MIB).copy(uri, etag, 6 * MIB, S3Uri(bucket, "two"))
    conditions = [headers["x-amz-copy-source-if-match"] for headers in sent if "x-amz-copy-source" in headers]
    assert conditions == [etag] * 3


def test_a_copy_of_another_version_is_refused(strict_store, uri, bucket):
    etag = strict_store.put(uri, b"old")
    strict_store.put(uri, b"new")
    with pytest.raises(PreconditionFailed):
        strict_store.copy(uri, etag, 3, S3Uri(bucket, "t"))
    assert strict_store.head(S3Uri(bucket, "t")) is None


def test_a_copy_in_parts_of_another_version_is_refused(second_s3, uri, bucket):
    store = S3Store(client_of(second_s3, bucket), copy_limit_bytes=1, copy_part_bytes=5 * MIB)
    etag = store.put(uri, b"o" * 6 * MIB)
    store.put(uri, b"n" * 6 * MIB)
    with pytest.raises(PreconditionFailed):
        store.copy(uri, etag, 6 * MIB, S3Uri(bucket, "t"))
    assert store.head(S3Uri(bucket, "t")) is None


def test_a_copy_of_nothing(store, uri, bucket):
    with pytest.raises(StoreFailure, match="CopyObject"):
        store.copy(uri, '"x"', 4, S3Uri(bucket, "t"))


def test_whether_a_bucket_exists(store, bucket):
    assert store.bucket(S3Uri(bucket, "a"))
    assert not store.bucket(S3Uri("no-such-bucket-here", ""))


def test_a_missing_bucket_is_no_missing_object(client):
    with pytest.raises(StoreFailure, match="NoSuchBucket") as failure:
        S3Store(client).get(S3Uri("no-such-bucket-here", "k"))
    assert not isinstance(failure.value, ObjectNotFound)


def test_no_answer_is_a_failure_that_names_the_call():
    store = S3Store(S3Server("http://127.0.0.1:1").client(retries={"total_max_attempts": 1}))
    with pytest.raises(StoreFailure, match="PutObject s3://b/k: EndpointConnectionError"):
        store.put(S3Uri("b", "k"), b"")


def test_a_refused_deletion_in_a_batch_is_an_error(client, bucket, monkeypatch):
    """S3 answers 200, and to the deletion of that object alone what it is."""
    errors = [{"Key": "k", "Code": "AccessDenied", "Message": "no"}]
    monkeypatch.setattr(client, "delete_objects", lambda **arguments: {"Errors": errors})

    def refused(**_arguments):
        raise ClientError({"Error": errors[0]}, "DeleteObject")

    monkeypatch.setattr(client, "delete_object", refused)
    with pytest.raises(StoreFailure, match=f"DeleteObject s3://{bucket}/k: AccessDenied: no"):
        S3Store(client).delete([S3Uri(bucket, "k")])


def test_a_large_object_is_copied_in_parts(client, bucket):
    body = bytes(range(256)) * (11 * MIB // 256) + b"end"
    store = S3Store(client, copy_limit_bytes=len(body) - 1, copy_part_bytes=5 * MIB)
    source, target = S3Uri(bucket, "large"), S3Uri(bucket, "copy")
    etag = store.put(source, body)
    store.copy(source, etag, len(body), target)
    assert store.get(target)[0] == body
    assert store.head(target).etag.endswith('-3"')


def test_a_copy_in_parts_that_fails_leaves_nothing(client, bucket, monkeypatch):
    store = S3Store(client, copy_limit_bytes=1, copy_part_bytes=5 * MIB)
    source = S3Uri(bucket, "large")
    etag = store.put(source, b"x" * 6 * MIB)

    def lost(**arguments):
        raise ReadTimeoutError(endpoint_url="http://s3")

    monkeypatch.setattr(client, "upload_part_copy", lost)
    with pytest.raises(StoreFailure, match="CopyObject"):
        store.copy(source, etag, 6 * MIB, S3Uri(bucket, "copy"))
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket)


def test_uploads_that_were_cut_are_ended_below_their_prefix_alone(client, bucket):
    for key in ("a/x", "a/b/y", "a2/z"):
        client.create_multipart_upload(Bucket=bucket, Key=key)
    S3Store(client).end_uploads(S3Uri(bucket, "a"))
    assert [found["Key"] for found in client.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["a2/z"]


@pytest.mark.parametrize(("size", "part"), [(1, 5), (10, 5), (11, 5), (10_001, 1), (123_457, 2)])
def test_parts_tile_the_object(size, part):
    ranges = list(part_ranges(size, part))
    assert b"".join(bytes(last - first + 1) for first, last in ranges) == bytes(size)
    assert [first for first, _ in ranges[1:]] == [last + 1 for _, last in ranges[:-1]]
    assert ranges[0][0] == 0
    assert len(ranges) <= 10_000


class Breaking:
    """A body that breaks off after `good` bytes."""

    def __init__(self, body, good):
        self.body, self.good = body, good

    def iter_chunks(self, size):
        yield self.body.read(self.good)
        raise ReadTimeoutError(endpoint_url="http://s3")

    def read(self):
        raise ReadTimeoutError(endpoint_url="http://s3")


def break_bodies(client, monkeypatch, times):
    """Breaks the first `times` bodies; returns the ranges that are asked for."""
    real, ranges = client.get_object, []

    def get_object(**arguments):
        ranges.append(arguments.get("Range"))
        response = real(**arguments)
        if len(ranges) <= times:
            response["Body"] = Breaking(response["Body"], 10)
        return response

    monkeypatch.setattr(client, "get_object", get_object)
    return ranges


def test_a_broken_body_is_read_on_from_where_it_broke(client, uri, monkeypatch):
    body = bytes(range(100))
    S3Store(client).put(uri, body)
    ranges = break_bodies(client, monkeypatch, 3)
    assert S3Store(client).get(uri)[0] == body
    assert ranges == [None, "bytes=10-", "bytes=20-", "bytes=30-"]


def test_a_body_that_breaks_for_ever_is_a_failure(client, uri, monkeypatch):
    S3Store(client).put(uri, bytes(100))
    break_bodies(client, monkeypatch, 99)
    with pytest.raises(StoreFailure, match="ReadTimeoutError"):
        S3Store(client).get(uri)
    with pytest.raises(StoreFailure, match="ReadTimeoutError"):
        S3Store(client).get_tail(uri, 10)


def test_a_broken_tail_is_read_again(client, uri, monkeypatch):
    S3Store(client).put(uri, b"body")
    break_bodies(client, monkeypatch, 2)
    assert S3Store(client).get_tail(uri, 3) == b"ody"


def test_a_body_is_not_continued_with_another_version(client, uri, monkeypatch):
    store = S3Store(client)
    store.put(uri, bytes(100))
    break_bodies(client, monkeypatch, 1)
    stream = store.open_stream(uri)
    first = next(stream.chunks)
    store.put(uri, b"x" * 100)
    with pytest.raises(PreconditionFailed):
        list(stream.chunks)
    assert first == bytes(10)


def test_folders_made_by_consoles_are_no_files(client, bucket):
    tree = S3Tree(S3Store(client), S3Uri(bucket, "t"))
    tree.put("a/", b"")
    tree.put("a/b", b"")
    assert [file.name for file in tree.list()] == ["a/b"]


def test_a_whole_bucket_is_never_cleared(store, bucket):
    with pytest.raises(ValueError, match="whole bucket"):
        S3Tree(store, S3Uri(bucket, "")).clear()


def test_the_tail_of_an_empty_file(store, bucket):
    tree = S3Tree(store, S3Uri(bucket, "t"))
    tree.put("a", b"")
    assert tree.read_tail(next(tree.list()), 10) == b""
