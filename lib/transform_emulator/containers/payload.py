"""Bodies and responses: bytes in memory, or a stream of unknown length that is never held as a whole."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Protocol

from transform_emulator.service.limits import READ_CHUNK_BYTES

SPOOL_BYTES = 16 * 2**20  # what a spooled response may take of memory before it goes to disk


class Payload(Protocol):
    """Something that can be sent or stored, in chunks; each call begins at the start."""

    def chunks(self) -> Iterator[bytes]:
        """Yields the bytes."""


@dataclass(frozen=True)
class InMemory:
    """A mini-batch, at most MaxPayloadInMB long, or its response."""

    data: bytes

    def chunks(self) -> Iterator[bytes]:
        """Yields the bytes, at once."""
        if self.data:
            yield self.data


@dataclass(frozen=True)
class Streamed:
    """A whole object that is sent with chunked encoding (MaxPayloadInMB=0).

    Attributes:
        open: Begins to read the object; asked again for each retry, since what was sent is gone.
    """

    open: Callable[[], Iterator[bytes]]

    def chunks(self) -> Iterator[bytes]:
        """Yields the object's bytes, read anew."""
        return (chunk for chunk in self.open() if chunk)  # an empty chunk would end a chunked body


class Counted:
    """A body that counts what is sent of it."""

    def __init__(self, body: Payload) -> None:
        self._body = body
        self.size_bytes = 0

    def chunks(self) -> Iterator[bytes]:
        """Yields the body's bytes."""
        for chunk in self._body.chunks():
            self.size_bytes += len(chunk)
            yield chunk


class Spooled:
    """The response to a streamed body, as long as the body perhaps: in memory at first, on disk when it grows."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115

    def append(self, data: bytes) -> None:
        """Adds bytes at the end."""
        self._file.write(data)

    def chunks(self) -> Iterator[bytes]:
        """Yields what was appended."""
        self._file.seek(0)
        while chunk := self._file.read(READ_CHUNK_BYTES):
            yield chunk
