"""Calls of functions within an expression of SQL, found by its text alone: enough to name aggregates. Pure.

Spark Connect tells no parsed expression, so the text is read here: strings, quoted names and comments are passed over,
brackets are counted. Whether a call is an aggregate is Spark's to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

# What stands before a call means its value in an earlier run: `previous.avg(p)`.
PREVIOUS = "previous"
_TOKEN = re.compile(
    r"""(?P<skip>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<quoted>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`)
    |(?P<word>\w+)
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
# What may follow the brackets of an aggregate, with brackets of its own.
_SUFFIXES = (("filter",), ("within", "group"))


@dataclass(frozen=True)
class Call:
    """A call: `name(...)`, with what belongs to it.

    Attributes:
        sql: its text as it is told and known again: blanks are one or none, its name is in small letters.
        name: of the function.
        inner: the calls within its brackets.
        is_previous: whether its value in an earlier run is meant.
        start, stop: where it stands in the expression, PREVIOUS included.
    """

    sql: str
    name: str
    inner: tuple[Call, ...]
    is_previous: bool
    start: int
    stop: int


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    stop: int

    def is_(self, *words: str) -> bool:
        return self.kind != "quoted" and self.text.lower() in words


def calls(sql: str) -> tuple[Call, ...]:
    """Returns the outermost calls of an expression, in their order; brackets that never close end with it."""
    found = (_Token(str(each.lastgroup), each.group(), each.start(), each.end()) for each in _TOKEN.finditer(sql))
    return tuple(_calls([token for token in found if token.kind != "skip"]))


def names_in(sql: str) -> set[str]:
    """Returns in small letters what may be the name of a column or a field in an expression, or of a function."""
    found = (each for each in _TOKEN.finditer(sql) if each.lastgroup in ("word", "quoted"))
    return {each.group().strip('`"').replace("``", "`").lower() for each in found if each.group()[0] != "'"}


def names_previous(sql: str) -> bool:
    """Returns whether an expression is about an earlier run."""
    return any(call.is_previous for call in all_calls(calls(sql)))


def all_calls(found: Sequence[Call]) -> Iterator[Call]:
    """Yields calls with those within them."""
    for call in found:
        yield call
        yield from all_calls(call.inner)


def with_previous(sql: str, value_of: Callable[[str], str]) -> str:
    """Returns an expression with SQL in the place of each call that means an earlier run.

    Args:
        sql: the expression.
        value_of: returns what stands for such a call, by its text without PREVIOUS.
    """
    for call in sorted(all_calls(calls(sql)), key=lambda each: each.start, reverse=True):
        if call.is_previous:
            sql = f"{sql[: call.start]}{value_of(call.sql)}{sql[call.stop :]}"
    return sql


def _calls(tokens: Sequence[_Token]) -> Iterator[Call]:
    place = 0
    while place < len(tokens):
        if tokens[place].kind == "word" and place + 1 < len(tokens) and tokens[place + 1].is_("("):
            stop = _end(tokens, place + 1)
            yield _call(tokens, place, stop)
            place = stop
        else:
            place += 1


def _call(tokens: Sequence[_Token], place: int, stop: int) -> Call:
    last, first = tokens[stop - 1].stop, place
    while first >= 2 and tokens[first - 1].is_(".") and tokens[first - 2].kind in ("word", "quoted"):
        first -= 2  # a function of a schema
    is_previous = first < place and tokens[first].is_(PREVIOUS)
    name, begins = tokens[place].text.lower(), first + 2 if is_previous else first
    path = "".join(token.text for token in tokens[begins:place])
    inner = tuple(_calls(tokens[place + 2 : _closed(tokens, place + 1)]))
    return Call(f"{path}{name}{_told(tokens[place + 1 : stop])}", name, inner, is_previous, tokens[first].start, last)


def _end(tokens: Sequence[_Token], opening: int) -> int:
    """The place behind a call's brackets, and what follows them."""
    stop = _closed(tokens, opening)
    for words in _SUFFIXES:
        after = stop + len(words)
        is_there = after < len(tokens) and tokens[after].is_("(")
        if is_there and all(token.is_(word) for token, word in zip(tokens[stop:after], words, strict=True)):
            stop = _closed(tokens, after)
    return stop


def _closed(tokens: Sequence[_Token], opening: int) -> int:
    depth = 0
    for place in range(opening, len(tokens)):
        depth += tokens[place].is_("(") - tokens[place].is_(")")
        if depth == 0:
            return place + 1
    return len(tokens)


def _told(tokens: Sequence[_Token]) -> str:
    """The text of tokens with one blank where there were some, and none within brackets at their ends."""
    told = tokens[0].text
    for before, token in pairwise(tokens):
        is_apart = before.stop < token.start and not before.is_("(") and not token.is_(")", ",")
        told += f"{' ' * is_apart}{token.text}"
    return told
