"""Outputs that are no text in UTF-8, known by how they begin: no setting reads them, and all of a run's are alike.

| begins with | is |
|---|---|
| a byte order mark, or one zero for each character (RFC 4627, 3) | UTF-16 or UTF-32 |
| `1F 8B` (RFC 1952); `28 B5 2F FD` (RFC 8878) | gzip; Zstandard |
| what zlib can unpack (RFC 1950; without its header, RFC 1951), and is no UTF-8 | deflate, as HTTP calls it |
| `93` and `NUMPY` (numpy.lib.format); `0A 23 D7 CE` (RecordIO's magic number) | an array of NumPy; RecordIO |
| hardly a line of UTF-8, and control characters that no text has | unknown: Brotli (RFC 7932) may begin as it likes |

The answers of some rows may be anything, and are told one by one.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterable, Iterator

from batch_transform.core.predictions.json_stream import NotUnpacked

_HEAD_BYTES = 1024  # more than deflate's longest list of its codes has, before which it gives nothing
_UTF_8 = "up the model's container to answer in UTF-8, in another run"
_PLAIN = "up the model's server to answer uncompressed, in another run"
_BINARY = "up the model's container to answer text in UTF-8, uncompressed, in another run"
# Of text in a character set of one byte each there may be one by mistake.
_FEWEST_CONTROLS = 3
_MOST_IN_UTF_8 = 0.02  # of bytes that are none, as short lines by chance
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))
_ACCEPT = "transform.accept to a type that is text, such as application/jsonlines or text/csv, in another run"
_BEGINNINGS = {
    codecs.BOM_UTF16_LE: ("in UTF-16 (or UTF-32), as its byte order mark says", _UTF_8),
    codecs.BOM_UTF16_BE: ("in UTF-16, as its byte order mark says", _UTF_8),
    codecs.BOM_UTF32_BE: ("in UTF-32, as its byte order mark says", _UTF_8),
    b"\x1f\x8b": ("compressed by gzip", _PLAIN),
    b"\x28\xb5\x2f\xfd": ("compressed by Zstandard", _PLAIN),
    b"\x93NUMPY": ("an array of NumPy (application/x-npy)", _ACCEPT),
    b"\x0a\x23\xd7\xce": ("RecordIO (application/x-recordio-protobuf)", _ACCEPT),
}
# Which of the first four bytes are zero where the first two characters are ASCII, or the first is.
_ZEROS: dict[tuple[bool, ...], str] = {
    (False, True, False, True): "UTF-16",
    (True, False, True, False): "UTF-16",
    (False, True, True, True): "UTF-32",
    (True, True, True, False): "UTF-32",
}


class ForeignBytes(NotUnpacked):
    """An output is no text in UTF-8.

    Attributes:
        setting: what is to be set so that the model answers some.
    """

    def __init__(self, words: str, setting: str) -> None:
        super().__init__(f"the output is {words}, and not UTF-8")
        self.setting = setting


def in_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the stream as it is.

    Raises:
        ForeignBytes: it begins as no text in UTF-8 does.
    """
    held = b""
    drawn = iter(chunks)
    for chunk in drawn:
        held += chunk
        if len(held) >= _HEAD_BYTES:
            break
    _check(held[:_HEAD_BYTES])
    if held:
        yield held
    yield from drawn


def _check(head: bytes) -> None:
    for beginning, (words, setting) in _BEGINNINGS.items():
        if head.startswith(beginning):
            raise ForeignBytes(words, setting)
    encoding = _ZEROS.get(tuple(octet == 0 for octet in head[:4]))
    if encoding is not None:
        raise ForeignBytes(f"in {encoding}, as zeros among its first bytes say", _UTF_8)
    if _is_utf8(head):
        return
    if _unpacked(head, zlib.MAX_WBITS):
        raise ForeignBytes("compressed by deflate", _PLAIN)
    if (text := _unpacked(head, -zlib.MAX_WBITS)) and _is_utf8(text):  # it has no checks of its own
        raise ForeignBytes("compressed by deflate, without zlib's header", _PLAIN)
    readable = sum(len(line) for line in head.split(b"\n") if _is_utf8(line))
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls >= _FEWEST_CONTROLS and readable <= _MOST_IN_UTF_8 * len(head):
        raise ForeignBytes("binary (compressed by Brotli, perhaps)", _BINARY)


def _is_utf8(head: bytes) -> bool:
    try:
        # The last character may be cut.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _unpacked(head: bytes, window: int) -> bytes:
    unpacking = zlib.decompressobj(window)
    try:
        text = unpacking.decompress(head)
    except zlib.error:
        return b""
    # An answer ends, or the service has begun another line behind it.
    return text if unpacking.unused_data[:1] in (b"", b"\n") else b""
