"""`binary`: a record is a row's bytes, an object and a request of their own, such as a picture."""

from __future__ import annotations

from batch_transform.core.framing import WHOLE
from batch_transform.records.late_spark import types as T
from batch_transform.records.port import OneValue


class Bytes(OneValue):
    """Bytes as they are, whatever they hold."""

    name = "binary"
    media_type = "application/octet-stream"
    suffix = "bin"
    split = WHOLE

    @property
    def kinds(self) -> tuple[tuple[type[T.DataType], ...], str]:
        """Bytes alone."""
        return (T.BinaryType,), "binary"

    def is_one_row(self, split: str) -> bool:
        """Returns that each row is an object."""
        return True

    def check_lines(self, strategy: str) -> None:
        """Refuses to split: a record may hold newlines."""
        raise ValueError(
            "has split: Line, but with record.format binary a row's bytes are one object and one request, and may hold "
            "newlines; leave transform.split out"
        )


FORMAT = Bytes()
