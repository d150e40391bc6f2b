"""Records that carry their own length: MXNet's RecordIO and TensorFlow's TFRecord. Bytes in, records out, no I/O."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from transform_emulator.service.job_request import Split

# dmlc-core, recordio.h: a magic word, then a word with 3 bits of flag over 29 bits of length, then the data, padded
# to 4 bytes. Data that holds the magic word is cut there into parts (flags 1, 2.., 3), and the word itself left out.
RECORD_IO_MAGIC = 0xCED7230A
RECORD_IO_MAGIC_BYTES = struct.pack("<I", RECORD_IO_MAGIC)
RECORD_IO_HEADER_BYTES = 8
RECORD_IO_LENGTH_BITS = 29
RECORD_IO_ALIGNMENT_BYTES = 4
WHOLE, FIRST_PART, LAST_PART = 0, 1, 3

# tensorflow/core/lib/io/record_writer.h: length (8 bytes), its checksum (4), the data, its checksum (4).
TF_RECORD_LENGTH_BYTES = 8
TF_RECORD_CHECKSUM_BYTES = 4


class MalformedRecordError(Exception):
    """The object is not what its SplitType says, or ends in the middle of a record."""


class FrameTooLargeError(Exception):
    """A record's header announces more bytes than the limit; its data was not read."""


@dataclass(frozen=True)
class Frame:
    """One record.

    Attributes:
        wrapped: Its bytes as they are in the object, header and padding included.
        data: The record itself.
    """

    wrapped: bytes
    data: bytes


def frames(chunks: Iterable[bytes], split: Split, limit_bytes: int | None) -> Iterator[Frame]:
    """Yields the records of an object. Checksums of TFRecord are not verified.

    Args:
        chunks: The object's bytes, in pieces of any size.
        split: RECORD_IO or TF_RECORD.
        limit_bytes: The most that a record's data may have, None for no limit.

    Raises:
        MalformedRecordError: For anything that is not a record.
        FrameTooLargeError: For a record over the limit, before it is read.
    """
    reader = _Reader(chunks)
    read = _record_io if split is Split.RECORD_IO else _tf_record
    while reader.has_more():
        yield read(reader, limit_bytes)


def _record_io(reader: "_Reader", limit_bytes: int | None) -> Frame:
    wrapped, parts = bytearray(), list[bytes]()
    while True:
        header = reader.take(RECORD_IO_HEADER_BYTES)
        magic, word = struct.unpack("<II", header)
        if magic != RECORD_IO_MAGIC:
            raise MalformedRecordError("RecordIO: a record does not begin with the magic word")
        flag, length = word >> RECORD_IO_LENGTH_BITS, word & ((1 << RECORD_IO_LENGTH_BITS) - 1)
        if (flag in {WHOLE, FIRST_PART}) != (not parts):
            raise MalformedRecordError(f"RecordIO: a part has flag {flag} out of order")
        _check(sum(map(len, parts)) + length, limit_bytes)
        # The length does not count the padding, which is at most three bytes.
        padded = reader.take(length + -length % RECORD_IO_ALIGNMENT_BYTES)
        wrapped += header + padded
        parts.append(padded[:length])
        if flag in {WHOLE, LAST_PART}:
            return Frame(bytes(wrapped), RECORD_IO_MAGIC_BYTES.join(parts))


def _tf_record(reader: "_Reader", limit_bytes: int | None) -> Frame:
    header = reader.take(TF_RECORD_LENGTH_BYTES + TF_RECORD_CHECKSUM_BYTES)
    (length,) = struct.unpack("<Q", header[:TF_RECORD_LENGTH_BYTES])
    _check(length, limit_bytes)
    rest = reader.take(length + TF_RECORD_CHECKSUM_BYTES)
    return Frame(header + rest, rest[:length])


def _check(size_bytes: int, limit_bytes: int | None) -> None:
    if limit_bytes is not None and size_bytes > limit_bytes:
        raise FrameTooLargeError


class _Reader:
    """Takes so many bytes at a time from chunks of any size."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._buffer = bytearray()

    def has_more(self) -> bool:
        """Returns whether there is another byte."""
        return self._fill(1)

    def take(self, count: int) -> bytes:
        """Returns the next bytes, so many of them."""
        if not self._fill(count):
            raise MalformedRecordError(f"the object ends {count - len(self._buffer)} bytes before its last record does")
        taken = bytes(memoryview(self._buffer)[:count])
        del self._buffer[:count]
        return taken

    def _fill(self, count: int) -> bool:
        while len(self._buffer) < count:
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._buffer += chunk
        return True
