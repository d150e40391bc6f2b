"""Whether two places of a run are one, or lie in one another, however they are spelled. Pure.

A place is what Hadoop makes of a location: `//`, `.` and a final slash say nothing, `..` goes up, `s3a://` and `s3n://`
are `s3://`, `file:///x` is `/x`. A path that is read may be a pattern (`*`, `?`, `[...]`, `{a,b}`), or several.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise, takewhile
from urllib.parse import unquote

_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/]*))?(.*)", re.DOTALL)
_ONE_NAME = {"s3a": "s3", "s3n": "s3", "abfss": "abfs", "wasbs": "wasb"}
_ENCRYPTED = {"abfs": "abfss", "wasb": "wasbs"}
_MOUNTED = "dbfs"  # Databricks shows dbfs:/x as the file /dbfs/x
_GLOB = re.compile(r"[*?\[{]")
# A backslash before one of these makes it plain: it stands aside, in a plane of nobody's, until it is told.
_ESCAPED = re.compile(r"\\([\x20-\x7e])")
_HELD = 0xF0000
_OF_HELD = re.compile(f"[{chr(_HELD + 0x20)}-{chr(_HELD + 0x7E)}]")
MOST_PATTERNS = 1000  # of one location; braces multiply

Resolve = Callable[[str], str]


class Pattern(str):
    """A part of a place that is read and may stand for several names; what is written has none, whatever its name."""


class Relation(Enum):
    """How one place lies to another."""

    APART = "apart"
    SAME = "is"
    INSIDE = "lies in"
    AROUND = "holds"


@dataclass(frozen=True)
class Place:
    """A file or a folder: `root` is the file system, `parts` the way down from it; a part may be a glob pattern."""

    root: str
    parts: tuple[str, ...]

    def to(self, other: Place) -> Relation:
        """Returns how this place lies to another one; patterns lie where any of what they match would."""
        matching = zip(self.parts, other.parts, strict=False)
        if not _one_root(self.root, other.root) or not all(_may_match(*pair) for pair in matching):
            return Relation.APART
        if len(self.parts) == len(other.parts):
            return Relation.SAME
        return Relation.INSIDE if len(self.parts) > len(other.parts) else Relation.AROUND

    def location(self, *names: str) -> str:
        """Returns the place, or one below it, as a URI; of two names of a file system it has the encrypted one."""
        scheme, _, authority = self.root.partition("://")
        return f"{_ENCRYPTED.get(scheme, scheme)}://{authority}/{'/'.join((*self.parts, *names))}"

    def is_hidden_in(self, outer: Place) -> bool:
        """Returns whether a reader of `outer`, in which this place lies, does not see it (Spark's rule of names)."""
        below = self.parts[len(outer.parts) :]
        return any(part.startswith(".") or (part.startswith("_") and "=" not in part) for part in below)


def place_of(location: str, resolve: Resolve) -> Place:
    """Returns the place that a location names, taken as it is written.

    Args:
        location: a URI or a path.
        resolve: returns the path without links that an absolute or relative path on the driver's disk names.
    """
    scheme, authority, path = _split(location)
    if scheme == "file":
        path = resolve(path)
        if path.startswith(f"/{_MOUNTED}/"):
            scheme, path = _MOUNTED, path[len(_MOUNTED) + 1 :]
    return Place(f"{scheme}://{authority}", _parts(path))


def places_read(location: str, resolve: Resolve) -> list[Place]:
    """Returns the places that are read where a location is read: one for each pattern that its braces stand for."""
    found = [place_of(location, resolve)]  # where no pattern is meant, as Delta means none
    held = _ESCAPED.sub(lambda match: chr(_HELD + ord(match[1])), location)
    for number, pattern in enumerate(_alternatives(held) if held != location or _GLOB.search(held) else ()):
        if number == MOST_PATTERNS:  # too many to look at: whatever lies where the first brace stands may be read
            pattern = held[: held.index("{")] + "*"
        scheme, authority, path = _split(pattern)
        steps = path.split("/")
        named = list(takewhile(lambda step: not _GLOB.search(step), steps))
        # Of an absolute path the first step is empty; a relative one may begin with a pattern.
        fixed = _given_back("/".join(named)) or ("/" if named else ".")
        base = place_of(f"{scheme}://{authority}{fixed}" if scheme != "file" else fixed, resolve)
        rest = [step for step in steps[len(named) :] if step not in ("", ".")]
        parts = (Pattern(_given_back(step, "\\")) if _GLOB.search(step) else _given_back(step) for step in rest)
        found.append(Place(base.root, (*base.parts, *parts)))
        if number == MOST_PATTERNS:
            break
    return found


def _given_back(text: str, before: str = "") -> str:
    """A text with the characters in it that a backslash had made plain, each behind `before`."""
    return _OF_HELD.sub(lambda match: before + chr(ord(match[0]) - _HELD), text)


def place_of_file(url: str, resolve: Resolve) -> Place:
    """Returns the place of a file as `DataFrame.inputFiles` names it: a URL, percent signs and all."""
    return place_of(unquote(url), resolve)


def _split(location: str) -> tuple[str, str, str]:
    match = _URI.fullmatch(location)
    if match is None:
        return "file", "", location
    scheme = match[1].lower()
    authority = match[2] or ""
    return _ONE_NAME.get(scheme, scheme), "" if scheme == "file" else authority, match[3] or "/"


def _parts(path: str) -> tuple[str, ...]:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return tuple(parts)


def _one_root(first: str, second: str) -> bool:
    """Whether two file systems may be one: `hdfs:///` is whichever the cluster calls its own."""
    scheme, _, authority = first.partition("://")
    other_scheme, _, other_authority = second.partition("://")
    return scheme == other_scheme and (authority == other_authority or not authority or not other_authority)


def _may_match(first: str, second: str) -> bool:
    """Whether two parts may name one thing; of two patterns anything is possible."""
    if isinstance(first, Pattern) and isinstance(second, Pattern):
        return True
    return first == second or _matches(first, second) or _matches(second, first)


def _matches(pattern: str, name: str) -> bool:
    if not isinstance(pattern, Pattern):
        return False
    try:
        return re.fullmatch(_regex(pattern), name, re.DOTALL) is not None
    except re.error:
        return True  # no pattern that is understood here


def _regex(pattern: str) -> str:
    text = re.sub(r"\\(.)", lambda match: re.escape(match[1]), pattern)
    pieces = re.split(r"(\[[^\]]*\]|\\.|[*?])", text)
    pieces = [f"[^{piece[2:]}" if piece.startswith("[!") else piece for piece in pieces]  # Hadoop takes both
    known = {"*": ".*", "?": "."}
    return "".join(known.get(p, p if re.match(r"\[.*\]|\\.", p, re.DOTALL) else re.escape(p)) for p in pieces)


def _alternatives(pattern: str) -> Iterator[str]:
    """Yields what the braces of a pattern stand for: `a{b,c/d}` is `ab` and `ac/d`."""
    start = pattern.find("{")
    commas, depth = [start], 0
    for index in range(max(start, 0), len(pattern) if start >= 0 else 0):
        depth += {"{": 1, "}": -1}.get(pattern[index], 0)
        if depth == 1 and pattern[index] == ",":
            commas.append(index)
        if not depth:
            bounds = [*commas, index]
            for left, right in pairwise(bounds):
                yield from _alternatives(pattern[:start] + pattern[left + 1 : right] + pattern[index + 1 :])
            return
    yield pattern
