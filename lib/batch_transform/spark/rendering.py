"""A row as a JSON record, rendered in the JVM with fixed options, so that no setting of a session changes a byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    IntegralType,
    MapType,
    StringType,
    StructField,
    StructType,
)

from batch_transform.core.own_names import quoted
from batch_transform.spark.settings import CASE_SENSITIVE, effective

# Without these a null field is left out, a timestamp has the session's zone, and milliseconds are all that is kept.
JSON_OPTIONS = {
    "ignoreNullFields": "false",
    "timeZone": "UTC",
    "dateFormat": "yyyy-MM-dd",
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}


def record_json(columns: Iterable[str]) -> Column:
    """Returns the columns as one JSON object, a string without newline (`to_json` escapes those inside values)."""
    return F.to_json(F.struct(*[F.col(quoted(name)) for name in columns]), JSON_OPTIONS)


def is_case_sensitive(spark: SparkSession) -> bool:
    """Returns whether the session tells names apart that differ by upper and lower case only."""
    return (effective(spark, CASE_SENSITIVE) or "").lower() == "true"


def unsendable_types(fields: Iterable[StructField], key: str) -> list[str]:
    """Returns a fault for each field that JSON cannot carry: map keys other than string, integer, boolean.

    Args:
        fields: of the record.
        key: what a person gave.
    """
    return [
        f"{key}: {field.name} holds a map with keys of type {kind.simpleString()}; "
        "JSON carries string, integer and boolean keys"
        for field in fields
        for kind in _map_keys(field.dataType)
        if not isinstance(kind, StringType | IntegralType | BooleanType)
    ]


def _map_keys(kind: DataType) -> Iterator[DataType]:
    if isinstance(kind, MapType):
        yield kind.keyType
        yield from _map_keys(kind.valueType)
    elif isinstance(kind, ArrayType):
        yield from _map_keys(kind.elementType)
    elif isinstance(kind, StructType):
        for field in kind.fields:
            yield from _map_keys(field.dataType)
