"""`csv`: a record is a line of CSV, rendered in the JVM: commas between the fields, quotes where they are needed.

A string is quoted when it holds a comma, a quote or a line break, and when it is empty, so that it differs from null,
which is an empty field. Numbers, booleans, dates and timestamps are spelled as in JSON, without its quotes, and binary
is base64. Structs, arrays of such values and vectors of Spark ML are flattened into fields. Spark's own `to_csv` knows
no arrays.

Written as text of SQL, of which Spark's parser makes thousands of fields at once; only of vectors SQL knows nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batch_transform.core.reserved_columns import RECORD_VALUE, place_name
from batch_transform.records.jsonlines import JSON_OPTIONS
from batch_transform.records.late_spark import functions as F
from batch_transform.records.late_spark import types as T
from batch_transform.records.port import RecordFormat

if TYPE_CHECKING:
    from pyspark.sql import Column

_LINE_BREAK, _TO_QUOTE = "[\r\n]", '[,"\r\n]'


class CsvLines(RecordFormat):
    """Lines of CSV, with a line of names before them if a person asks for it."""

    name = "csv"
    media_type = "text/csv"
    suffix = "csv"
    has_header = True
    by_places = True
    remedy = (
        "Send JSON Lines (record.format: jsonlines), which carries any value, or replace them with record.sql, such "
        "as named_struct('text', replace(text, '\\n', ' ')), or leave these rows out with input.where"
    )

    def type_faults(self, kind: T.StructType, key: str) -> list[str]:
        """Returns a fault for each value that CSV cannot carry."""
        return [
            f"{key}: {field.name} is {field.kind.simpleString()}; CSV carries strings, numbers, booleans, dates, "
            "timestamps, binary, arrays of these, structs and vectors. Send JSON Lines, or choose with record.sql"
            for field in _fields(kind)
            if not _is_scalar(field.kind.elementType if isinstance(field.kind, T.ArrayType) else field.kind)
        ]

    def header(self, kind: T.DataType) -> str:
        """Returns the line of names, with its newline.

        Raises:
            ValueError: an array has no names for its fields, or a name holds a line break; the end of a sentence.
        """
        fields = _fields(kind)
        arrays = [field.name for field in fields if field.is_array]
        if arrays:
            raise ValueError(f"needs one name a field, but {', '.join(arrays)} is an array, of any number of fields")
        names = [field.name for field in fields]
        if any("\n" in name or "\r" in name for name in names):
            raise ValueError("needs names without line breaks")
        return ",".join(_quoted_name(name) for name in names) + "\n"

    def record(self, kind: T.DataType, value: Column) -> Column:
        """Returns the line; never empty, as blank lines are no sure records."""
        cells = _in_order(_fields(kind), _cells, lambda _, array: F.array_join(array.cast("array<string>"), ",", ""))
        line = F.array_join(cells[0] if len(cells) == 1 else F.concat(*cells), ",", "")
        # By its bytes: some collations hold a line of blanks to equal ''.
        return F.when(F.octet_length(line) == 0, F.lit('""')).otherwise(line)

    def fault(self, kind: T.DataType, value: Column, record: Column, name: str) -> Column:
        """Returns the columns with a line break, and those whose array has no element."""
        fields = _fields(kind)
        broken = ", ".join(_if_broken(field) for field in fields if _element_is_text(field))
        gaps = _in_order([field for field in fields if field.is_array], _if_gap, _if_vector_is_gap)
        # Columns are looked at only in a line that has a break at all.
        none = F.lit(None).cast("string")
        found = F.when(record.rlike(_LINE_BREAK), F.expr(f"concat_ws(', ', {broken})")) if broken else none
        return F.nullif(F.concat_ws(", ", found, *gaps), F.lit(""))


@dataclass(frozen=True)
class CsvField:
    """One value of the record, which is one field of its line, or as many as an array has elements.

    Attributes:
        name: as the header has it; within a struct `struct.field`.
        kind: its type; of a vector an array's.
        value: an expression of SQL.
        is_vector: whether it is a vector.
    """

    name: str
    kind: T.DataType
    value: str
    is_vector: bool = False

    @property
    def is_array(self) -> bool:
        """Whether it is any number of fields."""
        return isinstance(self.kind, T.ArrayType)


def _fields(kind: T.DataType) -> list[CsvField]:
    """Returns the values of a record in their order, structs taken apart and vectors as arrays of doubles.

    Args:
        kind: of the record, which is RECORD_VALUE.
    """
    assert isinstance(kind, T.StructType)
    return list(_parts("", kind, RECORD_VALUE))


def _parts(path: str, kind: T.StructType, value: str) -> Iterator[CsvField]:
    for place, field in enumerate(kind.fields):
        name, part = f"{path}{field.name}", f"{value}.{place_name(place)}"
        if isinstance(field.dataType, T.StructType):
            yield from _parts(f"{name}.", field.dataType, part)
        elif _is_vector(field.dataType):
            yield CsvField(name, T.ArrayType(T.DoubleType()), part, is_vector=True)
        elif (plain := _without_collation(field.dataType)) != field.dataType:
            yield CsvField(name, plain, f"CAST({part} AS {plain.simpleString()})")
        else:
            yield CsvField(name, field.dataType, part)


def _without_collation(kind: T.DataType) -> T.DataType:
    """Searches for quotes and line breaks go by characters, which most collations do not allow."""
    if isinstance(kind, T.ArrayType) and isinstance(kind.elementType, T.StringType):
        return T.ArrayType(T.StringType(), kind.containsNull)
    return T.StringType() if isinstance(kind, T.StringType) else kind


def _in_order(
    fields: Sequence[CsvField], text: Callable[[CsvField], str], of_vector: Callable[[CsvField, Column], Column]
) -> list[Column]:
    """Returns what becomes of the fields in their order, arrays of which each holds those of some.

    Args:
        fields: of the record.
        text: an expression of SQL for one that is no vector.
        of_vector: the same for a vector, which is given as an array.
    """
    found = []
    for is_vector, some in itertools.groupby(fields, lambda field: field.is_vector):
        if is_vector:
            found.append(F.array(*[of_vector(field, _vector_array(field)) for field in some]))
        else:
            found.append(F.expr(f"array({', '.join(map(text, some))})"))
    return found


def _vector_array(field: CsvField) -> Column:
    from pyspark.ml.functions import vector_to_array

    value = F.col(field.value)
    return F.when(value.isNotNull(), vector_to_array(value))


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


def _cells(field: CsvField) -> str:
    if not isinstance(field.kind, T.ArrayType):
        return _cell(field.kind, field.value)
    element = field.kind.elementType
    spelled = f"transform({field.value}, x -> {_cell(element, 'x')})"
    if _is_as_cast(element):
        spelled = f"CAST({field.value} AS ARRAY<STRING>)"
    return f"array_join({spelled}, ',', '')"


def _cell(kind: T.DataType, value: str) -> str:
    """The field of one value; null for null."""
    if isinstance(kind, T.StringType):
        quoted = f"""concat('"', replace({value}, '"', '""'), '"')"""
        return f"CASE WHEN {value} = '' OR {value} RLIKE '{_TO_QUOTE}' THEN {quoted} ELSE {value} END"
    if _is_as_json(kind):
        # Nothing in these values is a bracket or a quote.
        return f"""CASE WHEN {value} IS NOT NULL THEN translate(to_json(array({value}), {_OPTIONS}), '[]"', '') END"""
    return f"CAST({value} AS STRING)"


def _element_is_text(field: CsvField) -> bool:
    kind = field.kind.elementType if isinstance(field.kind, T.ArrayType) else field.kind
    return isinstance(kind, T.StringType)


def _if_broken(field: CsvField) -> str:
    breaks = f"RLIKE '{_LINE_BREAK}'"
    found = f"exists({field.value}, x -> coalesce(x {breaks}, false))" if field.is_array else f"{field.value} {breaks}"
    return f"CASE WHEN {found} THEN {_literal(f'a newline in {field.name}')} END"


def _if_gap(field: CsvField) -> str:
    return f"CASE WHEN coalesce(size({field.value}), -1) <= 0 THEN {_literal(_gap(field))} END"


def _if_vector_is_gap(field: CsvField, array: Column) -> Column:
    return F.when(F.coalesce(F.size(array), F.lit(-1)) <= 0, F.lit(_gap(field)))


def _gap(field: CsvField) -> str:
    return f"{field.name} is a null or empty array"


def _literal(text: str) -> str:
    """A text of SQL; by its bytes, as the session may say how quotes and backslashes are written in one."""
    return f"CAST(X'{text.encode().hex()}' AS STRING)"


_OPTIONS = f"map({', '.join(_literal(text) for option in JSON_OPTIONS.items() for text in option)})"


def _quoted_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if name == "" or any(mark in name for mark in ',"') else name


FORMAT = CsvLines()
