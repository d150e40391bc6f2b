"""What a client says that a request's body comes to, which S3 compares with what it received and moto does not.

Python has neither CRC32C nor CRC64NVME: here they take tenths of a second for a megabyte, so that of more than 64 KiB
they are checked for their form alone.
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


def _crc(bits: int, polynomial: int) -> Callable[[bytes], bytes]:
    """What gives a CRC whose bits are reflected, and which begins and ends with all of them inverted."""
    table, ones = list(range(256)), (1 << bits) - 1
    for _ in range(8):
        table = [value >> 1 ^ (polynomial if value & 1 else 0) for value in table]

    def crc(body: bytes) -> bytes:
        value = ones
        for octet in body:
            value = table[(value ^ octet) & 255] ^ value >> 8
        return (value ^ ones).to_bytes(bits // 8, "big")

    return crc


# Of x-amz-checksum-NAME: how many bytes it has, and what gives them.
CHECKSUMS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "CRC32": (4, lambda body: zlib.crc32(body).to_bytes(4, "big")),
    "CRC32C": (4, _crc(32, 0x82F63B78)),  # RFC 3720, appendix B.4
    "CRC64NVME": (8, _crc(64, 0x9A6C9329AC4BC9B5)),  # NVM Express, 64b CRC
    "SHA1": (20, lambda body: hashlib.sha1(body, usedforsecurity=False).digest()),
    "SHA256": (32, lambda body: hashlib.sha256(body).digest()),
}
SLOW, MOST_SLOW_BYTES = frozenset({"CRC32C", "CRC64NVME"}), 2**16
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
        is_asked = name not in SLOW or len(body) <= MOST_SLOW_BYTES
        if digest is not None and is_asked and digest != digest_of(body):
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
