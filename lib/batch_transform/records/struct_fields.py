"""The fields of a struct, also where Spark takes two of their names for one, or one for something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from batch_transform.core.reserved_columns import alike, place_name
from batch_transform.records.late_spark import types as T

if TYPE_CHECKING:
    from pyspark.sql import Column


def struct_fields(value: Column, kind: T.StructType) -> Iterator[tuple[T.StructField, Column]]:
    """Returns each field of a struct, and its column.

    A field is reached by its name, which Spark may compare without case: where that is not sure, by its place. A cast
    of a struct goes by places.

    Args:
        value: the struct.
        kind: its type.
    """
    names = kind.names
    if alike(names):
        names = [place_name(place) for place in range(len(names))]
        pairs = zip(names, kind.fields, strict=True)
        value = value.cast(T.StructType([T.StructField(name, field.dataType) for name, field in pairs]))
    for name, field in zip(names, kind.fields, strict=True):
        yield field, value.getField(name)


def placed(kind: T.DataType) -> T.DataType:
    """Returns the type with the fields of its structs named by their places: SQL can call those, whatever a user's are.

    Structs within arrays and maps stay as they are.
    """
    if not isinstance(kind, T.StructType):
        return kind
    fields = [T.StructField(place_name(place), placed(field.dataType)) for place, field in enumerate(kind.fields)]
    return T.StructType(fields)
