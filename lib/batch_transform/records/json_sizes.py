"""About how many bytes a value takes as JSON, without rendering it: that would be done again when it is exported.

Exact for strings without escapes, integers, booleans, dates, nulls and names; a double counts as 17 digits would. What
has no cheap measure, such as a map or an array of strings, is rendered alone.

As text of SQL, of which Spark's parser makes thousands of terms at once: through PySpark each of them takes some calls
to the JVM, of a millisecond (`spark.python.sql.dataFrameDebugging.enabled`), so 200 columns took two seconds. As
doubles: a sum of whole numbers with a constant in it is put in a row by Spark (`ReorderAssociativeOperator`), each term
within the one before it, however it was written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from batch_transform.core.reserved_columns import alike, quoted
from batch_transform.records.late_spark import types as T

_NULL = 4
_QUOTES = 2
# By another name Spark may take a field for a pattern (`spark.sql.parser.quotedRegexColumnNames`).
_PLAIN = re.compile(r"[A-Za-z0-9_]+")
_AROUND = len('{"v":}')
_SIDE_BY_SIDE = 16


def json_bytes(kind: T.DataType, value: str) -> str:
    """Returns about how many bytes a value takes, an expression of Spark's type long; of a null as many as `null` has.

    Args:
        kind: of the value.
        value: an expression.
    """
    return f"CAST({_of(kind, value)} AS BIGINT)"


def object_bytes(kind: T.StructType, fields: Sequence[str]) -> str:
    """Returns the same of an object, which is not null and has these expressions as its fields."""
    return f"CAST({_object(kind, fields)} AS BIGINT)"


def _object(kind: T.StructType, fields: Sequence[str]) -> str:
    around = sum(len(field.name.encode()) + 4 for field in kind.fields) + 1  # quotes, colon, comma; braces
    return _sum([f"{around}D", *[_of(field.dataType, value) for field, value in zip(kind.fields, fields, strict=True)]])


def _sum(terms: Sequence[str]) -> str:
    """Their sum, in which few of them lie in each other, as Spark goes down into each: a JVM's stack ends at some 250.

    Not each pair in brackets either, which the parser reads once for each that they lie in.
    """
    while len(terms) > _SIDE_BY_SIDE:
        groups = range(0, len(terms), _SIDE_BY_SIDE)
        terms = [f"({' + '.join(terms[first : first + _SIDE_BY_SIDE])})" for first in groups]
    return " + ".join(terms)


def _of(kind: T.DataType, value: str) -> str:
    return f"coalesce({_size(kind, value)}, {_NULL}D)"


def _size(kind: T.DataType, value: str) -> str:
    """As `json_bytes`, but a double, and null for a null."""
    if isinstance(kind, T.StructType) and _has_plain_names(kind):
        fields = [f"{value}.{quoted(name)}" for name in kind.names]
        return f"CASE WHEN {value} IS NOT NULL THEN {_object(kind, fields)} END"
    if (width := _width(kind)) is not None:
        return f"CASE WHEN {value} IS NOT NULL THEN {width}D END"
    if isinstance(kind, T.StringType):
        return f"octet_length({value}) + {_QUOTES}D"
    if isinstance(kind, T.IntegralType):
        return f"octet_length(CAST({value} AS STRING)) + 0D"
    if isinstance(kind, T.BinaryType):
        return f"(octet_length({value}) + 2D) / 3D * 4D + {_QUOTES}D"
    if isinstance(kind, T.ArrayType) and (width := _width(kind.elementType)) is not None:
        return f"CASE WHEN {value} IS NOT NULL THEN size({value}) * {width + 1}D + 1D END"
    # A value that is no struct is rendered within one.
    return f"octet_length(to_json(named_struct('v', {value}), map('ignoreNullFields', 'false'))) - {_AROUND}D"


def _has_plain_names(kind: T.StructType) -> bool:
    return bool(kind.fields) and not alike(kind.names) and all(map(_PLAIN.fullmatch, kind.names))


def _width(kind: T.DataType) -> int | None:
    """Bytes of each value of a type, about; None: they differ much."""
    if isinstance(kind, T.DecimalType):
        return kind.precision // 2 + 2
    return _WIDTHS.get(kind.typeName())


_WIDTHS = {
    "void": _NULL,
    "boolean": 5,
    "float": 10,
    "double": 18,
    "date": 10 + _QUOTES,
    "timestamp": 27 + _QUOTES,
    "timestamp_ntz": 26 + _QUOTES,
}
