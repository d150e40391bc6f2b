"""The reference of a run file's keys, made of the classes that check one.

`python -m batch_transform.config.key_reference` prints the table that stands in `conf/README.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, get_args

from batch_transform.config.faults import FILLED_IN
from batch_transform.config.key_meanings import MEANINGS
from batch_transform.config.runfile import RunConfig
from batch_transform.config.typed_sections import Section
from batch_transform.config.typed_values import FieldInfo
from batch_transform.exports.export_ways import names as export_ways
from batch_transform.outputs.registry import output_formats
from batch_transform.records.registry import built_in
from batch_transform.spark.merge_way import merge_ways

# The keys that take a name of a registry.
_REGISTRIES: Mapping[str, Callable[[], Iterable[str]]] = {
    "record.format": built_in,
    "output.format": output_formats,
    "export": export_ways,
    "merge": merge_ways,
}
_WHO = ("aws.s3.", "aws.sagemaker.", "aws.logs.")


class Key(NamedTuple):
    """A key with its place (`transform.spread`), its default as it would be written, and what it says."""

    path: str
    default: str
    meaning: str


def keys() -> Iterator[Key]:
    """Yields each key that a person may write, in the order of MEANINGS; KeyError where one has no meaning yet."""
    found = {key.path: key for key in _keys(RunConfig, "")}
    yield from (found[path] for path in MEANINGS)


def _keys(section: type[Section], before: str) -> Iterator[Key]:
    for name, field in section.model_fields.items():
        path = f"{before}{field.alias or name}"
        if path in FILLED_IN:
            continue
        inner = _section_of(field.annotation)
        path = _named(path)
        if inner is None or path in MEANINGS:
            yield Key(path, _default(field, inner), _meaning(path, field))
        if inner is not None:
            yield from _keys(inner, f"{before}{field.alias or name}.")


def _meaning(path: str, field: FieldInfo) -> str:
    """What a key says, with the names that its registry has, the default first."""
    if path not in _REGISTRIES:
        return MEANINGS[path]
    names = sorted(_REGISTRIES[path](), key=lambda name: name != field.default)
    return MEANINGS[path].format(names=", ".join(f"`{name}`" for name in names))


def _named(path: str) -> str:
    """The identities of the services have the same keys, which are told once."""
    if path in MEANINGS:
        return path
    return next((f"aws.*.{path.removeprefix(who)}" for who in _WHO if path.startswith(who)), path)


def _section_of(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, Section) else None
    return next((found for each in get_args(annotation) if (found := _section_of(each))), None)


def _default(field: FieldInfo, inner: type[Section] | None) -> str:
    value = field.default
    if inner is not None or value is None or value is ... or value in ((), {}, ""):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def table() -> str:
    """Returns the reference in Markdown."""
    lines = ["| key | default | what it says |", "|---|---|---|"]
    lines += [f"| `{key.path}` | {key.default} | {key.meaning} |" for key in keys()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
