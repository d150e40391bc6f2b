"""Jobs' objects in moto, kept: what a job writes goes into a file of the state at once, and never into memory."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from moto.s3.models import FakeBucket, FakeKey

from transform_emulator.data_plane.object_store import StoreError
from transform_emulator.moto.objects import MotoStore
from transform_emulator.moto.world import World
from transform_emulator.service.s3_locations import S3Location
from transform_emulator.state.kept_objects import KeptObjects, set_bytes


class FileSink:
    """Where the bytes of one object go. It satisfies `Sink`."""

    def __init__(self, kept: KeptObjects) -> None:
        self._kept = kept
        self._file = kept.files.create()
        self._published = False

    def write(self, data: bytes) -> None:
        """Appends bytes.

        Raises:
            StoreError: The disk does not take them.
        """
        try:
            self._file.write(data)
        except OSError as error:
            raise StoreError(f"cannot keep an object: {error}") from error

    def publish(self, bucket: FakeBucket, key: FakeKey) -> None:
        """Puts the key with these bytes into its bucket, on disk and then in memory.

        Raises:
            StoreError: The disk does not take it.
        """
        try:
            self._file.close()
            set_bytes(key, self._kept.files.of(Path(self._file.name).name))
            self._kept.add(bucket, key)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot keep an object: {error}") from error
        self._published = True

    def discard(self) -> None:
        """Drops the bytes, unless the key was published."""
        if not self._published:
            self._file.close()
            self._kept.files.remove([Path(self._file.name).name])


class KeptStore(MotoStore):
    """The objects that one account sees, with their changes on disk. It satisfies `ObjectStore`."""

    def __init__(self, world: World, account: str, kept: KeptObjects) -> None:
        super().__init__(world, account, lambda: FileSink(kept))
        self._kept = kept

    def keys(self, prefix: S3Location) -> Iterator[str]:
        """Yields all keys that begin with the prefix, in UTF-8 order; they are on disk."""
        found = list(super().keys(prefix))
        self._kept.locks.wait_for_holders()
        yield from found

    def delete(self, place: S3Location) -> None:
        with self._kept.locks.holding([place]):
            super().delete(place)
            self._kept.sync(place)

    def set_modified(self, place: S3Location, moment: datetime) -> None:
        """Lets an object's LastModified be this moment."""
        with self._kept.locks.holding([place]):
            super().set_modified(place, moment)
            self._kept.sync(place)
