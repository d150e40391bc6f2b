"""The responses of one object are put together, in input order; a fault may spoil what comes of it."""

from __future__ import annotations

from collections.abc import Callable

from transform_emulator.containers.payload import Payload
from transform_emulator.data_plane.object_store import ObjectWriter
from transform_emulator.faults.model import Fault, Kind
from transform_emulator.service.job_request import Assemble


class Assembler:
    """Writes responses one after the other.

    AssembleWith=None concatenates without a separator. AssembleWith=Line adds a newline after each *response*, not
    after each record, so with MultiRecord one output line can hold a whole mini-batch (huggingface/notebooks#227).

    Attributes:
        written: How many responses were written; an empty one is one.
    """

    def __init__(self, write: Callable[[bytes], None], assemble: Assemble, newline_only_if_missing: bool) -> None:
        self._write = write
        self._ends_lines = assemble is Assemble.LINE
        self._newline_only_if_missing = newline_only_if_missing
        self.written = 0

    def write(self, response: Payload) -> None:
        """Appends a response, and the newline after it."""
        last = b""
        for chunk in response.chunks():
            self._write(chunk)
            last = chunk
        if self._ends_lines and not (self._newline_only_if_missing and last.endswith(b"\n")):
            self._write(b"\n")
        self.written += 1


class FaultyWriter:
    """Passes on what a fault lets through, and adds what it adds."""

    def __init__(self, writer: ObjectWriter, fault: Fault) -> None:
        self._writer = writer
        self._fault = fault
        self._lines_left = fault.keep_lines
        self._bytes_left = fault.keep_bytes

    def write(self, data: bytes) -> None:
        """Appends bytes, or what is to be left of them."""
        if self._fault.kind is Kind.OUTPUT_TRUNCATED:
            data = self._cut(data)
        self._writer.write(data)

    def complete(self) -> None:
        """Makes the object appear."""
        if self._fault.kind is Kind.OUTPUT_EXTRA_LINES:
            self._writer.write((self._fault.body + "\n").encode() * self._fault.lines)
        self._writer.complete()

    def _cut(self, data: bytes) -> bytes:
        if self._lines_left is not None:
            lines = data.split(b"\n")
            # What follows the last newline to be kept is cut, also if more of that line comes in the next piece.
            if len(lines) > self._lines_left:
                data = b"".join(line + b"\n" for line in lines[: self._lines_left])
            self._lines_left = max(0, self._lines_left - len(lines) + 1)
        if self._bytes_left is not None:
            data = data[: self._bytes_left]
            self._bytes_left -= len(data)
        return data
