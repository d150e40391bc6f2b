"""What Python has raised, from the text of its tracebacks: each class, its first words and its place in a program.

Python writes a cause before what came of it, with one of two sentences between; those of a group stand below it, each
behind a number. Anything else that looks like a traceback stands in what an error says, and may be of a row. Spark
indents what a worker writes to its standard error, and a group has a margin of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple


class Raised(NamedTuple):
    """An error of a traceback.

    Attributes:
        name: of its class, with its module.
        words: the first line of what it says; may quote rows.
        place: the last frame in a file of a program; "" if there is none.
        is_imported: whether an import can have raised it, as far as the program's line tells.
    """

    name: str
    words: str
    place: str
    is_imported: bool


_HEAD = re.compile(r"(?:^|: )([ \t|]*(?:\+ )?)(?:Exception Group )?Traceback \(most recent call last\):$")
_THEN = re.compile(
    r"[ \t|]*(?:The above exception was the direct cause of the following exception:"
    r"|During handling of the above exception, another exception occurred:)"
)
_OF_A_GROUP = re.compile(r"[ \t|]*\+-\+?-+ \d+ -+")
_RAISED = re.compile(r"([^\W\d](?:[\w.]|<locals>)*)(?:: (.*))?")
_FRAME = re.compile(r'  File "((?:[^"\n]*[/\\])?([^"/\\\n]+))", line (\d+), in ([\w.<>]+)')
# A name that somebody gives to code that he makes himself, of a row say, looks like none of these.
_OF_A_PROGRAM = re.compile(
    r"[\w.+-]+\.(?:pyx?|pxi|pxd)|command-[\d-]+"
    r"|<(?:stdin|string|frozen [\w.]+|ipython-input-[\w-]+|command-[\d-]+|timed exec|__array_function__ internals)>"
)
_IMPORT = re.compile(r"\s*(?:[^'\"]*[:;]\s*)?(?:import|from)\s")
# What imports by name, or unpickles what does.
_IMPORTS = re.compile(r"(?:^|/)(?:importlib/__init__|runpy|(?:pyspark\.zip|site-packages|python)/pyspark/.*)\.py$")


def raised_in(text: str) -> list[Raised]:
    """Returns the errors of a text from the last that was raised to its cause, those of a group behind the group."""
    lines = text.split("\n")
    chain: list[list[Raised]] = [[]]
    is_next = True
    for at, line in enumerate(lines):
        head = _HEAD.search(line) if is_next else None
        found = _read(lines[at + 1 :], head[1].replace("+", "|")) if head else None
        if found is not None:
            chain[-1].append(found)
            is_next = False
        elif _THEN.fullmatch(line):
            chain.append([])
            is_next = True
        elif _OF_A_GROUP.fullmatch(line):
            is_next = True
    return [each for group in reversed(chain) for each in group]


def _read(lines: Sequence[str], margin: str) -> Raised | None:
    """The error of a traceback whose lines begin with a margin; none if it is no traceback."""
    bare = _without(margin, lines)
    frames = list(takewhile(lambda line: not line or line[0] in " \t", bare))
    raised = _RAISED.fullmatch(next(_without(margin, lines[len(frames) :]), ""))
    if raised is None or not frames or not frames[0].startswith("  File "):
        return None
    return Raised(raised[1], raised[2] or "", _place(frames), _may_be_import(frames))


def _without(margin: str, lines: Sequence[str]) -> Iterator[str]:
    for line in takewhile(lambda line: line.startswith(margin) or not line.strip(), lines):
        yield line.removeprefix(margin)


def _place(frames: Sequence[str]) -> str:
    found = [frame for frame in map(_FRAME.fullmatch, frames) if frame and _OF_A_PROGRAM.fullmatch(frame[2])]
    return f"{found[-1][2]} line {found[-1][3]}, in {found[-1][4]}" if found else ""


def _may_be_import(frames: Sequence[str]) -> bool:
    """Whether the last frame imports; a notebook's and a console's have no line of a program to tell."""
    last = max((at for at, line in enumerate(frames) if line.startswith("  File ")), default=0)
    frame = _FRAME.fullmatch(frames[last])
    source = frames[last + 1] if last + 1 < len(frames) else ""
    if not source or _IMPORT.match(source):
        return True
    return frame is not None and _IMPORTS.search(frame[1]) is not None and not source.lstrip().startswith("raise ")
