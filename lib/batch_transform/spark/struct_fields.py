"""The fields of a struct as columns, also where Spark takes two of their names for one."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import Column
from pyspark.sql.types import StructField, StructType

from batch_transform.core.own_names import alike, place_name


def struct_fields(value: Column, kind: StructType) -> Iterator[tuple[StructField, Column]]:
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
        value = value.cast(StructType([StructField(n, f.dataType) for n, f in zip(names, kind.fields, strict=True)]))
    for name, field in zip(names, kind.fields, strict=True):
        yield field, value.getField(name)
