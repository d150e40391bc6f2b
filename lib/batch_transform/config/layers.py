"""Run files and overrides as layers, one over the other: merging them, and which of them a key came from. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batch_transform.config.faults import Path

# Of these keys only one can hold; the one of the upper layer does, so that `--set output.path=out` runs a file
# whose output is a table.
ALTERNATIVES: dict[Path, tuple[str, ...]] = {
    ("input",): ("path", "table"),
    ("output",): ("path", "table"),
    ("dead_letter",): ("path", "table"),
    ("errors",): ("max_rows", "max_fraction"),
    ("record",): ("columns", "column", "sql"),
}
# Lists to which an upper layer adds: what a base calls a secret is one.
UNITED: tuple[Path, ...] = (("secrets",),)


@dataclass(frozen=True)
class Layer:
    """One source of keys.

    Attributes:
        source: what a person calls it: a file's name, or `--set`.
        document: the keys.
        replaces: a path below which nothing of the lower layers is kept; None: maps are merged.
        is_recorded: whether a ledger has it, with what a person does not give.
    """

    source: str
    document: dict[str, Any]
    replaces: Path | None = None
    is_recorded: bool = False


def merge(lower: dict[str, Any], upper: dict[str, Any], path: Path = ()) -> dict[str, Any]:
    """Returns both maps as one: maps are merged key by key, anything else of `upper` takes the place of `lower`'s."""
    merged = dict(lower)
    _drop_alternatives(merged, upper, path)
    for key, value in upper.items():
        below = merged.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        merged[key] = merge(below, value, (*path, key)) if both else value  # type: ignore[arg-type]
        if (*path, key) in UNITED and isinstance(below, list) and (value is None or isinstance(value, list)):
            merged[key] = [*below, *(item for item in value or () if item not in below)]
    return merged


def _drop_alternatives(merged: dict[str, Any], upper: dict[str, Any], path: Path) -> None:
    names = ALTERNATIVES.get(path, ())
    if any(upper.get(name) is not None for name in names):
        for name in names:
            merged.pop(name, None)


def merge_layers(layers: Iterable[Layer]) -> dict[str, Any]:
    """Returns one document of all layers, the last on top."""
    document: dict[str, Any] = {}
    for layer in layers:
        if layer.replaces is not None and layer.replaces not in UNITED:
            document = without(document, layer.replaces)
        document = merge(document, layer.document)
    return document


def without(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """Returns a copy of a document that has nothing at `path`."""
    head, *rest = path
    if head not in document:
        return document
    below = document[head]
    if not rest:
        return {key: value for key, value in document.items() if key != head}
    return document | {head: without(below, tuple(rest))} if isinstance(below, dict) else document


def nested(path: Path, value: Any) -> dict[str, Any]:
    """Returns maps within maps with `value` at `path`."""
    for key in reversed(path):
        value = {key: value}
    return dict(value)


def leaves(document: Mapping[str, Any], path: Path = ()) -> dict[Path, Any]:
    """Returns what is no map within a document, by its path."""
    found: dict[Path, Any] = {}
    for key, value in document.items():
        found |= leaves(value, (*path, key)) if isinstance(value, Mapping) else {(*path, key): value}
    return found


def prune(value: Any) -> Any:
    """Returns the document without nulls: a key that is null is a key that is not given."""
    if isinstance(value, dict):
        return {key: prune(inner) for key, inner in value.items() if inner is not None}
    return value


def origin(layers: Sequence[Layer], path: Path) -> str:
    """Returns the source that a key came from: the uppermost layer that has most of its path."""
    best = max(reversed(layers), key=lambda layer: _depth(layer.document, path))
    return best.source


def _depth(document: Any, path: Path) -> int:
    depth = 0
    for key in path:
        if not isinstance(document, dict) or key not in document:
            return depth
        document, depth = document[key], depth + 1
    return depth
