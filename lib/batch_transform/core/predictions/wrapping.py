"""Answers that hold what they should be as a string: `["[0, 1]", "application/json"]`, or `"[0, 1]"`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from batch_transform.core.predictions.json_stream import JsonStream, NotUnpacked, pair_of
from batch_transform.core.predictions.long_lines import MOST_LINE_BYTES, TOO_LONG, is_stand_in
from batch_transform.core.predictions.media_types import media_type_of


def unwrap(chunks: Iterable[bytes], most_characters: int = MOST_LINE_BYTES) -> Iterator[bytes]:
    """Yields the body of each answer, with a newline at its end.

    Args:
        chunks: the stream, in pieces of any size.
        most_characters: of an answer; a longer one is not held, and a stand-in (`long_lines`) is in its place.

    Raises:
        NotUnpacked: an answer is neither a string nor an array of a body and its media type.
    """
    stream = JsonStream(chunks, most_characters)
    while stream.begin():
        body, _ = _taken_apart(stream)
        if is_stand_in(body):
            yield TOO_LONG + b"\n"
            continue
        yield (body if body.endswith("\n") else f"{body}\n").encode(errors="replace")


def first_wrapped(chunks: Iterable[bytes]) -> tuple[str, str | None] | None:
    """Returns the body of the first answer and its media type, if it has one; None if it is not wrapped."""
    stream = JsonStream(chunks)
    try:
        return _taken_apart(stream) if stream.begin() and stream.peek() in ("[", '"') else None
    except NotUnpacked:
        return None


def _taken_apart(stream: JsonStream) -> tuple[str, str | None]:
    text = stream.value()
    if is_stand_in(text):
        return text, None
    if text.startswith('"'):
        return str(json.loads(text)), None
    elements = pair_of(text)
    media_type = media_type_of(elements)
    if media_type is None:
        raise stream.fault("it is neither a JSON string nor an array of a body and its media type")
    body = elements[0]
    return str(json.loads(body)) if body.startswith('"') else body, media_type
