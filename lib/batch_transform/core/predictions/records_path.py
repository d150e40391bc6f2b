"""`prediction.records_path`: where in a JSON document its predictions lie, such as `predictions[].score`.

Documents follow one another in a stream; none is held (`json_stream`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from batch_transform.core.predictions.json_stream import JsonStream
from batch_transform.core.predictions.long_lines import MOST_LINE_BYTES
from batch_transform.core.predictions.wrapping import MOST_PARTS, beside_body, media_type_of, pair_of

# A step into an object is a member's name; None is the step into each element of an array.
Steps = tuple[str | None, ...]
EACH = None

_STEP = re.compile(r"(?P<each>\[\])|(?P<dot>\.?)(?P<name>[^.\[\]]+)")


def parse_path(text: str) -> Steps:
    """Returns the steps of a path, one of them into each element of an array: at the end unless `[]` says where.

    `projections` is `projections[]`; `[]` is an array that is the whole document.

    Raises:
        ValueError: the text is no path, or has `[]` twice.
    """
    steps: list[str | None] = []
    place = 0
    while place < len(text):
        found = _STEP.match(text, place)
        # A dot stands between two steps, not at the beginning and not twice.
        if found is None or (found["name"] is not None and bool(found["dot"]) != bool(steps)):
            raise ValueError(f"is {text!r}; valid: predictions, outputs.scores, predictions[].score, []")
        steps.append(EACH if found["each"] else found["name"].strip())
        place = found.end()
    if not steps:
        raise ValueError("is empty; valid: predictions, outputs.scores, predictions[].score, []")
    if steps.count(EACH) > 1:
        raise ValueError(f"is {text!r}, with [] twice; each prediction is an element of one array")
    return tuple(steps) if EACH in steps else (*steps, EACH)


def spelled(steps: Steps) -> str:
    """Returns the steps as a person writes them; the last `[]` is left out where a name says enough."""
    text = "".join("[]" if step is EACH else f".{step}" for step in steps).removeprefix(".")
    return text.removesuffix("[]") or "[]"


def unpack(chunks: Iterable[bytes], steps: Steps, most_characters: int = MOST_LINE_BYTES) -> Iterator[str]:
    """Yields the text of each prediction, on one line, in order.

    Args:
        chunks: the stream, in pieces of any size.
        steps: to the predictions of a document; (): the document is one.
        most_characters: of a prediction; a longer one is not held, and a stand-in (`long_lines`) is in its place.

    Raises:
        NotUnpacked: what is there is not JSON, or a document has nothing where the steps lead.
    """
    stream = JsonStream(chunks, most_characters)
    while stream.begin():
        for text in _document(stream, steps):
            # Within a value a newline is white space: in a string it would not be JSON.
            yield text.replace("\n", " ")


def _refuse_pair(stream: JsonStream, elements: list[str]) -> None:
    """One answer, which would pass for one array, or for two predictions."""
    media_type = media_type_of(elements)
    if media_type is not None:
        raise stream.fault(f"it is an array of a body and {beside_body(media_type)}")


def _document(stream: JsonStream, steps: Steps) -> Iterator[str]:
    if steps == (EACH,):
        yield from _elements(stream)
    elif steps:
        yield from _walk(stream, steps)
    else:
        text = stream.value()
        _refuse_pair(stream, pair_of(text))
        yield text


def _elements(stream: JsonStream) -> Iterator[str]:
    """The elements of an array that is the whole document; of two or three it is seen first what they are."""
    held: list[str] | None = []
    for _ in stream.elements():
        text = stream.value()
        if held is None:
            yield text
            continue
        held.append(text)
        if len(held) > MOST_PARTS:
            yield from held
            held = None
    if held is not None:
        _refuse_pair(stream, held)
        yield from held


def _walk(stream: JsonStream, steps: Steps) -> Iterator[str]:
    if not steps:
        yield stream.value()
    elif steps[0] is EACH:
        for _ in stream.elements():
            yield from _walk(stream, steps[1:]) if steps[1:] else (stream.value(),)
    else:
        yield from _member(stream, steps)


def _member(stream: JsonStream, steps: Steps) -> Iterator[str]:
    found = 0
    for name in stream.members():
        if name != steps[0]:
            stream.value()
            continue
        found += 1
        if found == 1:
            yield from _walk(stream, steps[1:])
        else:
            raise stream.fault(f"it has {name!r} twice")
    if not found:
        raise stream.fault(f"it has nothing at {spelled(steps)!r}")
