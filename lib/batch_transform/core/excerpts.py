"""So much of a long text as a person reads in a message: a schema may name thousands of columns. Pure."""

from __future__ import annotations

_MOST_CHARACTERS = 200


def excerpt(text: str, place: int = 0) -> str:
    """Returns a text, or of a long one what stands around a place in it, with `…` where something is left out.

    Args:
        text: of a run file.
        place: the number of a character in it, counted from 0.
    """
    if len(text) <= _MOST_CHARACTERS:
        return text
    begin = max(0, min(place - _MOST_CHARACTERS // 2, len(text) - _MOST_CHARACTERS))
    end = begin + _MOST_CHARACTERS
    return f"{'…' if begin else ''}{text[begin:end]}{'…' if end < len(text) else ''}"
