"""What the tests' models answer. Each takes the body of a request, JSON Lines whose records have a `key`."""

from __future__ import annotations

import json
from collections.abc import Callable

Lines = Callable[[list[str]], list[str]]

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
    """Answers as `echo`, but in the shape that is named by a record's key before its "!"."""
    asked = keys(body)
    shapes = {key.partition("!")[0] for key in asked if "!" in key}
    if "refused" in shapes:
        return 500, b"no"
    lines = [answer(key) for key in asked]
    for shape in sorted(shapes):
        lines = SHAPES[shape](lines)
    return 200, _joined(lines)


def _joined(lines: list[str]) -> bytes:
    return "\n".join(lines).encode()


def _pretty(lines: list[str]) -> list[str]:
    return [json.dumps(json.loads(line), indent=1) for line in lines]


def _long(lines: list[str]) -> list[str]:
    return [json.dumps({**json.loads(lines[0]), "pad": "x" * LONG_ANSWER_BYTES}), *lines[1:]]


SHAPES: dict[str, Lines] = {
    "all-null": lambda lines: ["null"] * len(lines),
    "glued": lambda lines: [lines[0] + lines[1], *lines[2:]],
    "glued-even": lambda lines: [lines[0] + lines[0], *lines[1:]],
    "blank-between": lambda lines: [lines[0], "", *lines[1:]],
    "blank-instead": lambda lines: ["", *lines[1:]],
    "pretty": _pretty,
    "long": _long,
    "fewer": lambda lines: lines[:-1],
    "more": lambda lines: [*lines, lines[-1]],
    "no-json": lambda lines: ["<html>", *lines[1:]],
}
