"""Two tables' columns beside each other: where one's values would not be the other's. Pure, on Spark's types."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql.types import (
    ArrayType,
    ByteType,
    CharType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    ShortType,
    StringType,
    StructType,
    TimestampNTZType,
    VarcharType,
)

_WHOLE: tuple[type[DataType], ...] = (ByteType, ShortType, IntegerType, LongType)
_DIGITS: dict[type[DataType], int] = {ByteType: 3, ShortType: 5, IntegerType: 10, LongType: 20}


def type_differences(ours: StructType, theirs: StructType, table: str, *, exact: bool, path: str = "") -> Iterator[str]:
    """Yields a sentence for each column of ours that is of another type in a table, and each field that it lacks.

    Columns that the table lacks are left out.

    Args:
        ours: the columns that are written.
        theirs: those of the table.
        table: its name.
        exact: whether a type that holds every value of ours is another type, too.
        path: of the struct that both are.
    """
    known = {field.name.lower(): field for field in theirs.fields}
    for field in ours.fields:
        there = known.get(field.name.lower())
        if there is not None:
            yield from _of(field.dataType, there.dataType, f"{path}{field.name}", table, exact)
        elif path:
            yield f"{table} has no field {path}{field.name}"


def _of(ours: DataType, theirs: DataType, path: str, table: str, exact: bool) -> Iterator[str]:
    if isinstance(ours, StructType) and isinstance(theirs, StructType):
        yield from type_differences(ours, theirs, table, exact=exact, path=f"{path}.")
    elif isinstance(ours, ArrayType) and isinstance(theirs, ArrayType):
        yield from _of(ours.elementType, theirs.elementType, f"{path}.element", table, exact)
    elif isinstance(ours, MapType) and isinstance(theirs, MapType):
        yield from _of(ours.keyType, theirs.keyType, f"{path}.key", table, exact)
        yield from _of(ours.valueType, theirs.valueType, f"{path}.value", table, exact)
    elif not _is_text(ours, theirs) and ours != theirs and (exact or not _holds(theirs, ours)):
        yield f"the column {path} is {ours.simpleString()} here and {theirs.simpleString()} in {table}"


def _is_text(ours: DataType, theirs: DataType) -> bool:
    text = (StringType, CharType, VarcharType)
    return isinstance(ours, text) and isinstance(theirs, text)


def _holds(wider: DataType, narrower: DataType) -> bool:
    """Whether each value of the one is a value of the other."""
    if isinstance(narrower, _WHOLE) and isinstance(wider, _WHOLE):
        return _WHOLE.index(type(narrower)) <= _WHOLE.index(type(wider))
    if isinstance(wider, DecimalType):
        if isinstance(narrower, _WHOLE):
            return wider.precision - wider.scale >= _DIGITS[type(narrower)]
        whole = isinstance(narrower, DecimalType) and narrower.precision - narrower.scale
        return isinstance(narrower, DecimalType) and (
            wider.scale >= narrower.scale and wider.precision - wider.scale >= whole
        )
    if isinstance(wider, DoubleType):
        return isinstance(narrower, (FloatType, ByteType, ShortType, IntegerType))
    if isinstance(wider, FloatType):
        return isinstance(narrower, (ByteType, ShortType))
    return isinstance(wider, TimestampNTZType) and isinstance(narrower, DateType)
