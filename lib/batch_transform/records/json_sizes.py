"""About how many bytes a value takes as JSON, without rendering it: that would be done again when it is exported.

Exact for strings without escapes, integers, booleans, dates, nulls and names; a double counts as 17 digits would. What
has no cheap measure, such as a map or an array of strings, is rendered alone.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING

from batch_transform.records.late_spark import functions as F
from batch_transform.records.late_spark import types as T
from batch_transform.records.struct_fields import struct_fields

if TYPE_CHECKING:
    from pyspark.sql import Column

_NULL = 4
_QUOTES = 2


def json_bytes(kind: T.DataType, value: Column, options: Mapping[str, str]) -> Column:
    """Returns about how many bytes `value` takes, a number of Spark's type long; of a null as many as `null` has.

    Args:
        kind: of the value.
        value: what is measured.
        options: with which it will be rendered.
    """
    return F.coalesce(_size(kind, value, options), F.lit(_NULL)).cast("long")


def _size(kind: T.DataType, value: Column, options: Mapping[str, str]) -> Column:
    """As `json_bytes`; null for a null."""
    if isinstance(kind, T.StructType) and kind.fields:
        fields = [json_bytes(field.dataType, column, options) for field, column in struct_fields(value, kind)]
        around = sum(len(field.name.encode()) + 4 for field in kind.fields) + 1  # quotes, colon, comma; braces
        return F.when(value.isNotNull(), functools.reduce(operator.add, fields, F.lit(around)))
    if (width := _width(kind)) is not None:
        return F.when(value.isNotNull(), F.lit(width))
    if isinstance(kind, T.StringType):
        return F.octet_length(value) + _QUOTES
    if isinstance(kind, T.IntegralType):
        return F.octet_length(value.cast("string"))
    if isinstance(kind, T.BinaryType):
        return (F.octet_length(value) + 2) / 3 * 4 + _QUOTES
    if isinstance(kind, T.ArrayType) and (width := _width(kind.elementType)) is not None:
        return F.when(value.isNotNull(), F.size(value) * (width + 1) + 1)
    # A value that is no struct is rendered within one, {"":...}.
    return F.octet_length(F.to_json(F.struct(value.alias("")), dict(options))) - len('{"":}')


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
