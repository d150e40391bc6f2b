"""YAML text to plain maps, lists and scalars, by the core schema of YAML 1.2. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import yaml

from batch_transform.core.escaping import has_half_character

# No run file comes near them; one that is broken, or means harm, is refused within a moment.
MOST_CHARACTERS = 5_000_000
MOST_VALUES = 20_000
MOST_DEPTH = 50
# libyaml first, where PyYAML was built with it: twenty times as fast.
_EVENTS = (*((yaml.CSafeLoader,) if yaml.__with_libyaml__ else ()), yaml.SafeLoader)

# The keys of a run file know their types themselves; a lone ! says nothing.
_TAGS = ("!", "tag:yaml.org,2002:str")
_TAGGED = "a value that begins with ! has a tag, and none is known here; put it in quotes"
_NAMELESS = "a value that begins with & is an anchor, and has no name or no value here; put it in quotes"
# No key takes as many, and no float holds more.
_MOST_DIGITS = 300
_TAB = r"character '\t' that cannot start"
# What PyYAML says of a value that is text to whoever wrote it, in our words: its own quote the value.
_IN_OUR_WORDS = (
    (r"constructor for the tag|tag handle|(scanning|parsing) a tag", _TAGGED),
    (
        r"undefined alias|scanning an alias",
        "a value that begins with * is an alias, and there is no anchor of that name; put it in quotes",
    ),
    (r"scanning an anchor", _NAMELESS),
    (r"scanning a block scalar", "a value that begins with | or > is text of several lines; put it in quotes"),
    (re.escape(_TAB), "a tab cannot stand beside a key or a value; use blanks"),
    (
        r"scanning a double-quoted scalar.*escape",
        "a backslash in double quotes begins an escape; put the value in single quotes",
    ),
)
# What else is in quotes may be of a secret, but for YAML's signs and the names of its tokens.
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")
_OWN = re.compile(r"'(\W*|<[a-z ]+>)'")

# PyYAML reads YAML 1.1, in which `no` is false, 1:30 is 90 and 2024-05-01 is a date: here they are text.
_RESOLVERS = {
    "tag:yaml.org,2002:null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "tag:yaml.org,2002:bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "tag:yaml.org,2002:int": (r"[-+]?[0-9]+", list("-+0123456789")),
    "tag:yaml.org,2002:float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+0123456789."),
    ),
}


_MERGED = (
    "<< is no key here: maps are merged by extends, which names a file; an alias for a whole value is taken (key: *a)"
)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the core schema, in which a key that stands twice is an error."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own protocol)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: ARG002 - PyYAML calls it so
        """Returns the map of a node.

        Raises:
            yaml.MarkedYAMLError: a key stands twice, is not text, or is YAML 1.1's key that merges maps.
        """
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != "tag:yaml.org,2002:str":
                raise yaml.MarkedYAMLError(problem="a key must be text; quote it", problem_mark=key_node.start_mark)
            if key_node.value == "<<" and key_node.style is None:
                raise yaml.MarkedYAMLError(problem=_MERGED, problem_mark=key_node.start_mark)
            if key_node.value in seen:
                named = re.sub("=.*", "=...", key_node.value, flags=re.DOTALL)  # `{API_KEY=value}`
                problem = f"the key {named} stands twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
            seen.add(key_node.value)
        return super().construct_mapping(node, deep=True)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        """Returns the text of a node.

        Raises:
            yaml.MarkedYAMLError: it has half of a character, which no file and no terminal takes.
        """
        text = super().construct_scalar(node)
        if isinstance(text, str) and has_half_character(text):
            problem = "has half of a character (a surrogate); write the whole one, as \\U0001F600 or as it is"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return text

    def construct_int(self, node: yaml.ScalarNode) -> int:
        """Returns a decimal number: 010 is ten, not eight.

        Raises:
            yaml.MarkedYAMLError: it has more digits than any number here.
        """
        digits = len(node.value.lstrip("+-"))
        if digits > _MOST_DIGITS:
            problem = f"a number of {digits:,} digits; the limit is {_MOST_DIGITS}; if it is text, put it in quotes"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return int(node.value)

    def construct_float(self, node: yaml.ScalarNode) -> float:
        """Returns a number, also 1e3, which YAML 1.1 takes for text."""
        return float(node.value.lower().replace(".inf", "inf").replace(".nan", "nan"))


def _configure() -> None:
    for tag, (pattern, first) in _RESOLVERS.items():
        _Loader.add_implicit_resolver(tag, re.compile(f"^(?:{pattern})$"), first)
    _Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_int)
    _Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_float)


_configure()


def parse_value(text: str) -> Any:
    """Returns the value that YAML text spells.

    Raises:
        yaml.YAMLError: the text is not YAML, a key stands twice or is not text, or it is more than any run file has.
    """
    if (error := _too_much(text)) is not None:
        raise error
    try:
        return _loaded(text)
    except yaml.reader.ReaderError as err:
        place = int(err.position)
        problem = f"has the control character #x{ord(text[place]):04x}; leave it out, or write it as an escape"
        raise yaml.MarkedYAMLError(problem=f"{problem} in double quotes", problem_mark=_mark(text, place)) from None


def _loaded(text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    except (ValueError, OverflowError):  # PyYAML's own, of a number or an escape that is too large
        problem = "a number or an escape that is too large; put it in single quotes if it is text"
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=loader.get_mark()) from None
    finally:
        loader.dispose()


def _mark(text: str, position: int) -> yaml.Mark:
    before = text[:position]
    return yaml.Mark("", position, before.count("\n"), position - (before.rfind("\n") + 1), None, 0)


def _too_much(text: str) -> yaml.MarkedYAMLError | None:
    """What is more than any run file has, and would take minutes and gigabytes to read; aliases are looked through."""
    if len(text) > MOST_CHARACTERS:
        return yaml.MarkedYAMLError(problem=f"it has {len(text):,} characters; the limit is {MOST_CHARACTERS:,}")
    for loader in _EVENTS:
        # libyaml gives up before brackets have been counted; the loader says the rest.
        with suppress(yaml.YAMLError, ValueError, OverflowError):
            return _over_limits(yaml.parse(text, Loader=loader))
    return None


def _over_limits(events: Iterable[yaml.Event]) -> yaml.MarkedYAMLError | None:
    values = 0
    sizes: dict[str | None, int] = {}  # what an alias stands for, in values, by its anchor
    within: list[tuple[str | None, int]] = []  # the maps and lists that have begun, and the values before each
    for event in events:
        problem = _misread(event)
        if isinstance(event, yaml.AliasEvent):
            values += sizes.get(event.anchor, 1)
            if event.anchor in (anchor for anchor, _ in within):
                problem = f"*{event.anchor} stands within what it stands for"
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = within.pop()
            sizes[anchor] = values - before
        elif isinstance(event, yaml.NodeEvent):
            if isinstance(event, yaml.CollectionStartEvent):
                within.append((event.anchor, values))
            values += 1
        if values > MOST_VALUES:
            problem = f"more than {MOST_VALUES:,} values, each alias counted as what it stands for"
        if len(within) > MOST_DEPTH:
            problem = f"more than {MOST_DEPTH} maps and lists within one another"
        if problem is not None:
            at = event.start_mark
            return yaml.MarkedYAMLError(
                problem=problem, problem_mark=None if at is None else yaml.Mark("", 0, at.line, at.column, None, 0)
            )
    return None


def _misread(event: yaml.Event) -> str | None:
    """What YAML would take for a word of its own, and whoever wrote it means as text."""
    if getattr(event, "tag", None) not in (None, *_TAGS):
        return _TAGGED
    if isinstance(event, yaml.ScalarEvent) and event.anchor is not None and not event.value and event.implicit[0]:
        return _NAMELESS
    return None


def describe_error(error: yaml.YAMLError) -> str:
    """Returns what is wrong in YAML text with its line and column, counted from 1, on one line, and quotes no value."""
    mark = getattr(error, "problem_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return place + words_of(error)


def _indents(mark: yaml.Mark) -> bool:
    """Whether nothing but blanks and tabs stands before a mark in its line."""
    return mark.buffer is not None and not mark.buffer[: mark.pointer].rpartition("\n")[2].strip()


def words_of(error: yaml.YAMLError) -> str:
    """Returns what is wrong in YAML text, on one line; a value may be a secret, and no message has one."""
    problem = " ".join((getattr(error, "problem", None) or str(error)).split())
    mark = getattr(error, "problem_mark", None)
    if _TAB in problem and mark is not None and _indents(mark):
        return "a tab cannot indent; use blanks"
    said = f"{getattr(error, 'context', None) or ''}: {problem}"
    for pattern, words in _IN_OUR_WORDS:
        if re.search(pattern, said):
            return words
    remedy = "; put it in quotes" if "cannot start any token" in problem else ""
    return _QUOTED.sub(lambda quoted: quoted[0] if _OWN.fullmatch(quoted[0]) else "'...'", problem) + remedy
