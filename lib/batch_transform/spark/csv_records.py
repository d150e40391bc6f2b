"""A row as a line of CSV, rendered in the JVM: commas between the fields, quotes where they are needed.

A string is quoted when it holds a comma, a quote or a line break, and when it is empty, so that it differs from null,
which is an empty field. Numbers, booleans, dates and timestamps are spelled as in JSON, without its quotes, and binary
is base64. Structs, arrays of such values and vectors of Spark ML are flattened into fields. Spark's own `to_csv` knows
no arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegralType,
    NullType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
    UserDefinedType,
    YearMonthIntervalType,
)

from batch_transform.spark.rendering import JSON_OPTIONS
from batch_transform.spark.struct_fields import struct_fields

# A cast spells these as JSON does, and costs less than rendering JSON.
_AS_CAST = (IntegralType, BooleanType, FloatType, DoubleType)
_AS_JSON = (
    BinaryType,
    DecimalType,
    DateType,
    TimestampType,
    TimestampNTZType,
    DayTimeIntervalType,
    YearMonthIntervalType,
)
_LINE_BREAK, _TO_QUOTE = "[\r\n]", '[,"\r\n]'


@dataclass(frozen=True)
class CsvField:
    """One value of the record, which is one field of its line, or as many as an array has elements.

    Attributes:
        name: as the header has it; within a struct `struct.field`.
        kind: its type.
        value: the column.
    """

    name: str
    kind: DataType
    value: Column

    @property
    def is_array(self) -> bool:
        """Whether it is any number of fields."""
        return isinstance(self.kind, ArrayType)


def csv_fields(kind: StructType, value: Column) -> list[CsvField]:
    """Returns the values of a record in their order, structs taken apart and vectors as arrays of doubles.

    Args:
        kind: of the record.
        value: the record.
    """
    return [found for field, part in struct_fields(value, kind) for found in _flat(field.name, field.dataType, part)]


def _flat(name: str, kind: DataType, value: Column) -> Iterator[CsvField]:
    if isinstance(kind, StructType):
        for field, part in struct_fields(value, kind):
            yield from _flat(f"{name}.{field.name}", field.dataType, part)
    elif _is_vector(kind):
        from pyspark.ml.functions import vector_to_array

        yield CsvField(name, ArrayType(DoubleType()), F.when(value.isNotNull(), vector_to_array(value)))
    else:
        yield CsvField(name, kind, value)


def _is_vector(kind: DataType) -> bool:
    if not isinstance(kind, UserDefinedType):
        return False
    from pyspark.ml.linalg import VectorUDT  # here, so that only those who have such types load Spark ML

    return isinstance(kind, VectorUDT)


def csv_faults(fields: Sequence[CsvField], key: str) -> list[str]:
    """Returns a fault for each value that CSV cannot carry; `key` is what a person gave."""
    return [
        f"{key}: {field.name} is {field.kind.simpleString()}; CSV carries strings, numbers, booleans, dates, "
        "timestamps, binary, arrays of these, structs and vectors. Send JSON Lines, or choose with record.sql"
        for field in fields
        if not _is_scalar(field.kind.elementType if isinstance(field.kind, ArrayType) else field.kind)
    ]


def _is_scalar(kind: DataType) -> bool:
    return isinstance(kind, (*_AS_CAST, *_AS_JSON, StringType, NullType))


def csv_line(fields: Sequence[CsvField]) -> Column:
    """Returns the line without its newline; never empty, as blank lines are no sure records."""
    line = F.array_join(F.array(*[_cells(field) for field in fields]), ",", "")
    # By its bytes: some collations hold a line of blanks to equal ''.
    return F.when(F.octet_length(line) == 0, F.lit('""')).otherwise(line)


def _cells(field: CsvField) -> Column:
    if not isinstance(field.kind, ArrayType):
        return _cell(field.kind, field.value)
    element = field.kind.elementType
    spelled = (
        field.value.cast("array<string>")
        if isinstance(element, _AS_CAST)
        else F.transform(field.value, lambda each: _cell(element, each))
    )
    return F.array_join(spelled, ",", "")


def _cell(kind: DataType, value: Column) -> Column:
    """The field of one value; null for null."""
    if isinstance(kind, StringType):
        quoted = F.concat(F.lit('"'), F.replace(value, F.lit('"'), F.lit('""')), F.lit('"'))
        return F.when((value == "") | value.rlike(_TO_QUOTE), quoted).otherwise(value)
    if isinstance(kind, _AS_JSON):
        # Nothing in these values is a bracket or a quote.
        return F.when(value.isNotNull(), F.translate(F.to_json(F.array(value), JSON_OPTIONS), '[]"', ""))
    return value.cast("string")


def csv_row_fault(fields: Sequence[CsvField], line: Column) -> Column:
    """Returns what is wrong with a row's line, in words; null for a line that can be sent."""
    broken = [
        F.when(_has_break(field), F.lit(f"a newline in {field.name}")) for field in fields if _element_is_text(field)
    ]
    gaps = [
        F.when(F.coalesce(F.size(field.value), F.lit(-1)) <= 0, F.lit(f"{field.name} is a null or empty array"))
        for field in fields
        if field.is_array
    ]
    # Columns are looked at only in a line that has a break at all.
    found = F.when(line.rlike(_LINE_BREAK), F.concat_ws(", ", *broken)) if broken else F.lit(None).cast("string")
    return F.nullif(F.concat_ws(", ", found, *gaps), F.lit(""))


def _element_is_text(field: CsvField) -> bool:
    kind = field.kind.elementType if isinstance(field.kind, ArrayType) else field.kind
    return isinstance(kind, StringType)


def _has_break(field: CsvField) -> Column:
    if field.is_array:
        return F.exists(field.value, lambda each: F.coalesce(each.rlike(_LINE_BREAK), F.lit(False)))
    return field.value.rlike(_LINE_BREAK)


def csv_header(fields: Sequence[CsvField]) -> str:
    """Returns the line of names, with its newline.

    Raises:
        ValueError: an array has no names for its fields, or a name holds a line break; the end of a sentence.
    """
    arrays = [field.name for field in fields if field.is_array]
    if arrays:
        raise ValueError(f"needs one name a field, but {', '.join(arrays)} is an array, of any number of fields")
    names = [field.name for field in fields]
    if any("\n" in name or "\r" in name for name in names):
        raise ValueError("needs names without line breaks")
    return ",".join(_quoted_name(name) for name in names) + "\n"


def _quoted_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if name == "" or any(mark in name for mark in ',"') else name
