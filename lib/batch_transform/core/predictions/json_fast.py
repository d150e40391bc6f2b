"""The reader for lines that are as they should be: pyarrow's JSON reader, behind guards.

pyarrow's reader does not read lines. It reads values, wherever one ends and the next begins: glued lines give more rows
than lines, blank ones fewer, and one of each cancel out. And a block of nothing but `null` lines ends the process
(signal 11; pyarrow 18 to 26). So it is given only lines that begin with `{` and end with `}`, and its rows are taken
only if they are as many as the lines. That is enough for row i to be line i:

    A string cannot hold a newline (the parser refuses it), so the `}` before a newline and the `{` behind it are
    tokens. Inside an object or array nothing but `,`, `}` or `]` may follow a `}`. So each newline lies between two
    values, each line holds at least one value, and as many values as lines means one on each.

Where its grammar is wider than JSON (`Inf`, `-NaN`, bytes that are not UTF-8), the line is `doubtful` and is left to
the slow reader. Where it is narrower (`1e400`, half surrogate pairs), it raises, and the lines are left to it too.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.json

from batch_transform.core.predictions.output_lines import Lines, Mask
from batch_transform.core.predictions.prediction_types import fast_type, leaf_count

# Of the shortest lines (`{}` and a newline) this holds fewer than the rows that pyarrow took from one block
# (kMaxParserNumRows in Arrow's json/parser.cc). From 256 KB on a larger block reads no faster, but for many columns:
# each takes ten microseconds of each block, so that thousands of them took ten times as long as their bytes.
_READ_BYTES, _MOST_ROWS = 256 * 1024, 100_000
_READ_BYTES_OF_A_COLUMN = 1024

# RapidJSON with kParseNanAndInfFlag takes these too; Python's json knows NaN, Infinity and -Infinity. What must follow
# a number is asked for as well, so that prose ("Information") is not doubtful.
_ODD_CONSTANT = re.compile(rb"(?:-NaN|Inf)[ \t\r\n]*[,\]}]")

_OPEN, _CLOSE, _RETURN, FIRST_NOT_ASCII = ord("{"), ord("}"), ord("\r"), 0x80


def doubtful(lines: Lines) -> Mask:
    """Returns which lines of a block must not be given to `read_fast`."""
    octets = np.frombuffer(lines.block, np.uint8)
    last = octets[lines.ends - 1]
    if _RETURN in last:
        last = np.where(last == _RETURN, octets[lines.ends - 2], last)
    # An empty line's first byte is its newline, so what its last byte is taken to be does not matter.
    doubts = (octets[lines.starts] != _OPEN) | (last != _CLOSE)
    for positions in _odd_bytes(lines.block, octets):
        doubts[lines.of_bytes(positions)] = True
    return np.asarray(doubts, np.bool_)


def _odd_bytes(block: bytes, octets: np.ndarray) -> list[np.ndarray]:
    """Returns the positions of what pyarrow's reader does not take as Python's does."""
    found = []
    # A search for one byte is many times faster than for three, and numbers alone have neither letter.
    if b"N" in block or b"I" in block:
        found.append(np.array([match.start() for match in _ODD_CONSTANT.finditer(block)], np.int64))
    if not block.isascii() and not is_utf8(block):
        found.append(np.flatnonzero(octets >= FIRST_NOT_ASCII))
    return found


def is_utf8(block: bytes) -> bool:
    """Returns whether the bytes are UTF-8."""
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def read_fast(lines: Lines, kind: pa.StructType) -> pa.StructArray | None:
    """Returns one struct for each line, or None if the type or any of the lines is not for pyarrow's reader.

    Args:
        lines: at least one, none of them `doubtful`.
        kind: the struct that a line becomes.
    """
    readable = fast_type(kind)
    if readable is None:
        return None
    options = pyarrow.json.ParseOptions(explicit_schema=pa.schema(list(readable)), unexpected_field_behavior="ignore")
    longest = int((lines.ends - lines.starts).max())
    for_columns = _READ_BYTES_OF_A_COLUMN * leaf_count(kind) if len(lines) < _MOST_ROWS else 0
    # One thread: Spark runs as many of these workers as it was given cores.
    reading = pyarrow.json.ReadOptions(use_threads=False, block_size=max(_READ_BYTES, for_columns, longest + 2))
    try:
        table = pyarrow.json.read_json(pa.BufferReader(lines.text()), reading, options)
    except pa.ArrowInvalid:
        return None
    if table.num_rows != len(lines):
        return None
    columns = [column.combine_chunks().cast(field.type) for column, field in zip(table.columns, kind, strict=True)]
    return pa.StructArray.from_arrays(columns, fields=list(kind))
