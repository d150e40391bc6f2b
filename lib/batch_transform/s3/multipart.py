"""Copies of objects that are too large for one CopyObject."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batch_transform.core.uris import S3Uri

MAX_PARTS = 10_000  # S3 user guide, multipart upload limits


def part_ranges(size_bytes: int, part_bytes: int) -> Iterator[tuple[int, int]]:
    """Returns the first and last byte of each part: `part_bytes` each, or more where S3's 10,000 parts would not do."""
    step = max(part_bytes, -(-size_bytes // MAX_PARTS))
    for first in range(0, size_bytes, step):
        yield first, min(first + step, size_bytes) - 1


def copy_in_parts(client: Any, source: S3Uri, etag: str, size_bytes: int, target: S3Uri, part_bytes: int) -> None:
    """Copies `source` to `target` by UploadPartCopy; `target` appears whole or not at all.

    A failed copy is aborted. A killed one leaves an invisible upload, paid for until a lifecycle rule ends it; so does
    one that may not be aborted, of which it is told why it failed.
    """
    place = {"Bucket": target.bucket, "Key": target.key}
    upload = place | {"UploadId": client.create_multipart_upload(**place)["UploadId"]}
    complete = False
    try:
        parts = [
            {"PartNumber": number, "ETag": _copy_part(client, source, etag, upload, number, first, last)}
            for number, (first, last) in enumerate(part_ranges(size_bytes, part_bytes), start=1)
        ]
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        complete = True
    finally:
        if not complete:
            with suppress(ClientError, BotoCoreError):
                client.abort_multipart_upload(**upload)


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
