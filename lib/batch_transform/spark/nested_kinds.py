"""The types that a type is made of."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql.types import ArrayType, DataType, MapType, StructType


def kinds_in(kind: DataType) -> Iterator[DataType]:
    """Returns a type, and all within it, however deep, each before what is within itself."""
    yield kind
    if isinstance(kind, StructType):
        for field in kind.fields:
            yield from kinds_in(field.dataType)
    elif isinstance(kind, ArrayType):
        yield from kinds_in(kind.elementType)
    elif isinstance(kind, MapType):
        yield from kinds_in(kind.keyType)
        yield from kinds_in(kind.valueType)
