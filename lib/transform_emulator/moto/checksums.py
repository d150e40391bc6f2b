"""What S3 tells of the checksum of an object that was put in parts, or copied (S3 user guide, object integrity).

Moto tells a CRC32 under another's name where Python has no CRC32C or CRC64NVME, and of a copy, which has no parts, that
of its source's parts: SDKs compare what they read with it, and would never get the object.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from functools import cache, wraps
from typing import Any

from moto.s3.models import FakeKey, FakeMultipart, S3Backend
from moto.s3.responses import S3Response
from moto.s3.utils import compute_checksum
from werkzeug.datastructures import Headers

ALGORITHM = "x-amz-checksum-algorithm"
OF_PARTS, OF_ALL = "COMPOSITE", "FULL_OBJECT"
# Catalogues of CRCs give each's value for these nine digits.
DIGITS = b"123456789"
OF_DIGITS = {"CRC32C": "4waSgw==", "CRC64NVME": "rosUhgp5mIg="}


@cache
def _is_known(name: str) -> bool:
    """Whether moto's checksum of this name is the one: of two of them only with a library that few have."""
    return (
        name not in OF_DIGITS
        or base64.b64encode(compute_checksum(DIGITS, name, encode_base64=False)).decode() == (OF_DIGITS[name])
    )


def tell_checksums() -> None:
    """Lets moto tell the checksums that are the object's, and no others; once in a process."""
    completed: Callable[..., Any] = FakeMultipart.complete
    asked: Callable[[S3Response], Any] = S3Response.copy_object
    copied: Callable[..., None] = S3Backend.copy_object
    seen: Callable[..., Any] = S3Response.head_object

    @wraps(completed)
    def complete(self: FakeMultipart, body: Iterator[tuple[int, str]]) -> Any:
        value, etag, details = completed(self, body)
        name = self.metadata.get(ALGORITHM)  # asked for none, moto makes one all the same
        return value, etag, details if name and _is_known(name) else None

    @wraps(asked)
    def copy(self: S3Response) -> Any:
        if not _is_known(self.headers.get(ALGORITHM, "")):
            self.headers = Headers([each for each in self.headers.items() if each[0].lower() != ALGORITHM])
        return asked(self)

    @wraps(copied)
    def copy_object(self: S3Backend, src_key: FakeKey, dest_bucket_name: str, dest_key_name: str, **more: Any) -> None:
        copied(self, src_key, dest_bucket_name, dest_key_name, **more)
        made, name = self.get_object(dest_bucket_name, dest_key_name), src_key.checksum_algorithm
        if made is not None and name and src_key.checksum_type == OF_PARTS:
            made.checksum_value, made.checksum_type = compute_checksum(made.value, name).decode(), OF_ALL

    @wraps(seen)
    def head_object(self: S3Response, bucket_name: str, query: dict[str, Any], key_name: str, **others: Any) -> Any:
        status, headers, body = seen(self, bucket_name, query, key_name, **others)
        if not any(name.startswith("x-amz-checksum-") for name in headers):
            return status, headers, body
        key = self.backend.head_object(bucket_name, key_name, query.get("versionId", [None])[0])
        told = f"x-amz-checksum-{str(getattr(key, 'checksum_algorithm', None)).lower()}"
        if isinstance(key, FakeKey) and key.checksum_type and told in headers:
            headers["x-amz-checksum-type"] = key.checksum_type
            if key.checksum_type == OF_PARTS:
                headers[told] = f"{key.checksum_value}-{key.checksum_parts}"
        return status, headers, body

    setattr(FakeMultipart, "complete", complete)  # noqa: B010
    setattr(S3Response, "copy_object", copy)  # noqa: B010
    setattr(S3Backend, "copy_object", copy_object)  # noqa: B010
    setattr(S3Response, "head_object", head_object)  # noqa: B010
