"""Jobs' objects read from and written to moto's memory directly. Like `registry` it knows their inside.

Over HTTP each byte of a job would pass through this one process twice more, as client and as server: a job then moved
109 MB/s where its model server took thousands.
"""

import hashlib
import secrets
import tempfile
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Protocol

import psutil
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, FakeKey, s3_backends

from transform_emulator.data_plane.object_store import ObjectWriter, StoreError
from transform_emulator.moto.registry import PARTITION
from transform_emulator.moto.world import World, within
from transform_emulator.service.limits import READ_CHUNK_BYTES, UPLOAD_PART_BYTES
from transform_emulator.service.s3_locations import S3Location

BUDGET_PARTS = 4
SMALLEST_SPOOL_BYTES = 2**20


class Spool(tempfile.SpooledTemporaryFile[bytes]):
    """An object's bytes, which give their memory back when they are closed or nobody has them any more."""

    give_back: Callable[[], object] | None = None

    def close(self) -> None:
        super().close()
        if self.give_back is not None:
            self.give_back()


class MemoryBudget:
    """How much of the machine's memory jobs' outputs may take before they go to disk, as moto's larger objects do.

    An output on disk halves a job's throughput, one in memory stays there until it is deleted. So a quarter of what is
    free at the start is given to outputs, and at most a quarter of what is left of that to any one of them. It is kept
    as one number: looking through all outputs for each new one took the square of their count.
    """

    def __init__(self, total_bytes: int | None = None) -> None:
        self._left_bytes = psutil.virtual_memory().available // BUDGET_PARTS if total_bytes is None else total_bytes
        # What was given back since: a finalizer may run in the middle of anything, so it takes no lock.
        self._given_back: deque[int] = deque()
        self._lock = threading.Lock()

    def of_one_object(self) -> int:
        """Returns the most that the next object may have in memory; it goes to disk where it grows larger."""
        with self._lock:
            while self._given_back:
                self._left_bytes += self._given_back.popleft()
            return max(SMALLEST_SPOOL_BYTES, self._left_bytes // BUDGET_PARTS)

    def keep(self, spool: Spool, size_bytes: int) -> None:
        """Notes that an object stays in memory, for as long as its bytes are held."""
        with self._lock:
            self._left_bytes -= size_bytes
        finalizer = weakref.finalize(spool, self._given_back.append, size_bytes)
        finalizer.atexit = False
        spool.give_back = finalizer


class Sink(Protocol):
    """Where an object's bytes go until it is complete, and what makes it appear then."""

    def write(self, data: bytes) -> None:
        """Appends bytes."""

    def publish(self, bucket: FakeBucket, key: FakeKey) -> None:
        """Puts the key with these bytes into its bucket."""

    def discard(self) -> None:
        """Drops the bytes, unless the key was published."""


class MemorySink:
    """Bytes in memory, within the budget, or in a temporary file."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._in_memory_bytes = budget.of_one_object()
        self._buffer = Spool(self._in_memory_bytes)  # moto's key closes it
        self._published = False

    def write(self, data: bytes) -> None:
        self._buffer.write(data)

    def publish(self, bucket: FakeBucket, key: FakeKey) -> None:
        """Puts the key with these bytes into its bucket."""
        key._value_buffer.close()
        key._value_buffer = self._buffer
        if key.contentsize <= self._in_memory_bytes:
            self._budget.keep(self._buffer, key.contentsize)
        earlier = bucket.keys.getlist(key.name, []) if bucket.is_versioned else []
        bucket.keys.setlist(key.name, [*earlier, key])
        self._published = True

    def discard(self) -> None:
        """Drops the bytes, unless the key was published."""
        if not self._published:
            self._buffer.close()


class MotoStore:
    """The objects that one account sees. It satisfies `ObjectStore`."""

    def __init__(self, world: World, account: str, sink: Callable[[], Sink]) -> None:
        """Takes the objects of an account.

        Args:
            world: Where moto knows them.
            account: The account.
            sink: Where the bytes of a new object go.
        """
        self._world = world
        self._account = account
        self._sink = sink

    def keys(self, prefix: S3Location) -> Iterator[str]:
        """Yields all keys that begin with the prefix, in UTF-8 order."""
        bucket = self._bucket(prefix.bucket)
        found = [name for name in list(bucket.keys) if name.startswith(prefix.key) and _visible(bucket, name)]
        yield from sorted(found, key=str.encode)

    def has_objects(self, prefix: S3Location) -> bool:
        """Returns whether any key begins with the prefix; False for a bucket that does not exist."""
        try:
            return next(self.keys(prefix), None) is not None
        except StoreError:
            return False

    def chunks(self, place: S3Location) -> Iterator[bytes] | None:
        """Returns the object's bytes in chunks, or None if there is no such object."""
        try:
            bucket = self._bucket(place.bucket)
        except StoreError:
            return None
        key = bucket.keys.get(place.key)
        return _read(key) if isinstance(key, FakeKey) else None

    @within
    def writer(self, place: S3Location, kms_key: str | None) -> ObjectWriter:
        """Returns a writer of the object, which exists only once the writer is completed."""
        return _Writer(self._account, self._bucket(place.bucket), place.key, kms_key, self._sink())

    @within
    def delete(self, place: S3Location) -> None:
        s3_backends[self._account][PARTITION].delete_object(place.bucket, place.key)

    @within
    def set_modified(self, place: S3Location, moment: datetime) -> None:
        """Lets an object's LastModified be this moment."""
        key = self._bucket(place.bucket).keys.get(place.key)
        if isinstance(key, FakeKey):
            key.last_modified = moment.replace(tzinfo=None)  # moto's own are naive, and UTC

    @within
    def _bucket(self, name: str) -> FakeBucket:
        try:
            return s3_backends[self._account][PARTITION].get_bucket(name)
        except S3ClientError as error:
            raise StoreError(f"no such bucket as {name}") from error


class _Writer:
    """Fills a key that is in no bucket yet, so that nobody sees half an object."""

    def __init__(self, account: str, bucket: FakeBucket, name: str, kms_key: str | None, sink: Sink) -> None:
        self._bucket = bucket
        self._sink = sink
        self._key = FakeKey(
            name=name,
            value=b"",
            account_id=account,
            region_name=bucket.region_name,
            is_versioned=bucket.is_versioned,
            version_id=secrets.token_hex(16) if bucket.is_versioned else "null",
            bucket_name=bucket.name,
            encryption="aws:kms" if kms_key else None,
            kms_key_id=kms_key,
        )
        self._size_bytes = 0
        self._md5 = hashlib.md5(usedforsecurity=False)

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sink.discard()

    def write(self, data: bytes) -> None:
        self._sink.write(data)
        if self._size_bytes < UPLOAD_PART_BYTES:
            self._md5.update(data)
        self._size_bytes += len(data)

    def complete(self) -> None:
        """Puts the key into its bucket."""
        parts = -(-self._size_bytes // UPLOAD_PART_BYTES)
        # S3: the ETag of a multipart upload is not the MD5 of the object; clients may only compare it with itself.
        self._key._etag = self._md5.hexdigest() if parts <= 1 else f"{secrets.token_hex(16)}-{parts}"
        self._key.contentsize = self._size_bytes
        self._sink.publish(self._bucket, self._key)


def _visible(bucket: FakeBucket, name: str) -> bool:
    return isinstance(bucket.keys.get(name), FakeKey)  # rather than a delete marker


def _read(key: FakeKey) -> Iterator[bytes]:
    """Yields an object's bytes; other readers move the same file position, so each read seeks under the key's lock."""
    position = 0
    while True:
        with key.lock:
            key._value_buffer.seek(position)
            chunk: bytes = key._value_buffer.read(READ_CHUNK_BYTES)
        if not chunk:
            return
        position += len(chunk)
        yield chunk
