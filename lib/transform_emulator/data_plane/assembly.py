"""Put the responses of one object together, in input order."""

from transform_emulator.job_request import Assemble


def piece(response: bytes, assemble: Assemble, newline_only_if_missing: bool) -> bytes:
    """The bytes that one response adds to the `.out` object.

    AssembleWith=None concatenates without a separator. AssembleWith=Line adds a newline after each *response*, not
    after each record, so with MultiRecord one output line can hold a whole mini-batch (huggingface/notebooks#227).
    """
    if assemble is Assemble.NONE or (newline_only_if_missing and response.endswith(b"\n")):
        return response
    return response + b"\n"
