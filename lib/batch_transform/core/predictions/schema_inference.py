"""The schema of predictions, inferred from a sample of them, in Spark's DDL.

| JSON in the sample | type |
|---|---|
| whole numbers that 64 bits hold | bigint |
| other numbers, or both kinds | double |
| strings; booleans | string; boolean |
| objects; arrays | struct of what they hold; array |
| values that are no object, cut out of documents (`bare`) | one field, `prediction` |

A field that is null in all of the sample, or an array that is always empty, has no type that could be seen, and is left
out. A field that is a number here and a string there has none either, and is refused, as are names that no table takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ServiceFailure
from batch_transform.core.predictions.prediction_types import MOST_LEVELS, RAW_FIELD, join_path
from batch_transform.core.reserved_columns import quoted

MOST_LINES = 1000
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass
class _Seen:
    """What the values at one place of the sample were; `objects` of them had members, the largest `most`."""

    kinds: set[str] = field(default_factory=set)
    objects: int = 0
    most: int = 0
    holders: int = 0
    members: dict[str, _Seen] = field(default_factory=dict)
    element: _Seen | None = None


@dataclass(frozen=True)
class _Type:
    """A type in Spark's DDL and in Arrow."""

    ddl: str
    arrow: pa.DataType


@dataclass(frozen=True)
class Inferred:
    """A schema, and the fields of the sample that it leaves out for want of a value.

    Attributes:
        ddl: as a run file has it.
        schema: the same in Arrow.
        names: of all its fields, at any level.
    """

    ddl: str
    schema: pa.Schema
    left_out: tuple[str, ...]
    names: tuple[str, ...]


_SCALARS = {
    "boolean": _Type("boolean", pa.bool_()),
    "bigint": _Type("bigint", pa.int64()),
    "double": _Type("double", pa.float64()),
    "string": _Type("string", pa.string()),
}


def infer_schema(lines: Iterable[bytes], *, bare: bool = True) -> Inferred | None:
    """Returns the schema of predictions, None where no line holds one.

    Args:
        lines: predictions, one each; those that are not JSON, or null, are passed over.
        bare: whether values that are no objects are predictions as well; if not, they are passed over too.

    Raises:
        ServiceFailure: a field has values of two kinds, or a name that no table takes; or none has a value at all;
            or the names of the fields are values.
    """
    root, values = _Seen(), 0
    for line in lines:
        value = _json(line)
        if value is not None and (bare or isinstance(value, dict)):
            values += 1
            _see(root, value if isinstance(value, dict) else {RAW_FIELD: value}, 0)
    if not values:
        return None
    left_out: list[str] = []
    fields = _fields(root, "", left_out)
    if not fields:
        raise ServiceFailure(
            f"prediction.schema: infer: no field of {counted(values, 'prediction')} has a value; give a schema"
        )
    ddl = ", ".join(f"{in_ddl(name)} {kind.ddl}" for name, kind in fields)
    schema = pa.schema([(name, kind.arrow) for name, kind in fields])
    return Inferred(ddl, schema, tuple(left_out), tuple(_names(pa.struct(list(schema)))))


def _json(line: bytes) -> object:
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value


def _names(kind: pa.DataType) -> Iterator[str]:
    if pa.types.is_struct(kind):
        for field in kind:
            yield field.name
            yield from _names(field.type)
    elif pa.types.is_list(kind):
        yield from _names(kind.value_type)


def _see(seen: _Seen, value: object, depth: int) -> None:
    if value is None:
        return
    if depth > MOST_LEVELS:
        raise ServiceFailure(
            f"prediction.schema: infer: a prediction nests more than {counted(MOST_LEVELS, 'level')} deep; give a "
            "schema without what does"
        )
    seen.kinds.add(_kind(value))
    if isinstance(value, dict):
        seen.objects, seen.most = seen.objects + bool(value), max(seen.most, len(value))
        for name, item in value.items():
            member = seen.members.setdefault(name, _Seen())
            member.holders += 1
            _see(member, item, depth + 1)
    elif isinstance(value, list):
        seen.element = seen.element or _Seen()
        for item in value:
            _see(seen.element, item, depth + 1)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "bigint" if -(1 << 63) <= value < 1 << 63 else "double"
    return {float: "double", str: "string", dict: "struct", list: "array"}[type(value)]


def _fields(seen: _Seen, path: str, left_out: list[str]) -> list[tuple[str, _Type]]:
    found = []
    _check_no_keys(seen, path)
    _check_names(seen, path)
    for name, member in seen.members.items():
        kind = _type(member, join_path(path, name), left_out)
        if kind is None:
            left_out.append(join_path(path, name))
        else:
            found.append((name, kind))
    return found


def _check_no_keys(seen: _Seen, path: str) -> None:
    """Names that differ from object to object are values, as where a model answers `{"<customer>": 0.3}`.

    They would become columns, and be told wherever the schema is: none of them is shown.
    """
    others = all(member.holders == 1 for member in seen.members.values())
    if seen.objects > 1 and (others or len(seen.members) > 2 * seen.most):
        raise ServiceFailure(
            f"prediction.schema: infer: {path or 'the predictions'} have {counted(len(seen.members), 'field')} in "
            f"{counted(seen.objects, 'object')} of at most {seen.most}: they look like values, and no table has a "
            "column for each; give a schema"
        )


def _check_names(seen: _Seen, path: str) -> None:
    """Spark takes two names that differ but for case for one, and a name has a character, of those that UTF-8 has."""
    lower: dict[str, str] = {}
    for name in seen.members:
        other = lower.setdefault(name.lower(), name)
        if other != name:
            words = f"the fields {join_path(path, other)} and {join_path(path, name)} differ in case only"
        elif not name or any("\ud800" <= character <= "\udfff" for character in name):
            words = f"a field of {path or 'the prediction'} is named {name!r}, as no column can be"
        else:
            continue
        raise ServiceFailure(f"prediction.schema: infer: {words}; give a schema without it")


def _type(seen: _Seen, path: str, left_out: list[str]) -> _Type | None:
    """The type of the values at a place, None where there is none to be seen."""
    kinds = {"double"} if seen.kinds == {"bigint", "double"} else seen.kinds
    if len(kinds) > 1:
        raise ServiceFailure(
            f"prediction.schema: infer: the field {path} has values of two kinds, {' and '.join(sorted(kinds))}; give "
            "a schema without it"
        )
    if kinds == {"struct"}:
        inner = _fields(seen, path, left_out)
        ddl = f"struct<{', '.join(f'{in_ddl(name)}: {kind.ddl}' for name, kind in inner)}>"
        return _Type(ddl, pa.struct([(name, kind.arrow) for name, kind in inner])) if inner else None
    if kinds == {"array"}:
        element = _type(seen.element, path + "[]", left_out) if seen.element else None
        return _Type(f"array<{element.ddl}>", pa.list_(element.arrow)) if element else None
    return _SCALARS[next(iter(kinds))] if kinds else None


def in_ddl(name: str) -> str:
    """Returns a field's name as DDL has it."""
    return name if _PLAIN_NAME.fullmatch(name) else quoted(name)
