"""Lists that stand beside one another in a document, of which `prediction.records_path` reads one alone.

So answers a model by columns, `{"p": [0.1, 0.9], "label": ["a", "b"]}`, and pandas with `orient="split"`:
`{"columns": ["p"], "index": [0, 1], "data": [[0.1], [0.9]]}`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from batch_transform.core.predictions.json_stream import JsonStream, NotUnpacked
from batch_transform.core.predictions.records_path import EACH, Steps

_MOST_LISTS = 20
_ROWS_OF_SPLIT, _NAMES_OF_SPLIT = "data", "columns"


def lists_beside(chunks: Iterable[bytes], steps: Steps) -> list[Steps]:
    """Returns the paths of the lists of a document that may hold predictions, if one of them does: the one at `steps`.

    They have as many elements as that one. Of a table that pandas has split, its rows are the only such list.

    Args:
        chunks: an output, of which the first document is looked at.
        steps: to a list in it, of which a member's name is the last but one.
    """
    parent = steps[:-2]
    lengths = _lengths(JsonStream(chunks), parent)
    if _ROWS_OF_SPLIT in lengths and _NAMES_OF_SPLIT in lengths:
        return [(*parent, _ROWS_OF_SPLIT, EACH)]
    alike = [name for name, length in lengths.items() if length == lengths.get(str(steps[-2]))]
    return [(*parent, name, EACH) for name in alike[:_MOST_LISTS]]


def _lengths(stream: JsonStream, parent: Steps) -> dict[str, int]:
    """How many elements each list has that is a member of the object to which steps lead, in the first document."""
    found: dict[str, int] = {}
    with suppress(NotUnpacked):  # what was proven is enough
        if stream.begin():
            _enter(stream, parent, found)
    return found


def _enter(stream: JsonStream, parent: Steps, found: dict[str, int]) -> None:
    for name in stream.members():
        if parent and name == parent[0]:
            return _enter(stream, parent[1:], found)
        if parent or stream.peek() != "[":
            stream.value()
            continue
        length = 0
        for _ in stream.elements():
            stream.value()
            length += 1
        found[name] = length
    return None
