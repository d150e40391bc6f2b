"""The reader for predictions without a schema: each line is one string."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.predictions.json_slow import Part
from batch_transform.core.predictions.output_lines import NEWLINE, Lines
from batch_transform.core.predictions.prediction_types import RAW_TYPE


def read_raw(lines: Lines) -> Part:
    """Returns each line as a string, byte for byte; one that is blank or not UTF-8 is unreadable."""
    strings, reasons = _strings(lines)
    blank = pc.equal(pc.binary_length(pc.ascii_trim_whitespace(strings)), 0).fill_null(False)
    reasons.update(dict.fromkeys(np.flatnonzero(blank.to_numpy(zero_copy_only=False)).tolist(), "a blank line"))
    strings = pc.if_else(blank, pa.scalar(None, pa.string()), strings)
    return Part(pa.StructArray.from_arrays([strings], fields=list(RAW_TYPE), mask=strings.is_null()), reasons)


def _strings(lines: Lines) -> tuple[pa.StringArray, dict[int, str]]:
    """Returns the lines as strings, null where they are not UTF-8, and the reasons for those."""
    # Arrow wants the strings' bytes without gaps, so the newlines are left out and the offsets moved up by as many.
    octets = np.frombuffer(lines.block, np.uint8)
    offsets = np.concatenate((np.zeros(1, np.int64), lines.ends - np.arange(len(lines)))).astype(np.int32)
    strings = pa.StringArray.from_buffers(
        len(lines), pa.py_buffer(offsets), pa.py_buffer(octets[octets != NEWLINE].tobytes())
    )
    try:
        strings.validate(full=True)
    except pa.ArrowInvalid:
        decoded = [_decoded(lines[index]) for index in range(len(lines))]
        strings = pa.array(decoded, pa.string())
        return strings, {index: "not UTF-8" for index, text in enumerate(decoded) if text is None}
    return strings, {}


def _decoded(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None
