"""Put the responses of one object together, in input order."""

from collections.abc import Callable

from transform_emulator.containers.payload import Payload
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
        """Append a response, and the newline after it."""
        last = b""
        for chunk in response.chunks():
            self._write(chunk)
            last = chunk
        if self._ends_lines and not (self._newline_only_if_missing and last.endswith(b"\n")):
            self._write(b"\n")
        self.written += 1
