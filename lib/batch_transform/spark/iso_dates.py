"""Dates and timestamps as the text that JSON_OPTIONS ask for, put together from numbers.

With `spark.sql.legacy.timeParserPolicy=LEGACY` Spark formats in the calendar of before 1582, also in `to_json` and in
casts, whatever the options say: 1582-10-10 becomes 1582-10-15. The setting is the user's, and their `record.sql` is
evaluated in the same job.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DateType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from batch_transform.records.struct_fields import struct_fields
from batch_transform.spark.settings import effective

_DAY_MICROS = 86_400_000_000
_DATES = (DateType, TimestampType, TimestampNTZType)


def formats_by_old_calendar(spark: SparkSession) -> bool:
    """Returns whether this session formats dates by the calendar of before 1582."""
    return (effective(spark, "spark.sql.legacy.timeParserPolicy") or "").upper() == "LEGACY"


def iso_kind(kind: DataType) -> DataType:
    """Returns the type of what `iso_dates` makes of a value."""
    if isinstance(kind, _DATES):
        return StringType()
    if isinstance(kind, StructType):
        return StructType([StructField(field.name, iso_kind(field.dataType)) for field in kind.fields])
    if isinstance(kind, ArrayType):
        return ArrayType(iso_kind(kind.elementType))
    if isinstance(kind, MapType):
        return MapType(kind.keyType, iso_kind(kind.valueType))
    return kind


def iso_dates(value: Column, kind: DataType) -> Column:
    """Returns the value with text in place of dates and timestamps, at any depth; keys of maps are none."""
    return at_leaves(value, kind, is_date, iso_text)


def at_leaves(
    value: Column, kind: DataType, is_meant: Callable[[DataType], bool], change: Callable[[Column, DataType], Column]
) -> Column:
    """Returns the value with some of its leaves changed, at any depth; nulls stay, and so do the keys of maps.

    Args:
        value: the value.
        kind: its type.
        is_meant: whether leaves of a type are changed.
        change: what becomes of one that is not null.
    """
    if not _holds(kind, is_meant):
        return value
    if isinstance(kind, StructType):
        parts = struct_fields(value, kind)
        fields = [at_leaves(part, field.dataType, is_meant, change).alias(field.name) for field, part in parts]
        return F.when(value.isNotNull(), F.struct(*fields))
    if isinstance(kind, ArrayType):
        element = kind.elementType
        return F.transform(value, lambda each: at_leaves(each, element, is_meant, change))
    if isinstance(kind, MapType):
        values = kind.valueType
        return F.transform_values(value, lambda _key, each: at_leaves(each, values, is_meant, change))
    return F.when(value.isNotNull(), change(value, kind))


def _holds(kind: DataType, is_meant: Callable[[DataType], bool]) -> bool:
    if isinstance(kind, StructType):
        return any(_holds(field.dataType, is_meant) for field in kind.fields)
    if isinstance(kind, ArrayType):
        return _holds(kind.elementType, is_meant)
    return _holds(kind.valueType, is_meant) if isinstance(kind, MapType) else is_meant(kind)


def is_date(kind: DataType) -> bool:
    """Returns whether a type is of dates or of timestamps."""
    return isinstance(kind, _DATES)


def iso_text(value: Column, kind: DataType) -> Column:
    """Returns the text of a date or timestamp."""
    if isinstance(kind, DateType):
        return _date(value)
    if isinstance(kind, TimestampNTZType):
        micros = (F.extract(F.lit("SECOND"), value) * 1_000_000).cast("long")
        return F.concat(_date(value.cast("date")), _time(F.hour(value), F.minute(value), micros))
    # By arithmetic, as the fields of a timestamp have the session's zone.
    micros = F.unix_micros(value)
    rest = F.pmod(micros, F.lit(_DAY_MICROS))
    day = F.date_from_unix_date(F.round((micros - rest) / F.lit(_DAY_MICROS)).cast("int"))
    seconds = F.pmod(rest, F.lit(60_000_000))
    hour, minute = F.floor(rest / F.lit(3_600_000_000)), F.floor(rest / F.lit(60_000_000)) % 60
    return F.concat(_date(day), _time(hour, minute, seconds), F.lit("Z"))


def _date(day: Column) -> Column:
    year = F.year(day)
    sign = F.when(year > 9999, "+").when(year < 0, "-").otherwise("")
    return F.format_string("%s%04d-%02d-%02d", sign, F.abs(year), F.month(day), F.dayofmonth(day))


def _time(hour: Column, minute: Column, micros: Column) -> Column:
    second, fraction = F.floor(micros / F.lit(1_000_000)), micros % 1_000_000
    return F.format_string("T%02d:%02d:%02d.%06d", hour, minute, second, fraction)
