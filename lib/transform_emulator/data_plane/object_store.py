"""The data plane's S3: list, stream in, and write objects that appear whole or not at all."""

from collections.abc import Iterator
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from transform_emulator.service.limits import READ_CHUNK_BYTES, UPLOAD_PART_BYTES
from transform_emulator.service.s3_locations import S3Location

MAX_CONNECTIONS = 256  # more than the files in flight of any job that fits on one machine


class StoreError(Exception):
    """The store cannot do what was asked, as when a bucket does not exist."""


STORE_ERRORS = (BotoCoreError, ClientError, StoreError)
MISSING_CODES = frozenset({"404", "NoSuchKey", "NoSuchBucket"})
# A role that may not list the bucket is told that there are no objects (amazon-sagemaker-examples#2414).
HIDDEN_CODES = frozenset({"AccessDenied", "403"})


class S3Client(Protocol):
    """The calls of a boto3 S3 client that the data plane makes; they take keywords only."""

    def get_paginator(self, operation_name: str, /) -> Any: ...
    def list_objects_v2(self, **parameters: object) -> dict[str, Any]: ...
    def get_object(self, **parameters: object) -> dict[str, Any]: ...
    def put_object(self, **parameters: object) -> dict[str, Any]: ...
    def delete_object(self, **parameters: object) -> dict[str, Any]: ...
    def create_multipart_upload(self, **parameters: object) -> dict[str, Any]: ...
    def upload_part(self, **parameters: object) -> dict[str, Any]: ...
    def complete_multipart_upload(self, **parameters: object) -> dict[str, Any]: ...
    def abort_multipart_upload(self, **parameters: object) -> dict[str, Any]: ...


class ObjectWriter(Protocol):
    """An object in the making: `write` as often as needed, then `complete`; leaving without it leaves nothing."""

    def __enter__(self) -> "ObjectWriter":
        """Returns the writer itself."""

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Removes what was uploaded unless it was completed."""

    def write(self, data: bytes) -> None:
        """Appends bytes."""

    def complete(self) -> None:
        """Makes the object appear."""


class ObjectStore(Protocol):
    """Where a job's objects are; what its methods raise is one of STORE_ERRORS."""

    def keys(self, prefix: S3Location) -> Iterator[str]:
        """Yields all keys that begin with the prefix, in UTF-8 order."""

    def has_objects(self, prefix: S3Location) -> bool:
        """Returns whether any key begins with the prefix; False for a bucket that does not exist."""

    def chunks(self, place: S3Location) -> Iterator[bytes] | None:
        """Returns the object's bytes in chunks of bounded size, or None if there is no such object."""

    def writer(self, place: S3Location, kms_key: str | None) -> ObjectWriter:
        """Returns a writer of the object, which exists only once the writer is completed."""

    def delete(self, place: S3Location) -> None:
        """Removes an object."""

    def set_modified(self, place: S3Location, moment: datetime) -> None:
        """Lets an object's LastModified be this moment, where the store's clock is the emulator's."""


class S3Store:
    """Objects behind a boto3 S3 client."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    @classmethod
    def of(cls, endpoint_url: str, region: str) -> "S3Store":
        """Returns those of another S3 server, with the credentials of the default chain."""
        config = Config(
            max_pool_connections=MAX_CONNECTIONS,
            # Only where S3 demands them: a server that is not AWS's may not know the newer kinds.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"},
        )
        return cls(boto3.session.Session(region_name=region).client("s3", endpoint_url=endpoint_url, config=config))

    def keys(self, prefix: S3Location) -> Iterator[str]:
        """Yields all keys that begin with the prefix, in UTF-8 order."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key)
        for page in pages:
            for item in page.get("Contents", []):
                yield item["Key"]

    def has_objects(self, prefix: S3Location) -> bool:
        """Returns whether any key begins with the prefix; False for a bucket that does not exist."""
        try:
            answer = self._client.list_objects_v2(Bucket=prefix.bucket, Prefix=prefix.key, MaxKeys=1)
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING_CODES | HIDDEN_CODES:
                return False
            raise
        return bool(answer.get("KeyCount"))

    def chunks(self, place: S3Location) -> Iterator[bytes] | None:
        """Returns the object's bytes in chunks, or None if there is no such object."""
        try:
            answer = self._client.get_object(Bucket=place.bucket, Key=place.key)
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING_CODES:
                return None
            raise
        chunks: Iterator[bytes] = answer["Body"].iter_chunks(READ_CHUNK_BYTES)
        return chunks

    def writer(self, place: S3Location, kms_key: str | None) -> ObjectWriter:
        """Returns a writer of the object, which exists only once the writer is completed."""
        extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        return _MultipartWriter(self._client, place, extra)

    def delete(self, place: S3Location) -> None:
        self._client.delete_object(Bucket=place.bucket, Key=place.key)

    def set_modified(self, place: S3Location, moment: datetime) -> None:
        """Leaves the object as it is: another server has a clock of its own."""


class _MultipartWriter:
    """One put for what fits into a part, a multipart upload for more; holds one part in memory.

    "Upload is S3 multipart; on error uploaded parts are removed" (developer guide, batch transform errors).
    """

    def __init__(self, client: S3Client, place: S3Location, extra: dict[str, str]) -> None:
        self._client = client
        self._target = {"Bucket": place.bucket, "Key": place.key}
        self._extra = extra
        self._buffer = bytearray()
        self._upload_id: str | None = None
        self._parts: list[dict[str, Any]] = []

    def __enter__(self) -> "_MultipartWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._upload_id is not None:
            self._client.abort_multipart_upload(**self._target, UploadId=self._upload_id)

    def write(self, data: bytes) -> None:
        """Appends bytes, and uploads each part that is full."""
        self._buffer += data
        while len(self._buffer) >= UPLOAD_PART_BYTES:
            self._upload(bytes(memoryview(self._buffer)[:UPLOAD_PART_BYTES]))
            del self._buffer[:UPLOAD_PART_BYTES]

    def complete(self) -> None:
        """Makes the object appear, by one put or by completing the upload."""
        if self._upload_id is None:
            self._client.put_object(**self._target, **self._extra, Body=bytes(self._buffer))
            return
        if self._buffer:
            self._upload(bytes(self._buffer))
        self._client.complete_multipart_upload(
            **self._target, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts}
        )
        self._upload_id = None

    def _upload(self, part: bytes) -> None:
        if self._upload_id is None:
            answer = self._client.create_multipart_upload(**self._target, **self._extra)
            self._upload_id = answer["UploadId"]
        number = len(self._parts) + 1
        answer = self._client.upload_part(**self._target, UploadId=self._upload_id, PartNumber=number, Body=part)
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})
