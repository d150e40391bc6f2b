"""The reader for lines of CSV and text that are as they should be: pyarrow's CSV reader, behind guards.

It is given only lines without a quote, with as many commas as the form has, and without what it reads otherwise than
`csv_cells`: `0x10` as an integer, `nan(1)` as a number, a lone `\\r` as a line's end, a NUL, a byte order mark.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.types as pt

from batch_transform.core.predictions.answer_form import CSV
from batch_transform.core.predictions.csv_cells import FALSE, TRUE, Cells
from batch_transform.core.predictions.json_fast import FIRST_NOT_ASCII, is_utf8
from batch_transform.core.predictions.output_lines import NEWLINE, Lines, Mask, blank_lines
from batch_transform.core.predictions.prediction_types import Answers, fast_type

_COMMA, _RETURN = ord(","), ord("\r")
_ODD_VALUE = re.compile(rb"0[xX]|[nN][aA][nN]\(|[\"\0]|\xef\xbb\xbf")


def is_fast(cells: Cells) -> bool:
    """Returns whether pyarrow's reader reads all of the form's types as `csv_cells` does."""
    # Text that is a string may be anything, and is as quickly read as lines.
    is_text = cells.form.format != CSV and pt.is_string(cells.kind[0].type)
    return fast_type(cells.kind) is not None and not is_text


def doubtful_cells(lines: Lines, cells: Cells) -> Mask:
    """Returns which lines of a block must not be given to `read_cells_fast`."""
    octets = np.frombuffer(lines.block, np.uint8)
    commas = np.bincount(lines.of_bytes(np.flatnonzero(octets == _COMMA)), minlength=len(lines))[: len(lines)]
    doubts = commas != (len(cells.kind) - 1 if cells.form.format == CSV else 0)
    odd = [match.start() for match in _ODD_VALUE.finditer(lines.block)]
    if b"\r" in lines.block:
        returns = np.flatnonzero(octets == _RETURN)
        ends_a_line = np.append(octets, 0)[returns + 1] == ord("\n")
        odd += returns[~ends_a_line | (cells.form.format != CSV)].tolist()
    if not lines.block.isascii() and not is_utf8(lines.block):
        odd += np.flatnonzero(octets >= FIRST_NOT_ASCII).tolist()
    doubts[lines.of_bytes(np.array(odd, np.int64))] = True
    return np.asarray(doubts | blank_lines(lines), np.bool_)


def read_cells_fast(lines: Lines, cells: Cells) -> pa.StructArray | None:
    """Returns one struct for each line, or None if any of the lines is not for pyarrow's reader.

    Args:
        lines: at least one, none of them doubtful.
        cells: the form and the type, one that `is_fast`.
    """
    readable = fast_type(cells.kind)
    names = [str(place) for place in range(len(cells.kind))]
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(lines.text()),
            # One thread: Spark runs as many of these workers as it was given cores.
            pyarrow.csv.ReadOptions(use_threads=False, block_size=len(lines.text()) + 2, column_names=names),
            pyarrow.csv.ParseOptions(quote_char=False, ignore_empty_lines=False),
            pyarrow.csv.ConvertOptions(
                column_types={name: field.type for name, field in zip(names, readable or (), strict=True)},
                null_values=[""],
                true_values=list(TRUE),
                false_values=list(FALSE),
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != len(lines):
        return None
    columns = [
        column.combine_chunks().cast(field.type) for column, field in zip(table.columns, cells.kind, strict=True)
    ]
    return pa.StructArray.from_arrays(columns, fields=list(cells.kind))


def read_strings(lines: Lines, kind: pa.StructType) -> Answers:
    """Returns each line as the one string of the type, byte for byte; one that is blank or not UTF-8 is unreadable."""
    strings, reasons = _strings(lines)
    blank = pc.equal(pc.binary_length(pc.ascii_trim_whitespace(strings)), 0).fill_null(False)
    reasons.update(dict.fromkeys(np.flatnonzero(blank.to_numpy(zero_copy_only=False)).tolist(), "a blank line"))
    strings = pc.if_else(blank, pa.scalar(None, pa.string()), strings)
    return Answers(pa.StructArray.from_arrays([strings], fields=list(kind), mask=strings.is_null()), reasons)


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
