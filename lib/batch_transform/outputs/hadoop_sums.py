"""The checksums that Hadoop keeps beside each local file that it writes, by which it refuses one that has rotted."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator

_HEAD = struct.Struct(">4sI")  # then how many bytes each sum is of
_MAGIC = b"crc\0"
_CHUNKS_AT_ONCE = 2_048


def checksums_of(name: str) -> str:
    """Returns the name of the file in which Hadoop keeps the checksums of a local file."""
    folder, slash, base = name.rpartition("/")
    return f"{folder}{slash}.{base}.crc"


def is_as_summed(path: str) -> bool:
    """Returns whether a local file is what the checksums beside it say, or has none.

    Raises:
        OSError: it cannot be read, or its checksums.
    """
    sums = checksums_of(path)
    if not os.path.exists(sums):
        return True
    with open(sums, "rb") as stream:
        head, said = stream.read(_HEAD.size), stream.read()
    if len(head) < _HEAD.size or head[:4] != _MAGIC:
        return False  # Hadoop knows what to make of it
    _, size = _HEAD.unpack(head)
    return size > 0 and said == b"".join(_summed(path, size))


def _summed(path: str, size: int) -> Iterator[bytes]:
    with open(path, "rb") as stream:
        while block := stream.read(size * _CHUNKS_AT_ONCE):
            chunks, crc32 = memoryview(block), zlib.crc32
            found = [crc32(chunks[at : at + size]) for at in range(0, len(block), size)]
            yield struct.pack(f">{len(found)}I", *found)
