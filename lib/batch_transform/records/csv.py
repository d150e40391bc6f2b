"""`csv`: a record is a line of CSV, rendered in the JVM: commas between the fields, quotes where they are needed.

A string is quoted when it holds a comma, a quote or a line break, and when it is empty, so that it differs from null,
which is an empty field. Numbers, booleans, dates and timestamps are spelled as in JSON, without its quotes, and binary
is base64. Structs, arrays of such values and vectors of Spark ML are flattened into fields. Spark's own `to_csv` knows
no arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batch_transform.records.jsonlines import JSON_OPTIONS
from batch_transform.records.late_spark import functions as F
from batch_transform.records.late_spark import types as T
from batch_transform.records.port import RecordFormat
from batch_transform.records.struct_fields import struct_fields

if TYPE_CHECKING:
    from pyspark.sql import Column

_LINE_BREAK, _TO_QUOTE = "[\r\n]", '[,"\r\n]'


class CsvLines(RecordFormat):
    """Lines of CSV, with a line of names before them if a person asks for it."""

    name = "csv"
    media_type = "text/csv"
    suffix = "csv"
    has_header = True
    remedy = (
        "Send JSON Lines (record.format: jsonlines), which carries any value, or replace them with record.sql, such "
        "as named_struct('text', replace(text, '\\n', ' ')), or leave these rows out with input.where"
    )

    def type_faults(self, kind: T.StructType, key: str) -> list[str]:
        """Returns a fault for each value that CSV cannot carry."""
        return [
            f"{key}: {field.name} is {field.kind.simpleString()}; CSV carries strings, numbers, booleans, dates, "
            "timestamps, binary, arrays of these, structs and vectors. Send JSON Lines, or choose with record.sql"
            for field in _fields(kind, F.lit(None))
            if not _is_scalar(field.kind.elementType if isinstance(field.kind, T.ArrayType) else field.kind)
        ]

    def header(self, kind: T.DataType) -> str:
        """Returns the line of names, with its newline.

        Raises:
            ValueError: an array has no names for its fields, or a name holds a line break; the end of a sentence.
        """
        fields = _fields(kind, F.lit(None))
        arrays = [field.name for field in fields if field.is_array]
        if arrays:
            raise ValueError(f"needs one name a field, but {', '.join(arrays)} is an array, of any number of fields")
        names = [field.name for field in fields]
        if any("\n" in name or "\r" in name for name in names):
            raise ValueError("needs names without line breaks")
        return ",".join(_quoted_name(name) for name in names) + "\n"

    def record(self, kind: T.DataType, value: Column) -> Column:
        """Returns the line; never empty, as blank lines are no sure records."""
        line = F.array_join(F.array(*[_cells(field) for field in _fields(kind, value)]), ",", "")
        # By its bytes: some collations hold a line of blanks to equal ''.
        return F.when(F.octet_length(line) == 0, F.lit('""')).otherwise(line)

    def fault(self, kind: T.DataType, value: Column, record: Column, name: str) -> Column:
        """Returns the columns with a line break, and those whose array has no element."""
        fields = _fields(kind, value)
        broken = [
            F.when(_has_break(field), F.lit(f"a newline in {field.name}"))
            for field in fields
            if _element_is_text(field)
        ]
        gaps = [
            F.when(F.coalesce(F.size(field.value), F.lit(-1)) <= 0, F.lit(f"{field.name} is a null or empty array"))
            for field in fields
            if field.is_array
        ]
        # Columns are looked at only in a line that has a break at all.
        none = F.lit(None).cast("string")
        found = F.when(record.rlike(_LINE_BREAK), F.concat_ws(", ", *broken)) if broken else none
        return F.nullif(F.concat_ws(", ", found, *gaps), F.lit(""))


@dataclass(frozen=True)
class CsvField:
    """One value of the record, which is one field of its line, or as many as an array has elements.

    Attributes:
        name: as the header has it; within a struct `struct.field`.
        kind: its type.
        value: the column.
    """

    name: str
    kind: T.DataType
    value: Column

    @property
    def is_array(self) -> bool:
        """Whether it is any number of fields."""
        return isinstance(self.kind, T.ArrayType)


def _fields(kind: T.DataType, value: Column) -> list[CsvField]:
    """Returns the values of a record in their order, structs taken apart and vectors as arrays of doubles.

    Args:
        kind: of the record.
        value: the record.
    """
    assert isinstance(kind, T.StructType)
    return [found for field, part in struct_fields(value, kind) for found in _flat(field.name, field.dataType, part)]


def _flat(name: str, kind: T.DataType, value: Column) -> Iterator[CsvField]:
    if isinstance(kind, T.StructType):
        for field, part in struct_fields(value, kind):
            yield from _flat(f"{name}.{field.name}", field.dataType, part)
    elif _is_vector(kind):
        from pyspark.ml.functions import vector_to_array

        yield CsvField(name, T.ArrayType(T.DoubleType()), F.when(value.isNotNull(), vector_to_array(value)))
    else:
        yield CsvField(name, kind, value)


def _is_vector(kind: T.DataType) -> bool:
    if not isinstance(kind, T.UserDefinedType):
        return False
    from pyspark.ml.linalg import VectorUDT  # here, so that only those who have such types load Spark ML

    return isinstance(kind, VectorUDT)


def _is_scalar(kind: T.DataType) -> bool:
    return _is_as_cast(kind) or _is_as_json(kind) or isinstance(kind, (T.StringType, T.NullType))


def _is_as_cast(kind: T.DataType) -> bool:
    """Whether a cast spells values of a type as JSON does; it costs less than rendering JSON."""
    return isinstance(kind, (T.IntegralType, T.BooleanType, T.FloatType, T.DoubleType))


def _is_as_json(kind: T.DataType) -> bool:
    """Whether JSON spells values of a type as a string without brackets and quotes, or as a number."""
    dates = (T.DateType, T.TimestampType, T.TimestampNTZType, T.DayTimeIntervalType, T.YearMonthIntervalType)
    return isinstance(kind, (T.BinaryType, T.DecimalType, *dates))


def _cells(field: CsvField) -> Column:
    if not isinstance(field.kind, T.ArrayType):
        return _cell(field.kind, field.value)
    element = field.kind.elementType
    spelled = (
        field.value.cast("array<string>")
        if _is_as_cast(element)
        else F.transform(field.value, lambda each: _cell(element, each))
    )
    return F.array_join(spelled, ",", "")


def _cell(kind: T.DataType, value: Column) -> Column:
    """The field of one value; null for null."""
    if isinstance(kind, T.StringType):
        quoted = F.concat(F.lit('"'), F.replace(value, F.lit('"'), F.lit('""')), F.lit('"'))
        return F.when((value == "") | value.rlike(_TO_QUOTE), quoted).otherwise(value)
    if _is_as_json(kind):
        # Nothing in these values is a bracket or a quote.
        return F.when(value.isNotNull(), F.translate(F.to_json(F.array(value), JSON_OPTIONS), '[]"', ""))
    return value.cast("string")


def _element_is_text(field: CsvField) -> bool:
    kind = field.kind.elementType if isinstance(field.kind, T.ArrayType) else field.kind
    return isinstance(kind, T.StringType)


def _has_break(field: CsvField) -> Column:
    if field.is_array:
        return F.exists(field.value, lambda each: F.coalesce(each.rlike(_LINE_BREAK), F.lit(False)))
    return field.value.rlike(_LINE_BREAK)


def _quoted_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if name == "" or any(mark in name for mark in ',"') else name


FORMAT = CsvLines()
