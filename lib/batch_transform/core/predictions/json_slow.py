"""The reader that defines what a line holds: Python's `json`, one line at a time, 250,000 short lines a second."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pyarrow as pa
import pyarrow.types as pt

from batch_transform.core.predictions import json_scalars
from batch_transform.core.predictions.json_fast import doubtful, read_fast
from batch_transform.core.predictions.json_scalars import Unfit
from batch_transform.core.predictions.output_lines import JSON_SPACE, Lines, lines_of
from batch_transform.core.predictions.prediction_types import Answers, integer_bits, join_path

# A JSON value as the decoder below gives it: tuple of pairs (object), list, Number, str, bool, None.
Converter = Callable[[object], object]

_NOT_FINITE = ("NaN", "Infinity", "-Infinity")


class Number(str):
    """The text of a JSON number (or of NaN, Infinity, -Infinity), left to the field's type to read."""

    __slots__ = ()


_DECODER = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=Number, parse_float=Number, parse_constant=Number, strict=True
)
_KINDS = {tuple: "an object", list: "an array", Number: "a number", str: "a string", bool: "a boolean"}


def read_slow(lines: Lines, kind: pa.StructType) -> Answers:
    """Returns the values of the lines, whatever they hold."""
    convert = _converter(kind, "")
    outcomes = [_attempt(lines[index], convert, kind) for index in range(len(lines))]
    reasons = {index: outcome for index, outcome in enumerate(outcomes) if isinstance(outcome, str)}
    return Answers(pa.array([None if isinstance(row, str) else row for row in outcomes], kind), reasons)


def _attempt(line: bytes, convert: Converter, kind: pa.StructType) -> object:
    """Returns the line's row, or as a string the reason why it has none."""
    try:
        return _read_line(line, convert, kind)
    except Unfit as unfit:
        return sys.intern(str(unfit))  # a model that answers wrongly does so on every line


def _read_line(line: bytes, convert: Converter, kind: pa.StructType) -> object:
    try:
        text = line.strip(JSON_SPACE).decode()
    except UnicodeDecodeError:
        raise Unfit("not UTF-8") from None
    if not text:
        raise Unfit("a blank line")
    try:
        value, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError as error:
        raise Unfit(f"not JSON: read up to character {error.pos} of {len(text)}") from None
    except RecursionError:
        return _read_deep(line, kind)
    if end < len(text):
        raise Unfit(f"more than one JSON value (the first has {end} of {len(text)} characters)")
    if type(value) is not tuple:
        raise Unfit(f"expected an object, found {_KINDS.get(type(value), 'null')}")
    return convert(value)


def _read_deep(line: bytes, kind: pa.StructType) -> object:
    """Returns the row of a line whose unknown fields nest deeper than Python's `json` goes (about 1,000 levels).

    pyarrow's reader has no such bound, so what it can read of such a line is what the line holds for both readers.
    """
    alone = lines_of(line)
    values = None if doubtful(alone).any() else read_fast(alone, kind)
    if values is None:
        raise Unfit("nested too deeply")
    return values[0].as_py()


def _converter(kind: pa.DataType, path: str) -> Converter:
    """Returns the function from a JSON value that is not null to a value that `pyarrow.array` takes for the type."""
    if pt.is_struct(kind):
        return _struct(kind, path)
    if pt.is_list(kind):
        return _list(kind, path)
    if pt.is_map(kind):
        return _map(kind, path)
    source, read = _scalar(kind)

    def convert(value: object) -> object:
        if type(value) is not source and not (pt.is_floating(kind) and value in _NOT_FINITE):
            raise Unfit(_expected(kind, path, value))
        try:
            return read(value)
        except Unfit as unfit:
            raise Unfit(f"field {path}: expected {kind}, {unfit}") from None

    return convert


def _scalar(kind: pa.DataType) -> tuple[type, Callable[..., object]]:
    """Returns the JSON type that a value of the scalar type has, and the function that reads it."""
    bits = integer_bits(kind)
    if bits is not None:
        return Number, lambda text: json_scalars.integer(text, bits)
    if pt.is_decimal(kind):
        return Number, lambda text: json_scalars.decimal(text, kind.precision, kind.scale)
    if pt.is_timestamp(kind):
        return str, lambda text: json_scalars.microseconds(text, zoned=kind.tz is not None)
    if pt.is_floating(kind):
        return Number, float
    if pt.is_boolean(kind):
        return bool, bool
    if pt.is_date(kind):
        return str, json_scalars.day
    return str, json_scalars.octets if pt.is_binary(kind) else json_scalars.characters


def _struct(kind: pa.StructType, path: str) -> Converter:
    fields = {field.name: _converter(field.type, join_path(path, field.name)) for field in kind}

    def convert(value: object) -> object:
        found: dict[str, object] = {}  # of whatever types the fields have
        for name, item in _pairs(value, path):
            read = fields.get(name)
            if read is None:
                continue
            if name in found:
                raise Unfit(f"field {join_path(path, name)} is there twice")
            found[name] = None if item is None else read(item)
        return found

    return convert


def _map(kind: pa.MapType, path: str) -> Converter:
    read = _converter(kind.item_type, path + "{}")

    def convert(value: object) -> object:
        found: dict[str, object] = {}  # of the type that the map has
        for name, item in _pairs(value, path):
            if name in found:
                raise Unfit(f"field {path}: a key of the map is there twice")
            found[json_scalars.characters(name)] = None if item is None else read(item)
        return list(found.items())

    return convert


def _list(kind: pa.ListType, path: str) -> Converter:
    read = _converter(kind.value_type, path + "[]")

    def convert(value: object) -> object:
        if type(value) is not list:
            raise Unfit(_expected("an array", path, value))
        return [None if item is None else read(item) for item in value]

    return convert


def _pairs(value: object, path: str) -> tuple[tuple[str, object], ...]:
    if type(value) is not tuple:
        raise Unfit(_expected("an object", path, value))
    return value


def _expected(what: object, path: str, value: object) -> str:
    return f"field {path}: expected {what}, found {_KINDS[type(value)]}"
