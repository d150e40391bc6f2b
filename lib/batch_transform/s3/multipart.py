"""Copies of objects that are too large for one CopyObject."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batch_transform.core.object_store import ObjectInfo, StoreFailure
from batch_transform.core.uris import S3Uri

Head = Callable[[S3Uri], "ObjectInfo | None"]
MAX_PARTS = 10_000  # S3 user guide, multipart upload limits


def part_ranges(size_bytes: int, part_bytes: int) -> Iterator[tuple[int, int]]:
    """Returns the first and last byte of each part: `part_bytes` each, or more where S3's 10,000 parts would not do."""
    step = max(part_bytes, -(-size_bytes // MAX_PARTS))
    for first in range(0, size_bytes, step):
        yield first, min(first + step, size_bytes) - 1


def copy_in_parts(
    client: Any, head: Head, source: S3Uri, etag: str, size_bytes: int, target: S3Uri, part_bytes: int
) -> None:
    """Copies `source` to `target` by UploadPartCopy; `target` appears whole or not at all.

    The answer to CompleteMultipartUpload may be lost alone: asked once more, S3 knows no such upload. So whether there
    is a new object at `target`, of this size and so many parts, tells whether it was done.

    A failed copy is aborted. A killed one leaves an invisible upload, paid for until `end_uploads` or a lifecycle rule
    ends it; so does one that may not be aborted, of which it is told why it failed.
    """
    before = _seen(head, target)
    place = {"Bucket": target.bucket, "Key": target.key}
    upload = place | {"UploadId": client.create_multipart_upload(**place)["UploadId"]}
    complete = False
    try:
        parts = [
            {"PartNumber": number, "ETag": _copy_part(client, source, etag, upload, number, first, last)}
            for number, (first, last) in enumerate(part_ranges(size_bytes, part_bytes), start=1)
        ]
        try:
            client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        except (ClientError, BotoCoreError):
            if not _is_made(before, _seen(head, target), size_bytes, len(parts)):
                raise
        complete = True
    finally:
        if not complete:
            with suppress(ClientError, BotoCoreError):
                client.abort_multipart_upload(**upload)


def end_uploads(client: Any, prefix: S3Uri) -> None:
    """Aborts the uploads to keys below `prefix`, one that has ended meanwhile excepted."""
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=prefix.bucket, Prefix=prefix.prefix):
        for found in page.get("Uploads", ()):
            with suppress(client.exceptions.NoSuchUpload):
                client.abort_multipart_upload(Bucket=prefix.bucket, Key=found["Key"], UploadId=found["UploadId"])


def _seen(head: Head, target: S3Uri) -> Sequence[ObjectInfo] | None:
    """The object that is there, or none; None: it cannot be seen."""
    try:
        found = head(target)
    except StoreFailure:
        return None
    return [] if found is None else [found]


def _is_made(
    before: Sequence[ObjectInfo] | None, now: Sequence[ObjectInfo] | None, size_bytes: int, parts: int
) -> bool:
    """Whether there is an object now that was not there before, as an upload of so many parts makes it."""
    if before is None or not now or list(now) == list(before):
        return False
    return now[0].size_bytes == size_bytes and now[0].etag.strip('"').endswith(f"-{parts}")


def _copy_part(
    client: Any, source: S3Uri, etag: str, upload: dict[str, str], number: int, first: int, last: int
) -> str:
    answer = client.upload_part_copy(
        **upload,
        PartNumber=number,
        CopySource={"Bucket": source.bucket, "Key": source.key},
        CopySourceIfMatch=etag,
        CopySourceRange=f"bytes={first}-{last}",
    )
    return str(answer["CopyPartResult"]["ETag"])
