"""S3 through boto3, cut down to what the pipeline needs. Retries of single calls are botocore's.

botocore does not retry once a body has begun to arrive; `open_stream` does, from where it broke off, same version.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from batch_transform.core.answer_headers import answered_at
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
from batch_transform.s3.buckets import bucket_of, first_key
from batch_transform.s3.multipart import copy_in_parts, end_uploads
from batch_transform.s3.s3_errors import is_bare, is_denied, s3_errors

CHUNK_BYTES = 1024 * 1024
BODY_ATTEMPTS = 4
DELETE_BATCH = 1000  # S3 API reference, DeleteObjects: "up to 1000 keys"
COPY_LIMIT_BYTES = 5_000_000_000  # S3 API reference, CopyObject: "up to 5 GB"; the smaller reading
COPY_PART_BYTES = 1_000_000_000


class S3Store:
    """The ObjectStore on S3, over a boto3 client (which threads may share)."""

    def __init__(
        self, client: Any, copy_limit_bytes: int = COPY_LIMIT_BYTES, copy_part_bytes: int = COPY_PART_BYTES
    ) -> None:
        self._client = client
        self._copy_limit_bytes = copy_limit_bytes
        self._copy_part_bytes = copy_part_bytes

    def get(self, uri: S3Uri, if_match: str | None = None) -> tuple[bytes, str]:
        """Returns an object's bytes and ETag."""
        stream = self.open_stream(uri, if_match)
        return b"".join(stream.chunks), stream.etag

    def get_tail(self, uri: S3Uri, length_bytes: int, if_match: str | None = None) -> bytes:
        """Returns the last `length_bytes` of an object that is not empty, or all of a shorter one."""
        return self._read(uri, f"bytes=-{length_bytes}", if_match)

    def get_range(self, uri: S3Uri, start: int, length_bytes: int, if_match: str | None = None) -> bytes:
        """Returns `length_bytes` bytes of an object from byte `start` on; fewer where it ends before."""
        return self._read(uri, f"bytes={start}-{start + length_bytes - 1}", if_match)

    def _read(self, uri: S3Uri, byte_range: str, if_match: str | None) -> bytes:
        for attempt in range(1, BODY_ATTEMPTS + 1):
            response = self._open(uri, if_match, byte_range)
            try:
                with s3_errors("GetObject", uri):
                    return bytes(response["Body"].read())
            except StoreFailure:
                if attempt == BODY_ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def open_stream(self, uri: S3Uri, if_match: str | None = None) -> ObjectStream:
        """Returns an object as a stream of chunks of at most 1 MiB, all of one version."""
        response = self._open(uri, if_match)
        return ObjectStream(response["ETag"], self._chunks(uri, response))

    def _chunks(self, uri: S3Uri, response: dict[str, Any]) -> Iterator[bytes]:
        position, breaks = 0, 0
        while True:
            try:
                with s3_errors("GetObject", uri):
                    for chunk in response["Body"].iter_chunks(CHUNK_BYTES):
                        position += len(chunk)
                        yield chunk
                return
            except StoreFailure:
                breaks += 1
                if breaks == BODY_ATTEMPTS:
                    raise
            response = self._open(uri, response["ETag"], f"bytes={position}-")

    def _open(self, uri: S3Uri, if_match: str | None, byte_range: str | None = None) -> dict[str, Any]:
        options = {"IfMatch": if_match, "Range": byte_range}
        with self._reading("GetObject", uri):
            response: dict[str, Any] = self._client.get_object(
                Bucket=uri.bucket, Key=uri.key, **{name: value for name, value in options.items() if value}
            )
        return response

    def put(self, uri: S3Uri, body: bytes) -> str:
        """Returns the ETag of the object written, whatever was there before."""
        return self._put(uri, body)

    def put_new(self, uri: S3Uri, body: bytes) -> str:
        """Returns the ETag of the object written.

        Raises:
            AlreadyThere: there is an object, possibly this caller's own from a request whose response was lost.
        """
        try:
            return self._put(uri, body, IfNoneMatch="*")
        except PreconditionFailed as err:
            raise AlreadyThere(err.operation, err.where, err.code, "there is an object already") from err

    def put_if_match(self, uri: S3Uri, body: bytes, etag: str) -> str:
        """Returns the new ETag.

        Raises:
            PreconditionFailed: the object is not at `etag`; a request of this caller's own whose response was lost
                may be why.
            ObjectNotFound: there is no object.
        """
        return self._put(uri, body, IfMatch=etag)

    def _put(self, uri: S3Uri, body: bytes, **condition: str) -> str:
        with s3_errors("PutObject", uri):
            return str(self._client.put_object(Bucket=uri.bucket, Key=uri.key, Body=body, **condition)["ETag"])

    def head(self, uri: S3Uri) -> ObjectInfo | None:
        """Returns an object's description, or None if there is none."""
        try:
            with self._reading("HeadObject", uri):
                found = self._client.head_object(Bucket=uri.bucket, Key=uri.key)
        except ObjectNotFound:
            return None
        return ObjectInfo(uri.key, found["ETag"], found["ContentLength"], found["LastModified"], answered_at(found))

    def list(self, prefix: S3Uri) -> Iterator[ObjectInfo]:
        """Returns the objects below `prefix` in key order, page by page."""
        with s3_errors("ListObjectsV2", prefix):
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=prefix.bucket, Prefix=prefix.prefix
            ):
                for found in page.get("Contents", ()):
                    yield ObjectInfo(found["Key"], found["ETag"], found["Size"], found["LastModified"])

    def folders(self, prefix: S3Uri) -> Iterator[S3Uri]:
        """Returns the folders right below `prefix` in key order, without listing what is in them."""
        with s3_errors("ListObjectsV2", prefix):
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=prefix.bucket, Prefix=prefix.prefix, Delimiter="/"
            ):
                for found in page.get("CommonPrefixes", ()):
                    yield S3Uri(prefix.bucket, found["Prefix"].rstrip("/"))

    def delete(self, uris: Iterable[S3Uri]) -> None:
        """Deletes objects, 1000 in a call; one that is not there is no error.

        Raises:
            StoreFailure: S3 refused one; those before it in the batch may be gone.
        """
        for bucket, group in itertools.groupby(uris, key=lambda uri: uri.bucket):
            while batch := [{"Key": uri.key} for uri in itertools.islice(group, DELETE_BATCH)]:
                self._delete_batch(bucket, batch)

    def _delete_batch(self, bucket: str, batch: Sequence[dict[str, str]]) -> None:
        with s3_errors("DeleteObjects", S3Uri(bucket, batch[0]["Key"])):
            answer = self._client.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
        # S3 answers 200 to a batch in which single deletions were refused, at times for a moment alone (InternalError,
        # boto3#3052), and botocore makes no such call again. It does that of one object.
        for error in answer.get("Errors", ()):
            with s3_errors("DeleteObject", S3Uri(bucket, error["Key"])):
                self._client.delete_object(Bucket=bucket, Key=error["Key"])

    def end_uploads(self, prefix: S3Uri) -> None:
        """Ends the uploads in parts below `prefix` that were begun and never completed; no listing shows them."""
        with s3_errors("ListMultipartUploads", prefix):
            end_uploads(self._client, prefix)

    def copy(self, source: S3Uri, etag: str, size_bytes: int, target: S3Uri) -> None:
        """Copies an object on the server, in parts beyond 5 GB; of its tags, which are its owner's, none.

        S3 copies them by default, for which whoever asks needs `s3:GetObjectTagging` and `s3:PutObjectTagging`, and a
        lifecycle rule that goes by a tag would expire the copy as well (user guide, object tags and policies).

        Raises:
            PreconditionFailed: the source is not at `etag`.
        """
        with s3_errors("CopyObject", f"{source} to {target}"):
            if size_bytes > self._copy_limit_bytes:
                copy_in_parts(self._client, self.head, source, etag, size_bytes, target, self._copy_part_bytes)
                return
            self._client.copy_object(
                Bucket=target.bucket,
                Key=target.key,
                CopySource={"Bucket": source.bucket, "Key": source.key},
                CopySourceIfMatch=etag,
                TaggingDirective="REPLACE",
            )

    def bucket(self, place: S3Uri) -> Bucket | None:
        """Returns the bucket of a place, None: there is none; one that may not be seen raises StoreFailure."""
        return bucket_of(self._client, place)

    @contextmanager
    def _reading(self, operation: str, uri: S3Uri) -> Iterator[None]:
        """As `s3_errors`; what is refused and not there is not found, and a bare status is told by what a listing says.

        "If you don't have the s3:ListBucket permission, Amazon S3 returns an HTTP status code 403" for a key that is
        not there (API reference, HeadObject); where that permission has a prefix, which no read has, it may be as if
        one had none. A listing has one. Of HeadObject "it's not possible to retrieve the exact exception" (there).
        """
        try:
            with s3_errors(operation, uri):
                yield
        except ObjectNotFound:
            raise
        except StoreFailure as err:
            is_missing = (is_denied(err) or is_bare(err)) and self._is_missing(uri, err)
            if is_missing and is_denied(err):
                raise ObjectNotFound(operation, str(uri), err.code, "it is in no listing") from err
            raise

    def _is_missing(self, uri: S3Uri, refusal: StoreFailure) -> bool:
        """Whether no listing has a key.

        Raises:
            StoreFailure: a listing is refused for a reason that the refusal of a read could not give.
        """
        try:
            return first_key(self._client, uri.bucket, uri.key) != uri.key  # no key with this beginning comes before it
        except StoreFailure as listing:
            if is_bare(refusal) and not is_denied(listing):
                raise listing from refusal
            return False
