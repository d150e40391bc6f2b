"""What a client says that a request's body comes to, which S3 compares with what it received and moto does not.

CRC32C and CRC64NVME are checked for their form alone: Python has neither. So is what stands behind a body in frames.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from transform_emulator.http.protocol_errors import Failure

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Of x-amz-checksum-NAME: how many bytes it has, and what gives them.
CHECKSUMS: dict[str, tuple[int, Callable[[bytes], bytes] | None]] = {
    "CRC32": (4, lambda body: zlib.crc32(body).to_bytes(4, "big")),
    "CRC32C": (4, None),
    "CRC64NVME": (8, None),
    "SHA1": (20, lambda body: hashlib.sha1(body, usedforsecurity=False).digest()),
    "SHA256": (32, lambda body: hashlib.sha256(body).digest()),
}
MD5_BYTES = 16
MD5 = "The Content-MD5 you specified"


def digest_fault(environ: WSGIEnvironment, body: bytes) -> Failure | None:
    """Returns why a request is refused that says of its body what is not so (S3 API reference, error responses)."""
    if "HTTP_X_AMZ_COPY_SOURCE" in environ:
        # It has no body. Hadoop's s3a sends what headers its source has, of which moto gives that digest as well.
        return None
    told = environ.get("HTTP_CONTENT_MD5")
    if told is not None:
        digest = _decoded(told, MD5_BYTES)
        if digest is None:
            return _bad("InvalidDigest", f"{MD5} was invalid.")
        if digest != hashlib.md5(body, usedforsecurity=False).digest():
            return _bad("BadDigest", f"{MD5} did not match what we received.")
    # Of an upload that is completed it is the object's.
    if environ["REQUEST_METHOD"] != "PUT":
        return None
    for name, (length, digest_of) in CHECKSUMS.items():
        told = environ.get(f"HTTP_X_AMZ_CHECKSUM_{name}")
        digest = _decoded(told, length) if told is not None else None
        if told is not None and digest is None:
            return _bad("InvalidRequest", f"Value for x-amz-checksum-{name.lower()} header is invalid.")
        if digest is not None and digest_of is not None and digest != digest_of(body):
            return _bad("BadDigest", f"The {name} you specified did not match the calculated checksum.")
    return None


def _decoded(text: str, length: int) -> bytes | None:
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == length else None


def _bad(code: str, message: str) -> Failure:
    return Failure(HTTPStatus.BAD_REQUEST, code, message)
