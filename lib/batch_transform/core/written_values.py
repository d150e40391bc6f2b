"""Values of a configuration as a run file writes them, for messages: nothing in one is spelled as Python does. Pure."""

from __future__ import annotations

from collections.abc import Mapping


def written(value: object) -> str:
    """Returns a value as YAML has it: text in quotes where it stands alone, `not given` for none."""
    return "not given" if value is None else repr(value) if isinstance(value, str) else _within(value)


def _within(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_within(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_within, value)) + "]"
    return str(value)
