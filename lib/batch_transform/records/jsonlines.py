"""`jsonlines`: each record is a JSON object on a line of its own, and carries any value.

It is rendered in the JVM with fixed options, so that no setting of a session changes a byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from batch_transform.records.json_sizes import json_bytes, object_bytes
from batch_transform.records.late_spark import functions as F
from batch_transform.records.late_spark import types as T
from batch_transform.records.port import RecordFormat

if TYPE_CHECKING:
    from pyspark.sql import Column

# Without these a null field is left out, a timestamp has the session's zone, and milliseconds are all that is kept.
JSON_OPTIONS = {
    "ignoreNullFields": "false",
    "timeZone": "UTC",
    "dateFormat": "yyyy-MM-dd",
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}


class JsonLines(RecordFormat):
    """JSON objects without a newline: `to_json` escapes those inside values."""

    name = "jsonlines"
    media_type = "application/jsonlines"
    suffix = "jsonl"
    is_json = True

    def type_faults(self, kind: T.StructType, key: str) -> list[str]:
        """Returns a fault for each field with map keys other than string, integer, boolean."""
        return [
            f"{key}: {field.name} holds a map with keys of type {keys.simpleString()}; "
            "JSON carries string, integer and boolean keys"
            for field in kind.fields
            for keys in _map_keys(field.dataType)
            if not isinstance(keys, (T.StringType, T.IntegralType, T.BooleanType))
        ]

    def record(self, kind: T.DataType, value: Column) -> Column:
        """Returns the object; one without a field for a null struct."""
        return F.coalesce(F.to_json(value, JSON_OPTIONS), F.lit("{}"))

    def about_bytes(self, kind: T.DataType, value: str, fields: Sequence[str]) -> str:
        """Returns about how many bytes the object takes (`json_sizes`)."""
        return object_bytes(kind, fields) if isinstance(kind, T.StructType) and fields else json_bytes(kind, value)


def _map_keys(kind: T.DataType) -> Iterator[T.DataType]:
    if isinstance(kind, T.MapType):
        yield kind.keyType
        yield from _map_keys(kind.valueType)
    elif isinstance(kind, T.ArrayType):
        yield from _map_keys(kind.elementType)
    elif isinstance(kind, T.StructType):
        for field in kind.fields:
            yield from _map_keys(field.dataType)


FORMAT = JsonLines()
