"""Objects that jobs read and write in moto's memory, compared with what clients see over HTTP."""

import gc
import hashlib
import sys
import threading
from collections.abc import Iterator

import moto.backends
import pytest
from moto.s3.utils import _VersionedKeyStore

from support.emulator_aws import Aws
from transform_emulator.data_plane.object_store import STORE_ERRORS
from transform_emulator.http.server import make_server
from transform_emulator.moto.objects import MemoryBudget, MemorySink, MotoStore, Spool
from transform_emulator.moto.registry import ensure_buckets
from transform_emulator.moto.world import World
from transform_emulator.service.allowed_callers import Doors
from transform_emulator.service.s3_locations import S3Location

MB = 2**20
ACCOUNT = "123456789012"


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def aws(world: World) -> Iterator[Aws]:
    """Clients of moto's S3 in the world of the store."""
    server = make_server(0, world.around(world.moto), Doors())
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield Aws.of(f"http://127.0.0.1:{server.port}")
    server.shutdown()
    server.server_close()


@pytest.fixture
def store(world: World, name: str) -> MotoStore:
    """A store whose bucket exists."""
    ensure_buckets(world, ACCOUNT, "us-west-2", [name])
    return MotoStore(world, ACCOUNT, lambda: MemorySink(MemoryBudget()))


def write(store: MotoStore, place: S3Location, *pieces: bytes, complete: bool = True) -> None:
    with store.writer(place, None) as writer:
        for piece in pieces:
            writer.write(piece)
        if complete:
            writer.complete()


def test_a_client_sees_what_a_job_wrote(aws: Aws, store: MotoStore, name: str) -> None:
    """One put's ETag is the MD5, as S3 has it; bytes, size and listing are what boto3 reads."""
    write(store, S3Location(name, "k"), b"ab", b"c")
    answer = aws.s3.get_object(Bucket=name, Key="k")
    assert (answer["Body"].read(), answer["ContentLength"]) == (b"abc", 3)
    assert answer["ETag"] == f'"{hashlib.md5(b"abc").hexdigest()}"'
    assert [item["Size"] for item in aws.s3.list_objects_v2(Bucket=name)["Contents"]] == [3]


def test_a_large_object_has_the_etag_of_parts(aws: Aws, store: MotoStore, name: str) -> None:
    """S3: the ETag of an upload in parts ends with their number, and is not the object's MD5."""
    write(store, S3Location(name, "k"), *[bytes(MB)] * 20)
    assert aws.s3.head_object(Bucket=name, Key="k")["ETag"].endswith('-2"')
    assert aws.s3.get_object(Bucket=name, Key="k", Range="bytes=20971510-")["Body"].read() == bytes(10)


def test_more_keys_than_a_page_of_s3_holds(store: MotoStore, name: str) -> None:
    """ListObjectsV2 gives 1,000 keys at a time (S3 API reference); a job reads all of them."""
    for number in range(1001):
        write(store, S3Location(name, f"in/{number:04}"), b"")
    assert len(list(store.keys(S3Location(name, "in/")))) == 1001


def test_an_object_appears_only_when_it_is_complete(aws: Aws, store: MotoStore, name: str) -> None:
    """ "creates an .out file only if the transform job succeeds on the entire file" (developer guide)."""
    place = S3Location(name, "k")
    with store.writer(place, None) as writer:
        writer.write(b"half")
        assert not store.has_objects(place)
        writer.complete()
    assert store.has_objects(place)
    write(store, S3Location(name, "other"), b"half", complete=False)
    assert list(store.keys(S3Location(name, ""))) == ["k"]


def test_a_job_reads_what_a_client_wrote(aws: Aws, store: MotoStore, name: str) -> None:
    """In chunks, also while others read: moto's own reads move the same file position."""
    body = bytes(range(256)) * (20 * 1024)
    aws.s3.put_object(Bucket=name, Key="k", Body=body)
    chunks = store.chunks(S3Location(name, "k"))
    assert chunks is not None
    first = next(chunks)
    assert aws.s3.get_object(Bucket=name, Key="k")["Body"].read() == body
    assert first + b"".join(chunks) == body


def test_keys_are_in_utf8_order_below_a_string_prefix(aws: Aws, store: MotoStore, name: str) -> None:
    """S3 lists in the order of UTF-8 bytes, in which U+FF5E comes before what UTF-16 would put first."""
    for key in ("in/b", "in/\U0001f600", "in/\uff5e", "in/a", "inner", "out"):
        aws.s3.put_object(Bucket=name, Key=key, Body=b"1")
    assert list(store.keys(S3Location(name, "in"))) == ["in/a", "in/b", "in/\uff5e", "in/\U0001f600", "inner"]


def test_versions_and_delete_markers(aws: Aws, store: MotoStore, name: str) -> None:
    """In a versioned bucket a job's output is a new version, and a deleted object is not there."""
    aws.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    place = S3Location(name, "k")
    write(store, place, b"1")
    write(store, place, b"2")
    assert [v["IsLatest"] for v in aws.s3.list_object_versions(Bucket=name)["Versions"]].count(False) == 1
    store.delete(place)
    assert (store.chunks(place), store.has_objects(place)) == (None, False)
    assert len(aws.s3.list_object_versions(Bucket=name)["Versions"]) == 2


def test_what_is_not_there(store: MotoStore) -> None:
    """A missing object is None, a missing bucket is an error where something is to be written."""
    nowhere = S3Location("no-such-bucket-at-all", "k")
    assert store.chunks(nowhere) is None
    assert not store.has_objects(nowhere)
    with pytest.raises(STORE_ERRORS):
        store.writer(nowhere, None)


def test_large_outputs_go_to_disk_once_memory_is_spent() -> None:
    """A budget for all outputs together; without one, a job of many large files would take the whole machine."""
    budget = MemoryBudget(100 * MB)
    assert budget.of_one_object() == 25 * MB
    first, second = Spool(), Spool()
    budget.keep(first, 60 * MB)
    assert budget.of_one_object() == 10 * MB
    budget.keep(second, 60 * MB)
    assert budget.of_one_object() == MB
    second.close()  # as when its object is deleted
    assert budget.of_one_object() == 10 * MB
    second.close()
    assert budget.of_one_object() == 10 * MB


def test_an_output_that_takes_anothers_place_takes_its_memory_too(world: World, name: str) -> None:
    """The same job again writes the same outputs; what they held before is free then."""
    ensure_buckets(world, ACCOUNT, "us-west-2", [name])
    budget = MemoryBudget(100 * MB)
    store = MotoStore(world, ACCOUNT, lambda: MemorySink(budget))
    for _ in range(5):
        write(store, S3Location(name, "k"), bytes(4 * MB))
        gc.collect()
        assert budget.of_one_object() == 24 * MB


def test_the_next_output_takes_as_many_steps_however_many_there_are() -> None:
    """Counted, not timed: the budget looked through all outputs for each new one."""

    def steps(budget: MemoryBudget) -> int:
        seen: list[str] = []
        sys.setprofile(lambda frame, event, argument: seen.append(event))
        try:
            budget.of_one_object()
        finally:
            sys.setprofile(None)
        return len(seen)

    few, many = MemoryBudget(100 * MB), MemoryBudget(100 * MB)
    few.keep(spool := Spool(), 1)
    kept = [Spool() for _ in range(1000)]
    for each in kept:
        many.keep(each, 1)
    assert steps(many) == steps(few)
    assert spool.give_back is not None


def test_a_kms_key_is_kept_with_the_object(aws: Aws, store: MotoStore, name: str) -> None:
    """TransformOutput.KmsKeyId: SSE-KMS on the output (botocore)."""
    with store.writer(S3Location(name, "k"), "alias/mine") as writer:
        writer.complete()
    head = aws.s3.head_object(Bucket=name, Key="k")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/mine")


def test_moto_does_not_look_through_its_services_for_each_request(
    world: World, aws: Aws, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_buckets(world, ACCOUNT, "us-west-2", [name])
    listed: list[int] = []
    listing = moto.backends.list_of_moto_modules
    monkeypatch.setattr(moto.backends, "list_of_moto_modules", lambda: listed.append(1) or listing())
    aws.s3.put_object(Bucket=name, Key="k", Body=b"1")
    assert aws.s3.get_object(Bucket=name, Key="k")["Body"].read() == b"1"
    assert listed == []


def test_a_listing_looks_at_what_lies_below_its_prefix_alone(
    aws: Aws, store: MotoStore, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever lists once for each of many runs would take the square of their number."""
    for key in [*(f"a/{number}" for number in range(200)), "b/1", "b/c/1", "b/c/2"]:
        write(store, S3Location(name, key), b"x")
    looks = []
    theirs = _VersionedKeyStore.__getitem__

    def counted(self: _VersionedKeyStore, key: str) -> object:
        looks.append(key)
        return theirs(self, key)

    monkeypatch.setattr(_VersionedKeyStore, "__getitem__", counted)
    found = aws.s3.list_objects_v2(Bucket=name, Prefix="b/", Delimiter="/")
    assert [each["Key"] for each in found["Contents"]] == ["b/1"]
    assert [each["Prefix"] for each in found["CommonPrefixes"]] == ["b/c/"]
    assert looks
    assert {key[0] for key in looks} == {"b"}
    monkeypatch.undo()
    pages = aws.s3.get_paginator("list_objects_v2").paginate(
        Bucket=name, Prefix="a/1", PaginationConfig={"PageSize": 10}
    )
    assert len([each for page in pages for each in page["Contents"]]) == 111
