"""Lines of an `.out` object: a stream made one of lines that can be held, and cut into blocks of them.

A line ends at the byte `\\n` and nowhere else: U+2028, U+0085 and a lone `\\r` stay inside a line, and `\\r\\n` leaves
its `\\r` on the line. Bytes after the last `\\n` are a line too; an empty stream has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from batch_transform.core.predictions.long_lines import MOST_KEPT_BYTES, TOO_LONG, encoded

Offsets = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NEWLINE = ord("\n")
MARK = b"\xef\xbb\xbf"  # of byte order, in UTF-8
_LINE_AND_MARK = b"\n" + MARK
_MARKS = re.compile(b"\n(?:" + MARK + b")+")
_BLOCK_BYTES = 1024 * 1024
_SPACES = (b"\n", b"\r", b" ", b"\t", b"\x0b", b"\x0c")
JSON_SPACE = b" \t\r\n"
# No line of a block is blank in which none of these is.
_BLANK_BEGINS = tuple(b"\n" + space for space in _SPACES)


@dataclass(frozen=True)
class Lines:
    """Lines that lie one after another in a block: line i is `block[starts[i]:ends[i]]`, without its newline."""

    block: bytes
    starts: Offsets
    ends: Offsets

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> bytes:
        return self.block[self.starts[index] : self.ends[index]]

    def text(self) -> memoryview:
        """Returns the bytes of all the lines with their newlines (the last may have none), not copied."""
        return memoryview(self.block)[self.starts[0] : self.ends[-1] + 1] if len(self) else memoryview(b"")

    def part(self, start: int, stop: int) -> Lines:
        """Returns the lines `[start, stop)`, on the same block."""
        return Lines(self.block, self.starts[start:stop], self.ends[start:stop])

    def where(self, mask: Mask) -> Lines:
        """Returns the lines whose mask is set, copied together into a block of their own."""
        text = np.frombuffer(self.text(), np.uint8)
        widths = np.diff(np.append(self.starts - self.starts[:1], len(text)))
        return lines_of(text[np.repeat(mask, widths)].tobytes())

    def of_bytes(self, positions: Offsets) -> Offsets:
        """Returns for each position in the block the number of the line that holds it."""
        return np.searchsorted(self.ends, positions)


def lines_of(block: bytes) -> Lines:
    """Returns the lines of a block, found without a step of Python for each."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == NEWLINE)
    if block and block[-1] != NEWLINE:
        ends = np.append(ends, len(block))
    return Lines(block, np.concatenate((np.zeros(1, np.int64), ends + 1))[: len(ends)], ends)


def blocks(chunks: Iterable[bytes], block_bytes: int) -> Iterator[Lines]:
    """Returns the stream cut behind newlines into blocks of whole lines; only the last may end without a newline.

    A block is as long as the lines that fill `block_bytes`; held at a time are less than two of `block_bytes` and one
    line, twice while a block is joined. No more of the stream is drawn than the block at hand needs.

    Args:
        chunks: the stream, in pieces of any size.
        block_bytes: bytes from which on a block is given out.
    """
    for block in _whole(chunks, block_bytes):
        yield lines_of(block)


def _whole(chunks: Iterable[bytes], block_bytes: int) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for piece in _pieces(chunks, block_bytes):
        # Only the new piece is searched, so that a line of many pieces costs no more than its length.
        cut = piece.rfind(b"\n") + 1 if size + len(piece) >= block_bytes else 0
        if cut:
            yield b"".join((*held, piece[:cut]))
            held, size, piece = [], 0, piece[cut:]
        held.append(piece)
        size += len(piece)
    if size:
        yield b"".join(held)


def _pieces(chunks: Iterable[bytes], most_bytes: int) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), most_bytes):
            yield chunk[start : start + most_bytes]


def without_marks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the stream without the byte order marks that lines begin with: some servers put one before each answer."""
    held, begins = b"", True  # what may be half a mark; whether the next byte begins a line
    for chunk in chunks:
        data = held + chunk
        if (begins and data.startswith(MARK)) or _LINE_AND_MARK in data:
            data = _MARKS.sub(b"\n", b"\n" + data)[1:] if begins else _MARKS.sub(b"\n", data)
        held = _half_mark(data, begins=begins)
        data = data[: len(data) - len(held)]
        if data:
            begins = data[-1] == NEWLINE
            yield data
    if held:
        yield held


def _half_mark(data: bytes, *, begins: bool) -> bytes:
    """What a piece ends with that the next one may make a mark at the beginning of a line."""
    for half in (MARK[:2], MARK[:1]):
        if data.endswith(b"\n" + half) or (begins and data == half):
            return half
    return b""


def bounded(chunks: Iterable[bytes], most_bytes: int) -> Iterator[bytes]:
    """Yields a stream in which each line of more bytes is a stand-in; held is no more of a line.

    Args:
        chunks: the stream, in pieces of any size.
        most_bytes: of a line, without its newline.
    """
    held: list[bytes] = []  # of the line that is not ended; once it is too long its beginning
    size = 0
    for chunk in chunks:
        cut = chunk.rfind(b"\n") + 1
        whole, rest = chunk[:cut], chunk[cut:]
        if whole:
            end = whole.index(b"\n") + 1
            if size + end - 1 > most_bytes:
                yield _shortened(b"".join([*held, whole[: min(end - 1, MOST_KEPT_BYTES)]]), most_bytes) + b"\n"
                whole = whole[end:]
            else:
                yield from held
            held, size = [], 0
            if whole:
                yield whole if len(whole) <= most_bytes else _each_bounded(whole, most_bytes)
        size += len(rest)
        if rest and size <= most_bytes:
            held.append(rest)
        elif rest:
            held = [b"".join([*held, rest[:MOST_KEPT_BYTES]])[:MOST_KEPT_BYTES]]
    if size > most_bytes:
        yield _shortened(b"".join(held), most_bytes)
    else:
        yield from held


def _each_bounded(whole: bytes, most_bytes: int) -> bytes:
    lines = whole.split(b"\n")
    return b"\n".join(line if len(line) <= most_bytes else _shortened(line, most_bytes) for line in lines)


def _shortened(line: bytes, most_bytes: int) -> bytes:
    # No more than the bound, so that the beginning is the same however the stream is cut.
    return TOO_LONG + line[: min(MOST_KEPT_BYTES, most_bytes)]


def joined(predictions: Iterable[str]) -> Iterator[bytes]:
    """Yields predictions as a stream with one on each line."""
    held: list[str] = []
    size = 0
    for text in predictions:
        held.append(text)
        size += len(text)
        if size >= _BLOCK_BYTES:
            yield encoded("\n".join(held) + "\n")
            held, size = [], 0
    if held:
        yield encoded("\n".join(held) + "\n")


def without_blank(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the stream without its blank lines."""
    for block in _whole(chunks, _BLOCK_BYTES):
        if not any(mark in block for mark in _BLANK_BEGINS) and block[:1] not in _SPACES:
            yield block
            continue
        lines = lines_of(block)
        blank = blank_lines(lines)
        if not blank.any():
            yield block
        elif not np.all(blank):
            yield bytes(lines.where(~blank).text())


def blank_lines(lines: Lines) -> Mask:
    """Returns which lines are blank; steps through those alone that begin with white space."""
    first = np.frombuffer(lines.block, np.uint8)[lines.starts]
    blank = (first <= ord(" ")) & np.isin(first, np.frombuffer(b" \t\n\r\x0b\x0c", np.uint8))
    for index in np.flatnonzero(blank & (lines.ends > lines.starts)).tolist():
        blank[index] = not lines[index].strip()
    return np.asarray(blank, np.bool_)


def begins_with(lines: Lines, prefix: bytes) -> Mask:
    """Returns which lines begin with a prefix; looks further only at those whose first byte is its, or white space."""
    # An empty line at the end of the block begins where the block ends.
    octets = np.frombuffer(lines.block + b"\n", np.uint8)
    marked: Mask = np.isin(octets[lines.starts], np.frombuffer(prefix[:1] + JSON_SPACE, np.uint8))
    for index in np.flatnonzero(marked).tolist():
        start, end = int(lines.starts[index]), int(lines.ends[index])
        if lines.block[start : start + 1] in JSON_SPACE:
            marked[index] = lines[index].lstrip(JSON_SPACE).startswith(prefix)
        else:
            marked[index] = lines.block.startswith(prefix, start, end)
    return marked
