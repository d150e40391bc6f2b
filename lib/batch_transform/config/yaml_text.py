"""YAML text to plain maps, lists and scalars, by the core schema of YAML 1.2. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import yaml

# No run file comes near them; one that is broken, or means harm, is refused within a moment.
MOST_CHARACTERS = 5_000_000
MOST_VALUES = 20_000
MOST_DEPTH = 50
# libyaml first, where PyYAML was built with it: twenty times as fast.
_EVENTS = (*((yaml.CSafeLoader,) if yaml.__with_libyaml__ else ()), yaml.SafeLoader)

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


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the core schema, in which a key that stands twice is an error."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own protocol)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: ARG002 - PyYAML calls it so
        """Returns the map of a node.

        Raises:
            yaml.MarkedYAMLError: a key stands twice or is not text.
        """
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != "tag:yaml.org,2002:str":
                raise yaml.MarkedYAMLError(problem="a key must be text; quote it", problem_mark=key_node.start_mark)
            if key_node.value in seen:
                problem = f"the key {key_node.value} stands twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
            seen.add(key_node.value)
        return super().construct_mapping(node, deep=True)

    def construct_int(self, node: yaml.ScalarNode) -> int:
        """Returns a decimal number: 010 is ten, not eight."""
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
    return yaml.load(text, Loader=_Loader)


def _too_much(text: str) -> yaml.MarkedYAMLError | None:
    """What is more than any run file has, and would take minutes and gigabytes to read; aliases are looked through."""
    if len(text) > MOST_CHARACTERS:
        return yaml.MarkedYAMLError(problem=f"it has {len(text):,} characters; the limit is {MOST_CHARACTERS:,}")
    for loader in _EVENTS:
        with suppress(yaml.YAMLError):  # libyaml gives up before brackets have been counted; the loader says the rest
            return _over_limits(yaml.parse(text, Loader=loader))
    return None


def _over_limits(events: Iterable[yaml.Event]) -> yaml.MarkedYAMLError | None:
    values = 0
    sizes: dict[str | None, int] = {}  # what an alias stands for, in values, by its anchor
    within: list[tuple[str | None, int]] = []  # the maps and lists that have begun, and the values before each
    for event in events:
        problem = None
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


def describe_error(error: yaml.YAMLError) -> str:
    """Returns what is wrong in YAML text with its line and column, counted from 1, on one line."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return place + " ".join(problem.split())
