"""Moto's buckets and objects, kept: after each change of an object its versions on disk are made those in memory.

Comparing is what makes it simple: whatever call of S3 changed an object (a put, a copy, a tag, a deletion, a completed
upload), what is to be written is the difference, and no call needs to be understood. Bytes are written before the index
names them, the index changes in one transaction, and the change is answered after that. What a client sees of an object
is seen under the object's lock, so it is on disk by then.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, s3_backends

from transform_emulator.moto.world import World, within
from transform_emulator.service.limits import READ_CHUNK_BYTES
from transform_emulator.service.s3_locations import S3Location
from transform_emulator.state import documents
from transform_emulator.state.database import Database
from transform_emulator.state.errors import FROM_A_COPY, StateError
from transform_emulator.state.object_files import KeptFile, ObjectFiles

STRIPES = 256


class KeyLocks:
    """A fixed number of locks that all objects share."""

    def __init__(self) -> None:
        self._locks = [threading.Lock() for _ in range(STRIPES)]

    @contextmanager
    def holding(self, places: Iterable[S3Location]) -> Iterator[None]:
        """Holds these objects within the block: no other thread does."""
        # In one order, or two threads could wait for each other.
        stripes = sorted({hash(place) % STRIPES for place in places})
        with ExitStack() as stack:
            for stripe in stripes:
                stack.enter_context(self._locks[stripe])
            yield

    def wait_for_holders(self) -> None:
        """Waits until all who hold an object now have let go of it."""
        for lock in self._locks:
            with lock:
                pass


Version = FakeKey | FakeDeleteMarker
Row = tuple[str, str | None]  # a version's document, and the file of its bytes
VERSIONS = "SELECT document, file FROM objects WHERE bucket = ? AND key = ? ORDER BY position"


class KeptObjects:
    """What is on disk of moto's S3.

    Attributes:
        files: The objects' bytes.
        locks: Held by whoever reads or changes an object in moto.
    """

    def __init__(self, database: Database, files: ObjectFiles, world: World) -> None:
        self._database = database
        self._world = world
        self._known: set[str] = set()
        self.files = files
        self.locks = KeyLocks()

    @within
    def load(self) -> None:
        """Gives moto what was kept.

        Raises:
            StateError: Bytes of an object are not there any more, or not all of them; nothing was removed.
        """
        kept = self._database.rows("SELECT file, document FROM objects WHERE file != ''")
        self._check_files({file: json.loads(text)["contentsize"] for file, text in kept})
        for name, text in self._database.rows("SELECT name, document FROM buckets"):
            documents.bucket_of(name, text)
            self._known.add(name)
        for bucket, key in self._database.rows("SELECT DISTINCT bucket, key FROM objects"):
            self.restore(S3Location(bucket, key))
        # Last, so that an index that cannot be read costs no object.
        self.files.sweep({file for file, _ in kept})

    def forget(self) -> None:
        """Removes the bytes of all objects; the index names none of them any more."""
        self._known.clear()
        self.files.sweep(())

    @within
    def sync_bucket(self, name: str) -> None:
        """Makes a bucket on disk what it is in memory: settings, or its absence; its lock is held."""
        bucket = _bucket(name)
        with self._database.transaction() as connection:
            if bucket is None:
                connection.execute("DELETE FROM buckets WHERE name = ?", (name,))
            else:
                values = (name, documents.bucket_text(bucket))
                connection.execute("INSERT OR REPLACE INTO buckets VALUES (?, ?)", values)
        (self._known.discard if bucket is None else self._known.add)(name)

    @within
    def sync_new_bucket(self, name: str) -> None:
        """Keeps a bucket, if there is one of that name, unless it is kept already."""
        if name not in self._known and _bucket(name) is not None:
            with self.locks.holding([S3Location(name, "")]):
                self.sync_bucket(name)

    @within
    def sync(self, place: S3Location) -> None:
        """Makes an object's versions on disk those in memory; its lock is held."""
        bucket = _bucket(place.bucket)
        self._write(place, [] if bucket is None else bucket.keys.getlist(place.key, []))

    @within
    def sync_all(self, bucket_name: str) -> None:
        """Makes all objects of a bucket on disk those in memory, each under its lock."""
        bucket = _bucket(bucket_name)
        kept = self._database.rows("SELECT DISTINCT key FROM objects WHERE bucket = ?", bucket_name)
        for key in {key for (key,) in kept}.union([] if bucket is None else list(bucket.keys)):
            place = S3Location(bucket_name, key)
            with self.locks.holding([place]):
                self.sync(place)

    @within
    def add(self, bucket: FakeBucket, key: FakeKey) -> None:
        """Puts a complete version of an object into its bucket, on disk and then in memory."""
        place = S3Location(bucket.name, key.name)
        with self.locks.holding([place]):
            earlier = bucket.keys.getlist(key.name, []) if bucket.is_versioned else []
            self._write(place, [*earlier, key])
            bucket.keys.setlist(key.name, [*earlier, key])

    @within
    def restore(self, place: S3Location) -> None:
        """Makes an object's versions in memory those on disk."""
        bucket = _bucket(place.bucket)
        if bucket is None:
            return
        versions: list[Version] = []
        for text, file in self._database.rows(VERSIONS, place.bucket, place.key):
            document = json.loads(text)
            if file is None:
                versions.append(documents.marker_of(document, place.key, versions[-1] if versions else None))
            else:
                key = documents.key_of(document, place.bucket, place.key)
                set_bytes(key, self.files.of(file))
                versions.append(key)
        if versions:
            bucket.keys.setlist(place.key, versions)
        elif place.key in bucket.keys:
            bucket.keys.pop(place.key)

    def _check_files(self, kept: Mapping[str, int]) -> None:
        found = self.files.sizes()
        faults = {
            "gone": sorted(kept.keys() - found.keys()),
            "not as long as the index says": sorted(kept.keys() - {name for name, _ in kept.items() & found.items()}),
        }
        for fault, names in faults.items():
            if names:
                files = "the file of an object is" if len(names) == 1 else f"{len(names)} files of objects are"
                raise StateError(f"{files} {fault}, as {self.files.of(names[0]).path}; {FROM_A_COPY}")

    def _write(self, place: S3Location, versions: Iterable[Version]) -> None:
        before: list[Row] = [(text, file) for text, file in self._database.rows(VERSIONS, place.bucket, place.key)]
        written: list[tuple[FakeKey, str]] = []
        try:
            after = [self._row(version, written) for version in versions]
            if after != before:
                self._replace(place, before, after)
        except BaseException:
            self.files.remove(name for _, name in written)
            raise
        for key, name in written:
            set_bytes(key, self.files.of(name))
        self.files.remove({file for _, file in before if file} - {file for _, file in after})

    def _replace(self, place: S3Location, before: list[Row], after: list[Row]) -> None:
        # A key with many versions gets one more: the others' rows stay as they are.
        same = next((n for n, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), None)
        start = min(len(before), len(after)) if same is None else same
        rows = [(place.bucket, place.key, n, *row) for n, row in enumerate(after[start:], start)]
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM objects WHERE bucket = ? AND key = ? AND position >= ?", (place.bucket, place.key, start)
            )
            connection.executemany("INSERT INTO objects VALUES (?, ?, ?, ?, ?)", rows)

    def _row(self, version: Version, written: list[tuple[FakeKey, str]]) -> Row:
        if not isinstance(version, FakeKey):
            return documents.version_text(version), None
        version.etag  # noqa: B018  # computed and remembered: the document has it
        kept: object = version._value_buffer
        name = kept.path.name if isinstance(kept, KeptFile) else self._copy(version, written)
        return documents.version_text(version), name

    def _copy(self, key: FakeKey, written: list[tuple[FakeKey, str]]) -> str:
        with self.files.create() as file, key.lock:
            name = Path(file.name).name
            written.append((key, name))
            key._value_buffer.seek(0)
            shutil.copyfileobj(key._value_buffer, file, READ_CHUNK_BYTES)
        return name


def set_bytes(key: FakeKey, file: KeptFile) -> None:
    """Gives an object of moto's the bytes of a file, in place of those that it has in memory."""
    with key.lock:
        key._value_buffer.close()
        key._value_buffer = cast(Any, file)


def _bucket(name: str) -> FakeBucket | None:
    if name not in s3_backends.bucket_accounts:
        return None
    partition, account = s3_backends.bucket_accounts[name]
    return s3_backends[account][partition].buckets.get(name)
