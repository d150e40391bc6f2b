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
_SHAPES = ("geometry", "geography")  # types of Spark 4.1 and later


class JsonLines(RecordFormat):
    """JSON objects without a newline: `to_json` escapes those inside values."""

    name = "jsonlines"
    media_type = "application/jsonlines"
    suffix = "jsonl"
    is_json = True
    is_plain_json = True

    def type_faults(self, kind: T.StructType, key: str) -> list[str]:
        """Returns a fault for each field with map keys other than string, integer, boolean, or with shapes."""
        return [f"{key}: {field.name} holds {what}" for field in kind.fields for what in _not_in_json(field.dataType)]

    def record(self, kind: T.DataType, value: Column) -> Column:
        """Returns the object; one without a field for a null struct."""
        return F.coalesce(F.to_json(value, JSON_OPTIONS), F.lit("{}"))

    def about_bytes(self, kind: T.DataType, value: str, fields: Sequence[str]) -> str:
        """Returns about how many bytes the object takes (`json_sizes`)."""
        return object_bytes(kind, fields) if isinstance(kind, T.StructType) and fields else json_bytes(kind, value)


def _not_in_json(kind: T.DataType) -> Iterator[str]:
    if isinstance(kind, T.MapType):
        if not isinstance(kind.keyType, (T.StringType, T.IntegralType, T.BooleanType)):
            keys = kind.keyType.simpleString()
            yield f"a map with keys of type {keys}; JSON carries string, integer and boolean keys"
        yield from _not_in_json(kind.valueType)
    elif isinstance(kind, T.ArrayType):
        yield from _not_in_json(kind.elementType)
    elif isinstance(kind, T.StructType):
        for field in kind.fields:
            yield from _not_in_json(field.dataType)
    elif kind.typeName() in _SHAPES:
        yield (
            f"values of type {kind.simpleString()}, which Spark does not write as JSON; send their bytes by "
            "record.sql, with st_asbinary, or leave the column out of the record"
        )


FORMAT = JsonLines()
