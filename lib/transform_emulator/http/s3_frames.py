"""Bodies in frames, as AWS's SDKs for Java and others send them (S3 API reference, SigV4 streaming).

They are taken off before anybody reads the body: moto makes an object, or fails, of a body that is not the one that its
frames tell of, and passes over what stands behind it.
"""

from __future__ import annotations

import io
from http import HTTPStatus
from typing import TYPE_CHECKING

from transform_emulator.http.protocol_errors import Failure

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

STREAMING = "STREAMING-"  # how x-amz-content-sha256 begins for them
LENGTH = "HTTP_X_AMZ_DECODED_CONTENT_LENGTH"
# What is said of the frames, or by who knows whether of them.
OF_FRAMES = (LENGTH, "HTTP_X_AMZ_TRAILER", "HTTP_CONTENT_MD5")
CHECKSUM = "x-amz-checksum-"


def without_frames(environ: WSGIEnvironment, body: bytes) -> Failure | bytes:
    """Leaves a request what its frames hold, and what is behind them as headers; returns it, or why it is none."""
    if not environ.get("HTTP_X_AMZ_CONTENT_SHA256", "").startswith(STREAMING):
        return body
    try:
        payload, behind = unframed(body)
    except ValueError:
        return Failure(HTTPStatus.BAD_REQUEST, "IncompleteBody", "The request body terminated unexpectedly")
    if environ.get(LENGTH, str(len(payload))) != str(len(payload)):
        text = "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header"
        return Failure(HTTPStatus.BAD_REQUEST, "IncompleteBody", text)
    for name in OF_FRAMES:
        environ.pop(name, None)
    encodings = [each.strip() for each in environ.pop("HTTP_CONTENT_ENCODING", "").split(",")]
    if others := [each for each in encodings if each and each != "aws-chunked"]:
        environ["HTTP_CONTENT_ENCODING"] = ",".join(others)
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in behind.items()}
    environ["HTTP_X_AMZ_CONTENT_SHA256"] = "UNSIGNED-PAYLOAD"
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(payload), str(len(payload))
    return payload


def unframed(body: bytes) -> tuple[bytes, dict[str, str]]:
    """Returns what `<size in hex>;chunk-signature=...`, data, on to size 0 hold, and the checksums behind them.

    Raises:
        ValueError: They are no frames, or end early.
    """
    pieces, position, size, view = [], 0, -1, memoryview(body)
    while size:
        end = body.index(b"\r\n", position)
        size, position = int(body[position:end].partition(b";")[0], 16), end + 2
        pieces.append(view[position : position + size])
        if size:
            position += size + 2
            if size < 0 or body[position - 2 : position] != b"\r\n":
                raise ValueError("a frame is not as long as it says")
    fields = (line.strip().partition(":") for line in body[position:].decode("latin-1").split("\n"))
    return b"".join(pieces), {name: value for name, _, value in fields if name.startswith(CHECKSUM)}
