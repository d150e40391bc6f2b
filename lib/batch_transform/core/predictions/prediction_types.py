"""What lines are read to: the Arrow types a prediction may have, its schema as a ledger keeps it, and the answers.

Who counts needs no Spark.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import pyarrow as pa
import pyarrow.types as pt

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.predictions.answer_form import CSV, TEXT, AnswerForm
from batch_transform.core.reserved_columns import twins

# How deep predictions may nest, with the object that holds them. A worker sends Spark no column that nests more than
# 63 levels (kMaxNestingDepth in Arrow's ipc/options.h), of which a map is two.
MOST_LEVELS = 60
RAW_FIELD = "prediction"
RAW_TYPE = pa.struct([pa.field(RAW_FIELD, pa.string())])

_INTEGER_BITS = {pa.int8(): 8, pa.int16(): 16, pa.int32(): 32, pa.int64(): 64}
_SCALARS = frozenset(
    {
        *_INTEGER_BITS,
        pa.string(),
        pa.bool_(),
        pa.float32(),
        pa.float64(),
        pa.date32(),
        pa.timestamp("us"),
        pa.timestamp("us", "UTC"),
        pa.binary(),
    }
)
# What pyarrow's JSON reader reads as we do. Not among them: decimals and dates, which it wants as strings and as
# numbers; timestamps, of which it accepts other forms; binary, which it does not decode; and maps.
_FAST_SCALARS = frozenset({*_INTEGER_BITS, pa.string(), pa.bool_(), pa.float64()})


@dataclass(frozen=True)
class Answers:
    """What lines hold: one struct for each, in order, null exactly where `reasons` says why the line is no prediction.

    It is an Arrow array, so `slice` and `take` by line number cost next to nothing. A reason has no row data.
    """

    values: pa.StructArray
    reasons: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)


def prediction_type(schema: pa.Schema | None) -> pa.StructType:
    """Returns the struct that a line becomes: the schema's fields, all nullable at every level, without metadata.

    Raises:
        ConfigurationError: no field, two of one name, a type that a prediction cannot have, or one that nests too
            deeply; names every fault.
    """
    if schema is None:
        return RAW_TYPE
    whole = pa.struct(list(schema))
    faults = list(_faults(whole, ""))
    too_deep = (field.name for field in whole if 1 + _levels(field.type) > MOST_LEVELS)
    faults += (
        f"prediction schema: {name} nests more than {MOST_LEVELS} levels deep, as no column may" for name in too_deep
    )
    if faults:
        raise ConfigurationError(faults)
    return _map_types(whole, lambda scalar: scalar)


def may_be_blank(schema: pa.Schema | None, form: AnswerForm) -> bool:
    """Returns whether a blank line may be an answer: of a bare string.

    Any other blank line is the server's making, such as the newline that AWS's XGBoost ends each answer with, to which
    the service adds its own (transform_emulator/FACTS.md, 2.3).
    """
    if schema is None:
        return True
    return form.format in (CSV, TEXT) and len(schema) == 1 and bool(pt.is_string(schema.types[0]))


@lru_cache(maxsize=256)
def fast_type(kind: pa.DataType) -> pa.DataType | None:
    """Returns the type to read with pyarrow's JSON reader and to cast to `kind` then; None if it cannot.

    A float32 is read as a float64 and then rounded, as the slow reader does: reading it at once would round once.
    """
    if not all(scalar in _FAST_SCALARS or scalar == pa.float32() for scalar in _leaves(kind)):
        return None
    return _map_types(kind, lambda scalar: pa.float64() if scalar == pa.float32() else scalar)


@lru_cache(maxsize=256)
def leaf_count(kind: pa.DataType) -> int:
    """Returns how many values that lie in no other a type has, each of which a reader makes a column of."""
    return sum(1 for _ in _leaves(kind))


def integer_bits(kind: pa.DataType) -> int | None:
    """Returns the bits of a signed integer type, None of any other."""
    return _INTEGER_BITS.get(kind)


def join_path(parent: str, name: str) -> str:
    """Returns a field's name as reasons write it: `a.b`."""
    return f"{parent}.{name}" if parent else name


def _faults(kind: pa.DataType, path: str) -> Iterator[str]:
    if pt.is_struct(kind):
        names = [field.name for field in kind]
        if not names:
            yield f"prediction schema: {path or 'the schema'} has no field"
        yield from (
            f"prediction schema: {join_path(path, n)} is there twice" for n in twins(names, case_sensitive=True)
        )
        for field in kind:
            yield from _faults(field.type, join_path(path, field.name))
    elif pt.is_list(kind):
        yield from _faults(kind.value_type, path + "[]")
    elif pt.is_map(kind):
        if kind.key_type != pa.string():
            yield f"prediction schema: {path}: a map's keys are strings in JSON, not {kind.key_type}"
        yield from _faults(kind.item_type, path + "{}")
    elif kind not in _SCALARS and not pt.is_decimal128(kind):
        yield f"prediction schema: {path}: a prediction cannot be of type {kind}"


def _levels(kind: pa.DataType) -> int:
    """How deep a type nests, as Arrow counts it when it sends a column."""
    if pt.is_struct(kind):
        return 1 + max((_levels(field.type) for field in kind), default=0)
    if pt.is_list(kind):
        return 1 + _levels(kind.value_type)
    return 2 + _levels(kind.item_type) if pt.is_map(kind) else 0


def _leaves(kind: pa.DataType) -> Iterator[pa.DataType]:
    if pt.is_struct(kind):
        for field in kind:
            yield from _leaves(field.type)
    elif pt.is_list(kind):
        yield from _leaves(kind.value_type)
    else:
        yield kind  # a map is a leaf here: the fast reader has no use for it


def _map_types(kind: pa.DataType, change: Callable[[pa.DataType], pa.DataType]) -> pa.DataType:
    """Returns the type with `change` applied to its leaves and every field nullable, metadata left behind."""
    if pt.is_struct(kind):
        return pa.struct([pa.field(field.name, _map_types(field.type, change)) for field in kind])
    if pt.is_list(kind):
        return pa.list_(pa.field(kind.value_field.name, _map_types(kind.value_type, change)))
    if pt.is_map(kind):
        return pa.map_(kind.key_type, _map_types(kind.item_type, change))
    return change(kind)


def encode_schema(schema: pa.Schema | None) -> str:
    """Returns a schema in Arrow's IPC format, in base64; '' for none, where each answer is one string."""
    return base64.b64encode(schema.serialize().to_pybytes()).decode() if schema is not None else ""


def decode_schema(text: str) -> pa.Schema | None:
    """Returns the schema that `encode_schema` wrote.

    Raises:
        ValueError: it is none (pyarrow.ArrowInvalid is one, too).
    """
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text, validate=True))) if text else None
