"""The object store as the pipeline sees it: a port, and the answers that a caller tells apart.

`s3.store.S3Store` is the one on S3; tests hand in one that lives in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from batch_transform.core.errors import ServiceFailure
from batch_transform.core.uris import S3Uri


class StoreFailure(ServiceFailure):
    """A call on an object failed beyond the client's retries; whether it took effect is unknown.

    Attributes:
        operation: the call, by its S3 name.
        where: the location that it was about.
        code: S3's error code, or the client's error class where no answer came.
    """

    def __init__(self, operation: str, where: str, code: str, detail: str) -> None:
        self.operation, self.where, self.code = operation, where, code
        super().__init__(f"{operation} {where}: {code}: {detail}")


class ObjectNotFound(StoreFailure):
    """There is no such object."""


class PreconditionFailed(StoreFailure):
    """The object is not at the ETag that was asked for."""


class AlreadyThere(PreconditionFailed):
    """`put_new` found an object. It may be this caller's own: boto3 resends a put whose response was lost."""


@dataclass(frozen=True)
class ObjectInfo:
    """An object as a listing shows it; `etag` is kept as S3 gives it, with its quotes.

    Attributes:
        told_at: when S3 said so, by its own clock, as `last_modified` is; None: a listing, or it is not known.
    """

    key: str
    etag: str
    size_bytes: int
    last_modified: datetime
    told_at: datetime | None = None


@dataclass(frozen=True)
class Bucket:
    """A bucket that is there; `region` is the one of AWS that it lies in, None: not told, or the store is not AWS's."""

    region: str | None


@dataclass(frozen=True)
class ObjectStream:
    """An object that is being read; all `chunks` belong to the one version that `etag` names."""

    etag: str
    chunks: Iterator[bytes]


class ObjectStore(Protocol):
    """What the pipeline asks of a store; every method raises StoreFailure (or a subclass) when it was not obeyed."""

    def get(self, uri: S3Uri, if_match: str | None = None) -> tuple[bytes, str]:
        """Returns an object's bytes and ETag."""

    def get_tail(self, uri: S3Uri, length_bytes: int, if_match: str | None = None) -> bytes:
        """Returns the last `length_bytes` of an object that is not empty, or all of a shorter one."""

    def get_range(self, uri: S3Uri, start: int, length_bytes: int, if_match: str | None = None) -> bytes:
        """Returns `length_bytes` bytes (at least 1) of an object from byte `start` on."""

    def open_stream(self, uri: S3Uri, if_match: str | None = None) -> ObjectStream:
        """Returns an object as a stream of chunks, for objects that should not lie in memory whole."""

    def put(self, uri: S3Uri, body: bytes) -> str:
        """Returns the ETag of the object written, whatever was there before."""

    def put_new(self, uri: S3Uri, body: bytes) -> str:
        """Returns the ETag of the object written; raises AlreadyThere if there was one."""

    def put_if_match(self, uri: S3Uri, body: bytes, etag: str) -> str:
        """Returns the new ETag; raises PreconditionFailed or ObjectNotFound if the object is not at `etag`."""

    def head(self, uri: S3Uri) -> ObjectInfo | None:
        """Returns an object's description, or None if there is none."""

    def list(self, prefix: S3Uri) -> Iterator[ObjectInfo]:
        """Returns the objects below `prefix` in key order; `a/out` does not list `a/out2/x`."""

    def folders(self, prefix: S3Uri) -> Iterator[S3Uri]:
        """Returns the folders right below `prefix` in key order, without listing what is in them."""

    def delete(self, uris: Iterable[S3Uri]) -> None:
        """Deletes objects; one that is not there is no error."""

    def end_uploads(self, prefix: S3Uri) -> None:
        """Ends the uploads in parts below `prefix` that were begun and never completed."""

    def copy(self, source: S3Uri, etag: str, size_bytes: int, target: S3Uri) -> None:
        """Copies an object on the server; raises PreconditionFailed if the source is not at `etag`."""

    def bucket(self, place: S3Uri) -> Bucket | None:
        """Returns the bucket of a place, of which as much may be seen as lies below that; None: there is none."""
