"""Put the responses of one object together, in input order."""

from collections.abc import Iterator

from transform_emulator.data_plane.payload import Payload
from transform_emulator.job_request import Assemble


def pieces(response: Payload, assemble: Assemble, newline_only_if_missing: bool) -> Iterator[bytes]:
    """Yield the bytes that one response adds to the `.out` object.

    AssembleWith=None concatenates without a separator. AssembleWith=Line adds a newline after each *response*, not
    after each record, so with MultiRecord one output line can hold a whole mini-batch (huggingface/notebooks#227).
    """
    last = b""
    for chunk in response.chunks():
        yield chunk
        last = chunk
    if assemble is Assemble.LINE and not (newline_only_if_missing and last.endswith(b"\n")):
        yield b"\n"
