"""`text`: a record is one string, on a line of its own."""

from __future__ import annotations

from batch_transform.records.late_spark import types as T
from batch_transform.records.port import OneValue


class TextLines(OneValue):
    """One string as it is, without line breaks."""

    name = "text"
    media_type = "text/plain"
    suffix = "txt"
    breaks = (b"\n", b"\r")
    remedy = (
        "Send JSON Lines (record.format: jsonlines), or replace them with record.sql, such as replace(text, '\\n', "
        "' '), or leave these rows out with input.where; encode(text, 'utf-8') with record.format: binary sends each "
        "text as it is, one a request"
    )

    @property
    def kinds(self) -> tuple[tuple[type[T.DataType], ...], str]:
        """A string alone."""
        return (T.StringType,), "a string"


FORMAT = TextLines()
