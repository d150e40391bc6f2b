"""Switches as text: `name=value` arguments in, a table for people out."""

import inspect
import re
from collections.abc import Sequence
from dataclasses import MISSING, fields
from difflib import get_close_matches
from enum import Enum
from typing import Any

from transform_emulator.service.switches import Switches

TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


class SwitchError(ValueError):
    """A `name=value` that sets no switch."""


def parse(settings: Sequence[str]) -> Switches:
    """Returns the switches, some of them set by `name=value`.

    Raises:
        SwitchError: An unknown name, or a value that its switch cannot have.
    """
    defaults = {field.name: field.default for field in fields(Switches)}
    chosen: dict[str, Any] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or name not in defaults:
            close = get_close_matches(name, defaults, n=1)
            meant = f" (did you mean {close[0]}?)" if close and name not in defaults else ""
            names = ", ".join(sorted(defaults))
            raise SwitchError(
                f"--switch: {text!r} is not NAME=VALUE with one of the names that there are{meant}: {names}"
            )
        chosen[name] = _value(name, defaults[name], value)
    return Switches(**chosen)


def table() -> str:
    """Returns all switches as a Markdown table: name, default, what it does and why that is the default."""
    words = {name: " ".join(text.split()) for name, text in ATTRIBUTE.findall(inspect.getdoc(Switches) or "")}
    rows = [f"| `{field.name}` | {_shown(field.default)} | {words[field.name]} |" for field in fields(Switches)]
    return "\n".join(["| switch | default | meaning, and why it is the default |", "|---|---|---|", *rows])


def _value(name: str, default: object, text: str) -> object:
    try:
        if isinstance(default, bool):
            return TRUTHS[text.lower()]
        if isinstance(default, Enum):
            return type(default)(text)
        return int(text) if isinstance(default, int) else text
    except (KeyError, ValueError) as error:
        options = list(TRUTHS) if isinstance(default, bool) else ["a whole number"]
        if isinstance(default, Enum):
            options = [str(each.value) for each in type(default)]
        raise SwitchError(f"--switch: {name} is {text!r}; valid: {', '.join(options)}") from error


def _shown(default: object) -> str:
    assert default is not MISSING
    value = default.value if isinstance(default, Enum) else default
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
