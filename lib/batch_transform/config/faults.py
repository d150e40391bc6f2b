"""What is wrong with a run file, in words: `<where>: <dotted.key>: what, the value, the limit or the choices`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, get_args

from batch_transform.config.places import secret_in_url
from batch_transform.config.typed_sections import Section
from batch_transform.config.typed_values import Refused, Wrong
from batch_transform.core.escaping import hidden
from batch_transform.core.excerpts import excerpt
from batch_transform.core.ledger import JsonObject
from batch_transform.core.near_names import nearest
from batch_transform.core.secret_values import may_hold_secret, secrets_of

Path = tuple[str, ...]

# Keys of the configuration that no person gives.
FILLED_IN = ("secret_variables", "limit")
_LONGEST_VALUE = 60
_LONG_NUMBER = re.compile(rf"(\d{{{_LONGEST_VALUE}}})\d+")
_REQUIRED = "is required"
_WANTED = {
    "str": "text",
    "whole": "a whole number",
    "number": "a number",
    "finite": "a finite number",
    "truth": "true or false",
    "list": "a list",
    "map": "a map",
}
_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, at a key (or, with an empty path, with the source as a whole)."""

    path: Path
    text: str
    source: str | None = None

    def line(self, origin: Callable[[Path], str]) -> str:
        """Returns the fault as a line; `origin` names the source of a key unless the fault has its own."""
        source = self.source or origin(self.path)
        # `"API_KEY=value": x`: what is meant for a value stands in the key.
        path = ["..." if secret_in_url(part) else re.sub("=.*", "=...", part, flags=re.DOTALL) for part in self.path]
        path = [excerpt(part) for part in path]
        return ": ".join([source, ".".join(path), self.text] if path else [source, self.text])


def faults_of(refused: Refused, model: type[Section]) -> list[Fault]:
    """Returns a fault for each thing that is wrong with a section."""
    meant = {(*wrong.path[:-1], _meant(wrong.path, model)) for wrong in refused.wrongs if wrong.kind == "unknown"}
    # What is there by a misspelled name is not missing as well.
    told = [Fault(wrong.path, _LONG_NUMBER.sub(r"\1...", _text(wrong, model))) for wrong in refused.wrongs]
    return [fault for fault in told if not (fault.path in meant and fault.text.startswith(_REQUIRED))]


def told_first(refused: Refused, model: type[Section], document: JsonObject) -> str:
    """Returns the first thing that is wrong with a document, by its key, and without the secrets of the document."""
    first = faults_of(refused, model)[0]
    return hidden(f"{'.'.join(first.path)}: {first.text}", secrets_of(document).values())


def _text(wrong: Wrong, model: type[Section]) -> str:
    kind, value = wrong.kind, wrong.value
    if kind == "missing":
        return _REQUIRED
    if kind == "unknown":
        return unknown_key(wrong.path, model)
    if kind in _WANTED:
        # A text in the place of a map is often an address, or what belongs into it: `NAME=secret`.
        hidden = kind == "map" or may_hold_secret(wrong.path)
        return f"must be {_WANTED[kind]}, not {_spelled(value, hidden=hidden)}{_remedy(kind, value)}"
    if kind in _BOUNDS:
        return f"is {value}; it must be {_BOUNDS[kind]} {wrong.text}"
    # A validator quotes what it was given, and that may be as long as a run file.
    return wrong.text.replace(repr(value), repr(excerpt(value))) if isinstance(value, str) else wrong.text


def _remedy(kind: str, value: Any) -> str:
    if kind == "str" and isinstance(value, (bool, int, float)):
        return "; put it in quotes"
    if kind == "list" and isinstance(value, str):
        return "; write it in brackets, as [a, b]"
    if kind in ("whole", "number") and isinstance(value, str):
        return "; write it without quotes" if value.strip().isdigit() else ""
    return ""


def _spelled(value: Any, *, hidden: bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list, tuple)):
        return "a map" if isinstance(value, dict) else "a list"
    if value is None:
        return "null"
    if not isinstance(value, (str, int, float)):  # of a program: what it shows of itself may be rows
        return f"a {type(value).__name__}"
    if hidden:  # it may be a secret, and a message ends up in logs
        return "text" if isinstance(value, str) else "a number"
    text = f"the text {str(value)!r}" if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "..."


def unknown_key(path: Path, model: type[Section]) -> str:
    """Returns what is said of a key that there is not, with those that there are."""
    meant = _meant(path, model)
    return f"is no key; {f'did you mean {meant}?' if meant else f'valid: {_valid(path, model)}'}"


def _meant(path: Path, model: type[Section]) -> str | None:
    return nearest(path[-1], sorted(_keys(path[:-1], model)))


def _valid(path: Path, model: type[Section]) -> str:
    return ", ".join(sorted(_keys(path[:-1], model)))


def _keys(path: Path, model: type[Section]) -> Iterator[str]:
    for part in (part for part in path if not part.isdigit()):  # a place in a list
        model = next(inner for key, inner in _sections(model) if key == part)
    yield from (field.alias or name for name, field in model.model_fields.items() if name not in FILLED_IN)


def _sections(model: type[Section]) -> Iterator[tuple[str, type[Section]]]:
    for name, field in model.model_fields.items():
        for choice in _choices(field.annotation):
            if isinstance(choice, type) and issubclass(choice, Section):
                yield field.alias or name, choice


def _choices(annotation: Any) -> Iterator[Any]:
    """A type and those within it: of a list's entries, of what else a value may be."""
    yield annotation
    for inner in get_args(annotation):
        yield from _choices(inner)
