"""What the tests' models answer. Each takes the body of a request, JSON Lines whose records have a `key`."""

from __future__ import annotations

import json
from collections.abc import Callable

Lines = Callable[[list[str], int], list[str]]

LONG_ANSWER_BYTES = 3_000_000


def keys(body: bytes) -> list[str]:
    """Returns the keys of a request's records."""
    return [json.loads(line)["key"] for line in body.split(b"\n") if line]


def answer(key: str) -> str:
    """Returns the right answer for a record."""
    return json.dumps({"echo": key})


def echo(body: bytes) -> tuple[int, bytes]:
    """Answers each record with its key."""
    return 200, _joined([answer(key) for key in keys(body)])


def nulls(body: bytes) -> tuple[int, bytes]:
    """Answers each record with `null`, of which pyarrow's reader dies."""
    return 200, _joined(["null" for _ in keys(body)])


def shaped(body: bytes) -> tuple[int, bytes]:
    """Answers as `echo`, but in the shape that a record's key names before its "!"; of one record in a request."""
    asked = keys(body)
    lines = [answer(key) for key in asked]
    for place, key in enumerate(asked):
        shape, mark, _ = key.partition("!")
        if shape == "refused":
            return 500, b"no"
        if mark:
            return 200, _joined(SHAPES[shape](lines, place))
    return 200, _joined(lines)


def _joined(lines: list[str]) -> bytes:
    return "\n".join(lines).encode()


def _with(lines: list[str], place: int, *instead: str) -> list[str]:
    return [*lines[:place], *instead, *lines[place + 1 :]]


def _long(line: str) -> str:
    return json.dumps({**json.loads(line), "pad": "x" * LONG_ANSWER_BYTES})


SHAPES: dict[str, Lines] = {
    "all-null": lambda lines, at: ["null"] * len(lines),
    # A record that is alone has nothing to be glued to.
    "glued": lambda lines, at: _with(lines[:-1], at % (len(lines) - 1), lines[at] + lines[-1]) if lines[1:] else lines,
    "glued-even": lambda lines, at: _with(lines, at, lines[at] * 2),
    "blank-between": lambda lines, at: _with(lines, at, lines[at], ""),
    "blank-instead": lambda lines, at: _with(lines, at, ""),
    "pretty": lambda lines, at: [json.dumps(json.loads(line), indent=1) for line in lines],
    "long": lambda lines, at: _with(lines, at, _long(lines[at])),
    "fewer": _with,
    "more": lambda lines, at: _with(lines, at, lines[at], lines[at]),
    "no-json": lambda lines, at: _with(lines, at, "<html>"),
}
