"""What a record format is: its name and place in a request, and how a row becomes a record of it.

A format is one module with an instance as its `FORMAT`, and nobody else asks which format it is. Workers get records as
they are and the `Framing` by value: they need no format.
"""

from __future__ import annotations

import functools
import operator
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.framing import LINE, WHOLE, Framing
from batch_transform.records.late_spark import functions as F
from batch_transform.records.late_spark import types as T

if TYPE_CHECKING:
    from pyspark.sql import Column


class RecordFormat(ABC):
    """A format of records. What is not said here is that of lines, each made of a struct.

    Attributes:
        name: as `record.format` has it.
        media_type: ContentType unless `record.content_type` says another; None: nothing says what such bytes are.
        suffix: of the objects' names, without a dot.
        split: SplitType unless `transform.split` says another.
        is_json: whether each record is a JSON object, in which a key can be looked up.
        is_plain_json: whether a record of plain columns is what `core.sending.json_records` makes of them.
        has_header: whether an object may begin with a line of names.
        takes_one_value: whether a record is one value, of one column, rather than a struct.
        by_places: whether the fields of the struct that it is given are named by their places, c0, c1, ..., those of
            structs within it as well: so it can write SQL over RECORD_VALUE, the column that `value` is. Through
            PySpark each field of a record takes some calls to the JVM, of a millisecond.
        remedy: what a person can do about rows that it cannot carry.
    """

    name: ClassVar[str]
    media_type: ClassVar[str | None]
    suffix: ClassVar[str]
    split: ClassVar[str] = LINE
    is_json: ClassVar[bool] = False
    is_plain_json: ClassVar[bool] = False
    has_header: ClassVar[bool] = False
    takes_one_value: ClassVar[bool] = False
    by_places: ClassVar[bool] = False
    remedy: ClassVar[str] = "Leave these rows out with input.where"

    def is_one_row(self, split: str) -> bool:
        """Returns whether the format itself makes each row an object, which is one request."""
        return False

    def check_lines(self, strategy: str) -> None:  # noqa: B027 - most formats are content with any
        """Checks that objects may be cut into requests at their lines.

        Raises:
            ValueError: they may not, by this BatchStrategy; the end of a sentence about `transform`.
        """

    def framing(self, split: str, header: str = "", *, compressed: bool = False) -> Framing:
        """Returns how the records lie in an object; a value that goes to workers."""
        return Framing(
            suffix=f".{self.suffix}{'.gz' if compressed else ''}",
            newline=not self.is_one_row(split),
            header=header.encode(),
            compressed=compressed,
            whole=split == WHOLE,
        )

    def value_kind(self, kind: T.DataType, key: str, *, is_sql: bool) -> T.DataType:
        """Returns the type of the value that is rendered.

        Args:
            kind: of the SQL expression, or the struct of the columns that were asked for.
            key: what a person gave.
            is_sql: whether that was an expression.

        Raises:
            ConfigurationError: the format takes no such value.
        """
        if not isinstance(kind, T.StructType) or not kind.fields:
            raise ConfigurationError(
                f"{key}: gives {kind.simpleString()}; record.format {self.name} takes a struct, such as "
                "named_struct('a', a)"
            )
        if faults := self.type_faults(kind, key):
            raise ConfigurationError(faults)
        return kind

    def type_faults(self, kind: T.StructType, key: str) -> list[str]:
        """Returns a fault for each field of a struct whose type the format cannot carry."""
        return []

    def header(self, kind: T.DataType) -> str:
        """Returns the line of names with its newline.

        Raises:
            ValueError: there is none for this value; the end of a sentence about `record.header`.
        """
        raise ValueError(f"{self.name} has no header")

    @abstractmethod
    def record(self, kind: T.DataType, value: Column) -> Column:
        """Returns the record of a value, a string or binary, without the newline that may follow it."""

    def about_bytes(self, kind: T.DataType, value: str, fields: Sequence[str]) -> str | None:
        """Returns about how many bytes the record takes, without rendering it; None: it is to be rendered for that.

        Only a format that carries any value can answer, as a fault is found in what was rendered.

        Args:
            kind: of the value.
            value: a SQL expression for it.
            fields: instead of that one for each of its fields, where it is a struct that is put together of columns.
        """
        return None

    def fault(self, kind: T.DataType, value: Column, record: Column, name: str) -> Column:
        """Returns what is wrong with a row, in words that quote no value; null for one that can be sent.

        Args:
            kind: of the value.
            value: that was rendered.
            record: what `record` made of it.
            name: of its column, where it is one value.
        """
        return F.lit(None).cast("string")


class OneValue(RecordFormat):
    """A format whose record is one value as it is."""

    takes_one_value = True
    breaks: ClassVar[Sequence[bytes]] = ()  # that no record may hold

    @property
    @abstractmethod
    def kinds(self) -> tuple[tuple[type[T.DataType], ...], str]:
        """The types that the value may have, and their name."""

    def value_kind(self, kind: T.DataType, key: str, *, is_sql: bool) -> T.DataType:
        """Returns the type of the one column or of the expression."""
        kinds, words = self.kinds
        if not is_sql:
            assert isinstance(kind, T.StructType)
            if len(kind.fields) != 1:
                raise ConfigurationError(
                    f"{key}: {counted(len(kind.fields), 'column')}, but record.format {self.name} takes one; name it "
                    "(record.column: NAME)"
                )
            kind = kind.fields[0].dataType
        if not isinstance(kind, kinds):
            raise ConfigurationError(f"{key}: gives {kind.simpleString()}; record.format {self.name} takes {words}")
        return kind

    def record(self, kind: T.DataType, value: Column) -> Column:
        """Returns the value as `to_json` is to have it."""
        return value

    def fault(self, kind: T.DataType, value: Column, record: Column, name: str) -> Column:
        """Null and '' would be a blank line, or an object without a byte: nobody knows what the service does then."""
        missing = F.when(F.coalesce(F.octet_length(value), F.lit(0)) == 0, F.lit(f"{name} is null or empty"))
        if not self.breaks:
            return missing
        # In bytes: a search in a string would step over a newline behind half a character.
        found = [F.contains(value.cast("binary"), F.lit(mark)) for mark in self.breaks]
        return F.coalesce(missing, F.when(functools.reduce(operator.or_, found), F.lit(f"a newline in {name}")))
