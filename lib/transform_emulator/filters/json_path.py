r"""The service's subset of JSONPath: `$`, `.name`, `*`, `['a','b']`, `[1,3]`, `[-1]` and one slice `[a:b]`.

The operators are those of the developer guide's page "Associate Prediction Results with Input Records". Nothing here
does I/O, and no general JSONPath library is used: each of them accepts more than the service does.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# One step of a path: a dotted name or wildcard, or whatever stands in a pair of brackets. The guide's own
# `$.field1.['child1','child2']` has a dot before the bracket.
STEP = re.compile(r"\.(?P<name>[^.\[\]()*?@'\"\s]+)|\.?(?P<wildcard>\*)|\.?\[(?P<bracket>(?:'[^']*'|[^\]'])*)\]")
NAMES = re.compile(r"\s*'[^']*'\s*(,\s*'[^']*'\s*)*")
INDEXES = re.compile(r"\s*-?\d+\s*(,\s*-?\d+\s*)*", re.ASCII)
SLICE = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*", re.ASCII)

Step = Callable[[Any], Any]


class JsonPathError(ValueError):
    """A path that the service does not support, or that selects what is not there."""


@dataclass(frozen=True)
class JsonPath:
    """A parsed path.

    Attributes:
        text: The path as it was given.
        steps: What each part of it selects from what the part before it selected.
    """

    text: str
    steps: tuple[Step, ...]

    @property
    def selects_everything(self) -> bool:
        """Whether the path is `$`, which leaves every byte as it is."""
        return not self.steps

    def select(self, document: Any) -> Any:
        """Returns the selected part of a document.

        Raises:
            JsonPathError: Something on the way is missing: "If you specify indexes that aren't within the dimension
                size of the joined dataset, you get an error" (botocore, OutputFilter).
        """
        for step in self.steps:
            document = step(document)
        return document


def parse(text: str, slice_end_inclusive: bool) -> JsonPath:
    """Returns the path of an InputFilter or OutputFilter.

    Args:
        text: The path; an empty one means `$`.
        slice_end_inclusive: Whether `[1:4]` is the second to the fifth element (see the switch of that name).

    Raises:
        JsonPathError: Not in the supported subset.
    """
    if not text.startswith("$"):
        if text:
            raise JsonPathError(f"Invalid JsonPath: {text}: a path begins with $")
        return JsonPath("$", ())
    steps, position = [], 1
    while position < len(text):
        match = STEP.match(text, position)
        if match is None:
            raise JsonPathError(f"Invalid JsonPath: {text}: cannot read {text[position:]!r}")
        steps.append(_step(text, match, slice_end_inclusive))
        position = match.end()
    return JsonPath(text, tuple(steps))


def _step(text: str, match: re.Match[str], slice_end_inclusive: bool) -> Step:
    name, bracket = match["name"], match["bracket"]
    if match["wildcard"]:
        return _children
    if name is not None:
        return lambda document: _child(document, name)
    step = _bracket(bracket.strip(), slice_end_inclusive)
    if step is not None:
        return step
    if ":" in bracket:
        # The words of sagemaker-python-sdk#1112.
        raise JsonPathError(
            f"Invalid JsonPath: {text}: only single range filters of format (eg: [1:5]) are supported. "
            f"Format [{bracket}] is not supported"
        )
    raise JsonPathError(f"Invalid JsonPath: {text}: cannot read [{bracket}]")


def _bracket(inside: str, slice_end_inclusive: bool) -> Step | None:
    if inside == "*":
        return _children
    if NAMES.fullmatch(inside):
        # The quotes are taken off only now: a name may hold a comma.
        names = re.findall(r"'([^']*)'", inside)
        return lambda document: _named(document, names)
    if INDEXES.fullmatch(inside):
        indexes = [int(part) for part in inside.split(",")]
        return lambda document: _indexed(document, indexes)
    if part := SLICE.fullmatch(inside):
        return _slice(part, slice_end_inclusive)
    return None


def _slice(part: re.Match[str], end_inclusive: bool) -> Step:
    start, end = (None if group is None else int(group) for group in part.groups())
    if end_inclusive and end is not None:
        end = end + 1 or None  # `[:-1]` reaches the last element, where end + 1 would be 0
    # Unlike an index, a range that reaches past the end selects what there is: the guide's error is about indexes.
    return lambda document: _array(document)[start:end]


def _children(document: Any) -> list[Any]:
    return list(document.values()) if isinstance(document, dict) else list(_array(document))


def _child(document: Any, name: str) -> Any:
    if not isinstance(document, dict) or name not in document:
        raise JsonPathError(f"there is no attribute {name!r}")
    return document[name]


def _named(document: Any, names: list[str]) -> Any:
    if len(names) == 1:
        return _child(document, names[0])
    return {name: _child(document, name) for name in names}


def _indexed(document: Any, indexes: list[int]) -> Any:
    array = _array(document)
    for index in indexes:
        if not -len(array) <= index < len(array):
            raise JsonPathError(f"index {index} is not within the {len(array)} elements")
    return array[indexes[0]] if len(indexes) == 1 else [array[index] for index in indexes]


def _array(document: Any) -> list[Any]:
    if not isinstance(document, list):
        raise JsonPathError("an index was applied to what is not an array")
    return document
