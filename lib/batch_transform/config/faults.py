"""What is wrong with a run file, in words: `<where>: <dotted.key>: what, the value, the limit or the choices`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from batch_transform.core.secret_values import is_named_by_a_person

Path = tuple[str, ...]

# Keys of the configuration that no person gives.
FILLED_IN = ("secret_variables",)
_LONGEST_VALUE = 60
_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, at a key (or, with an empty path, with the source as a whole)."""

    path: Path
    text: str
    source: str | None = None

    def line(self, origin: Callable[[Path], str]) -> str:
        """Returns the fault as a line; `origin` names the source of a key unless the fault has its own."""
        source = self.source or origin(self.path)
        return ": ".join([source, ".".join(self.path), self.text] if self.path else [source, self.text])


def from_pydantic(details: Sequence[ErrorDetails], model: type[BaseModel]) -> list[Fault]:
    """Returns a fault for each of pydantic's errors."""
    return [_fault(detail, model) for detail in details]


def _fault(detail: ErrorDetails, model: type[BaseModel]) -> Fault:
    path = tuple(str(part) for part in detail["loc"] if part != "[key]")
    return Fault(path, _text(detail, path, model))


def _text(detail: ErrorDetails, path: Path, model: type[BaseModel]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return "is required"
    if kind == "extra_forbidden":
        return unknown_key(path, model)
    if kind in _WANTED:
        return f"must be {_WANTED[kind]}, not {_spelled(detail['input'], path)}{_remedy(kind, detail['input'])}"
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return f"is {detail['input']}; it must be {words} {context[bound]}"
    return str(context["error"]) if "error" in context else detail["msg"]


def _remedy(kind: str, value: Any) -> str:
    if kind == "string_type" and isinstance(value, (bool, int, float)):
        return "; put it in quotes"
    if kind in ("int_type", "float_type") and isinstance(value, str):
        return "; write it without quotes" if value.strip().isdigit() else ""
    return ""


def _spelled(value: Any, path: Path) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list, tuple)):
        return "a map" if isinstance(value, dict) else "a list"
    if value is None:
        return "null"
    if is_named_by_a_person(path):  # it may be a secret, and a message ends up in logs
        return "text" if isinstance(value, str) else "a number"
    text = f"the text {str(value)!r}" if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "..."


def unknown_key(path: Path, model: type[BaseModel]) -> str:
    """Returns what is said of a key that there is not, with those that there are."""
    valid = sorted(_keys(path[:-1], model))
    close = get_close_matches(path[-1], valid, n=1)
    return f"is no key; did you mean {close[0]}?" if close else f"is no key; valid: {', '.join(valid)}"


def _keys(path: Path, model: type[BaseModel]) -> Iterator[str]:
    for part in (part for part in path if not part.isdigit()):  # a place in a list
        model = next(inner for key, inner in _sections(model) if key == part)
    yield from (field.alias or name for name, field in model.model_fields.items() if name not in FILLED_IN)


def _sections(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in model.model_fields.items():
        for choice in _choices(field.annotation):
            if isinstance(choice, type) and issubclass(choice, BaseModel):
                yield field.alias or name, choice


def _choices(annotation: Any) -> Iterator[Any]:
    """A type and those within it: of a list's entries, of what else a value may be."""
    yield annotation
    for inner in get_args(annotation):
        yield from _choices(inner)
