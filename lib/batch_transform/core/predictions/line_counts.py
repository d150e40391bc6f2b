"""How many lines a stream has, and how many of them are blank."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from batch_transform.core.predictions.output_lines import NEWLINE, blank_lines, lines_of


@dataclass(frozen=True)
class LineCount:
    """How many lines a stream has."""

    lines: int
    blank_lines: int


def count(chunks: Iterable[bytes]) -> LineCount:
    """Returns the number of lines of a stream; holds one chunk at a time, never a line.

    A blank line is empty or has nothing but ASCII white space. It counts as a line.
    """
    lines = blank = 0
    open_bytes, open_blank = 0, True  # the line that the chunks so far have begun and not ended
    for chunk in chunks:
        found = lines_of(chunk)
        if not len(found):
            continue
        lengths = found.ends - found.starts
        blanks = blank_lines(found)
        lengths[0] += open_bytes
        blanks[0] &= open_blank
        open_bytes, open_blank = 0, True
        if chunk[-1] != NEWLINE:
            open_bytes, open_blank = int(lengths[-1]), bool(blanks[-1])
            blanks = blanks[:-1]
        lines += len(blanks)
        blank += int(np.count_nonzero(blanks))
    if open_bytes:
        lines, blank = lines + 1, blank + open_blank
    return LineCount(lines, blank)
