"""`prediction.records_path`: where in a JSON document its predictions lie, such as `predictions[].score`."""

from __future__ import annotations

import re

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
