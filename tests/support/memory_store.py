"""An ObjectStore in memory: S3's rules on conditions and order, and faults wherever a test wants them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import lru_cache, partial
from typing import TypeVar

from batch_transform.core.object_store import (
    AlreadyThere,
    Bucket,
    ObjectInfo,
    ObjectNotFound,
    ObjectStream,
    PreconditionFailed,
    StoreFailure,
)
from batch_transform.core.uris import S3Uri
from support.faults import Faults

Effect = TypeVar("Effect")

BEGINNING = datetime(2024, 1, 1, tzinfo=timezone.utc)


@dataclass
class World:
    """What survives a crash: (bucket, key) -> (bytes, time of the put)."""

    objects: dict[tuple[str, str], tuple[bytes, datetime]] = field(default_factory=dict)
    buckets: set[str] = field(default_factory=set)
    ticks: int = 0
    regions: dict[str, str] = field(default_factory=dict)

    def copy(self) -> World:
        return World(dict(self.objects), set(self.buckets), self.ticks, dict(self.regions))

    def tree(self, prefix: str = "") -> dict[str, bytes]:
        """Returns key -> bytes of the objects whose key begins with `prefix`, whatever their bucket."""
        return {key: body for (_, key), (body, _) in self.objects.items() if key.startswith(prefix)}


class MemoryStore:
    """One process's view of a World. `honours_conditions=False` is a store that knows no conditional writes."""

    def __init__(
        self, world: World | None = None, faults: Faults | None = None, honours_conditions: bool = True
    ) -> None:
        self.world = world if world is not None else World()
        self.faults = faults if faults is not None else Faults()
        self.honours_conditions = honours_conditions

    def get(self, uri: S3Uri, if_match: str | None = None) -> tuple[bytes, str]:
        self.faults.read()
        body = self._body("GetObject", uri)
        self._check("GetObject", uri, if_match)
        return body, etag_of(body)

    def get_tail(self, uri: S3Uri, length_bytes: int, if_match: str | None = None) -> bytes:
        return self.get(uri, if_match)[0][-length_bytes:]

    def get_range(self, uri: S3Uri, start: int, length_bytes: int, if_match: str | None = None) -> bytes:
        return self.get(uri, if_match)[0][start : start + length_bytes]

    def open_stream(self, uri: S3Uri, if_match: str | None = None) -> ObjectStream:
        body, etag = self.get(uri, if_match)
        return ObjectStream(etag, iter([body[at : at + 7] for at in range(0, len(body), 7)]))

    def put(self, uri: S3Uri, body: bytes) -> str:
        return self._mutate("PutObject", uri, lambda: self._write(uri, body))

    def put_new(self, uri: S3Uri, body: bytes) -> str:
        def effect() -> str:
            if self.honours_conditions and (uri.bucket, uri.key) in self.world.objects:
                raise AlreadyThere("PutObject", str(uri), "PreconditionFailed", "there is an object already")
            return self._write(uri, body)

        return self._mutate("PutObject if-none-match", uri, effect)

    def put_if_match(self, uri: S3Uri, body: bytes, etag: str) -> str:
        def effect() -> str:
            self._body("PutObject", uri)
            self._check("PutObject", uri, etag if self.honours_conditions else None)
            return self._write(uri, body)

        return self._mutate("PutObject if-match", uri, effect)

    def head(self, uri: S3Uri) -> ObjectInfo | None:
        self.faults.read()
        return self._info(uri.bucket, uri.key) if (uri.bucket, uri.key) in self.world.objects else None

    def list(self, prefix: S3Uri) -> Iterator[ObjectInfo]:
        self.faults.read()
        held, start = prefix.bucket, prefix.prefix
        found = [key for bucket, key in self.world.objects if bucket == held and key.startswith(start)]
        for key in sorted(found, key=str.encode):
            yield self._info(held, key)

    def folders(self, prefix: S3Uri) -> Iterator[S3Uri]:
        start = prefix.prefix
        names = {
            info.key[len(start) :].partition("/")[0] for info in self.list(prefix) if "/" in info.key[len(start) :]
        }
        yield from (S3Uri(prefix.bucket, f"{start}{name}") for name in sorted(names, key=str.encode))

    def delete(self, uris: Iterable[S3Uri]) -> None:
        """Each key is a mutation of its own: a batch of DeleteObjects may be half done."""
        for uri in uris:
            self._mutate("DeleteObject", uri, partial(self.world.objects.pop, (uri.bucket, uri.key), None))

    def end_uploads(self, prefix: S3Uri) -> None:
        """It puts each object whole."""

    def copy(self, source: S3Uri, etag: str, size_bytes: int, target: S3Uri) -> None:
        def effect() -> str:
            body = self._body("CopyObject", source)
            self._check("CopyObject", source, etag)
            return self._write(target, body)

        self._mutate("CopyObject", target, effect)

    def bucket(self, place: S3Uri) -> Bucket | None:
        self.faults.read()
        name = place.bucket
        is_there = name in self.world.buckets or any(held == name for held, _ in self.world.objects)
        return Bucket(self.world.regions.get(name)) if is_there else None

    def _mutate(self, operation: str, uri: S3Uri, effect: Callable[[], Effect]) -> Effect:
        def lost() -> StoreFailure:
            return StoreFailure(operation, str(uri), "ReadTimeoutError", "no answer")

        found: Effect = self.faults.mutate(f"{operation} {uri.key}", effect, lost)
        return found

    def _write(self, uri: S3Uri, body: bytes) -> str:
        self.world.ticks += 1
        self.world.objects[uri.bucket, uri.key] = (body, BEGINNING + timedelta(seconds=self.world.ticks))
        return etag_of(body)

    def _body(self, operation: str, uri: S3Uri) -> bytes:
        try:
            return self.world.objects[uri.bucket, uri.key][0]
        except KeyError:
            raise ObjectNotFound(operation, str(uri), "NoSuchKey", "there is no such object") from None

    def _check(self, operation: str, uri: S3Uri, etag: str | None) -> None:
        if etag is not None and etag_of(self._body(operation, uri)) != etag:
            raise PreconditionFailed(operation, str(uri), "PreconditionFailed", "another ETag")

    def _info(self, bucket: str, key: str) -> ObjectInfo:
        body, modified = self.world.objects[bucket, key]
        return ObjectInfo(key, etag_of(body), len(body), modified)


@lru_cache(maxsize=10_000)
def etag_of(body: bytes) -> str:
    """Returns the ETag that S3 gives an object put in one part: its MD5 in quotes."""
    return f'"{hashlib.md5(body).hexdigest()}"'
