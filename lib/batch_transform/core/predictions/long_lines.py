"""Predictions that are longer than a worker is to hold: what stands in their place, so that line i stays row i's. Pure.

The stand-in is no UTF-8, so no format takes it for a prediction; a dead letter shows the beginning that it keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from batch_transform.core.limits import BYTES_PER_MB
from batch_transform.core.run_settings import PredictionSettings

MOST_LINE_BYTES = PredictionSettings.max_line_mb * BYTES_PER_MB
TOO_LONG_REASON = "longer than prediction.max_line_mb"
TOO_LONG = b"\xff<" + TOO_LONG_REASON.encode() + b">"
_HEAD = 8 * 1024


def stand_in(text: str) -> str:
    """Returns what stands in the place of a text; to be encoded by `encoded`."""
    return TOO_LONG.decode(errors="surrogateescape") + text[:_HEAD]


def is_stand_in(text: str) -> bool:
    """Returns whether a text is what stands in the place of one that is too long."""
    return text.startswith(TOO_LONG.decode(errors="surrogateescape"))


def encoded(text: str) -> bytes:
    """Returns text of UTF-8 in which there may be stand-ins as bytes."""
    return text.encode(errors="surrogateescape")


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
                yield _shortened(b"".join([*held, whole[: min(end - 1, _HEAD)]]), most_bytes) + b"\n"
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
            held = [b"".join([*held, rest[:_HEAD]])[:_HEAD]]
    if size > most_bytes:
        yield _shortened(b"".join(held), most_bytes)
    else:
        yield from held


def _each_bounded(whole: bytes, most_bytes: int) -> bytes:
    lines = whole.split(b"\n")
    return b"\n".join(line if len(line) <= most_bytes else _shortened(line, most_bytes) for line in lines)


def _shortened(line: bytes, most_bytes: int) -> bytes:
    # No more than the bound, so that the beginning is the same however the stream is cut.
    return TOO_LONG + line[: min(_HEAD, most_bytes)]
