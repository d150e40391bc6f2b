"""`raw`: a record is one line that the user has made, of whatever media type."""

from __future__ import annotations

from batch_transform.records.late_spark import types as T
from batch_transform.records.port import OneValue


class RawLines(OneValue):
    """One string or some bytes as they are, without a newline."""

    name = "raw"
    media_type = None
    suffix = "raw"
    breaks = (b"\n",)
    remedy = "Leave these rows out with input.where, or make one line of each with record.sql"

    @property
    def kinds(self) -> tuple[tuple[type[T.DataType], ...], str]:
        """A string, or bytes."""
        return (T.StringType, T.BinaryType), "a string or binary"


FORMAT = RawLines()
