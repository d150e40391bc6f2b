"""What becomes of a row on its way to the model: one rule, checked before any work, applied by staging and export."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, DataType, StringType, StructField, StructType

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.own_names import OTHERS, RECORD, RECORD_FAULT, RECORD_VALUE, comparable, free, quoted
from batch_transform.spark.chains import said
from batch_transform.spark.csv_records import CsvField, csv_faults, csv_fields, csv_header, csv_line, csv_row_fault
from batch_transform.spark.iso_dates import formats_by_old_calendar, iso_dates, iso_kind
from batch_transform.spark.rendering import JSON_OPTIONS, is_case_sensitive, unsendable_types

_JSON = ("jsonlines", "json")
# Formats whose record is one value, with the types that it may have and their name.
_ONE_VALUE: dict[str, tuple[tuple[type[DataType], ...], str]] = {
    "text": ((StringType,), "a string"),
    "raw": ((StringType, BinaryType), "a string or binary"),
    "binary": ((BinaryType,), "binary"),
}


@dataclass(frozen=True)
class RecordRule:
    """How a row becomes a record.

    Attributes:
        format: of the record.
        kind: of the value that is rendered: a struct of the record's fields, or its one value.
        columns: of the input, in the record's order; empty with `sql`.
        sql: the expression that gives the value; None: the columns do.
        header: the line of names that each object begins with, and its newline; empty: none.
        one_object: whether all rows belong into one object.
    """

    format: str
    kind: DataType
    columns: tuple[str, ...] = ()
    sql: str | None = None
    header: str = ""
    one_object: bool = False

    @property
    def fields(self) -> dict[str, DataType]:
        """The record's fields by name; none where it is one value."""
        return {field.name: field.dataType for field in self.kind.fields} if isinstance(self.kind, StructType) else {}

    def rendered(self, df: DataFrame, kept: Sequence[str] = ()) -> DataFrame:
        """Returns the columns `kept` of `df`, then the record (string or binary) and its fault (null: none).

        These last two are named RECORD and RECORD_FAULT unless a column that is kept is. The record has no newline at
        its end yet.
        """
        value_name, record_name, fault_name = free((RECORD_VALUE, RECORD, RECORD_FAULT), kept)
        names = [F.col(quoted(name)) for name in kept]
        value, record = F.col(value_name), F.col(record_name)
        # Steps of their own, so that an expression of the user's is not evaluated anew for each use of it.
        valued = df.select(*names, self._value().alias(value_name))
        rule = self
        if formats_by_old_calendar(df.sparkSession):
            valued = valued.select(*names, iso_dates(value, self.kind).alias(value_name))
            rule = replace(self, kind=iso_kind(self.kind))
        lines = valued.select(*names, value, rule._record(value).alias(record_name))
        return lines.select(*names, record, rule._fault(value, record).alias(fault_name))

    def _value(self) -> Column:
        if self.sql is not None:
            return F.expr(self.sql)
        if isinstance(self.kind, StructType) and self.format not in _ONE_VALUE:
            return F.struct(*[F.col(quoted(name)) for name in self.columns])
        return F.col(quoted(self.columns[0]))

    def _record(self, value: Column) -> Column:
        if self.format in _JSON:
            return F.coalesce(F.to_json(value, JSON_OPTIONS), F.lit("{}"))
        return csv_line(_csv_fields(self.kind, value)) if self.format == "csv" else value

    def _fault(self, value: Column, record: Column) -> Column:
        if self.format in _JSON:
            return F.lit(None).cast("string")
        if self.format == "csv":
            return csv_row_fault(_csv_fields(self.kind, value), record)
        return _one_value_fault(value, self.columns[0] if self.columns else "record.sql", self.format)


def _csv_fields(kind: DataType, value: Column) -> list[CsvField]:
    assert isinstance(kind, StructType)
    return csv_fields(kind, value)


def _one_value_fault(value: Column, name: str, format: str) -> Column:
    """Null and '' would be a blank line, or an object without a byte: the service does with them nobody knows what."""
    missing = F.when(F.coalesce(F.octet_length(value), F.lit(0)) == 0, F.lit(f"{name} is null or empty"))
    if format == "binary":
        return missing
    # In bytes: a search in a string would step over a newline behind half a character.
    breaks = [b"\n", b"\r"] if format == "text" else [b"\n"]
    broken = functools.reduce(operator.or_, [F.contains(value.cast("binary"), F.lit(mark)) for mark in breaks])
    return F.coalesce(missing, F.when(broken, F.lit(f"a newline in {name}")))


def record_rule(
    spark: SparkSession,
    schema: StructType,
    format: str,
    columns: Sequence[str] | None,
    sql: str | None,
    *,
    header: bool = False,
    one_object: bool = False,
    is_staged: bool = False,
) -> RecordRule:
    """Returns how a row of the input becomes a record, checked against the input's schema.

    Args:
        spark: the session.
        schema: of the input.
        format: of the record.
        columns: those asked for; None: all.
        sql: one expression instead of columns.
        header: whether objects begin with a line of names.
        one_object: whether all rows belong into one object.
        is_staged: whether rows were rendered by this rule already, so that it must do.

    Raises:
        ConfigurationError: no such column, an expression that is none, or a type that the format cannot carry.
    """
    key = "record.columns" if sql is None else "record.sql"
    chosen = _chosen(spark, schema, columns) if sql is None else ()
    kind = _kind_of(spark, schema, sql) if sql is not None else StructType([schema[name] for name in chosen])
    if sql is not None and not is_staged:
        _refuse_star(spark, schema, sql, kind)
    if format in _ONE_VALUE:
        kind = _one_value(kind, format, key, is_sql=sql is not None)
    elif not isinstance(kind, StructType) or not kind.fields:
        raise ConfigurationError(
            f"{key}: gives {kind.simpleString()}; record.format {format} takes a struct, such as named_struct('a', a)"
        )
    rule = RecordRule(format, kind, chosen, sql, "", one_object)
    return _checked(rule, key, header=header)


def _checked(rule: RecordRule, key: str, *, header: bool) -> RecordRule:
    if rule.format in _JSON:
        faults = unsendable_types(_fields(rule.kind), key)
    elif rule.format == "csv":
        faults = csv_faults(_csv_fields(rule.kind, F.lit(None)), key)
    else:
        faults = []
    if faults:
        raise ConfigurationError(faults)
    if not header:
        return rule
    try:
        line = csv_header(_csv_fields(rule.kind, F.lit(None)))
    except ValueError as err:
        raise ConfigurationError(f"record.header: {err}") from err
    return replace(rule, header=line)


def _fields(kind: DataType) -> list[StructField]:
    assert isinstance(kind, StructType)
    return kind.fields


def _chosen(spark: SparkSession, schema: StructType, columns: Sequence[str] | None) -> tuple[str, ...]:
    """The columns as the input spells them, in the order asked for."""
    key = partial(comparable, case_sensitive=is_case_sensitive(spark))
    spelled = {key(name): name for name in schema.names}
    wanted = schema.names if columns is None else columns
    missing = [name for name in wanted if key(name) not in spelled]
    if missing:
        known = ", ".join(schema.names)
        raise ConfigurationError(f"record.columns: no column {', '.join(missing)} in the input; it has {known}")
    return tuple(spelled[key(name)] for name in wanted)


def _kind_of(spark: SparkSession, schema: StructType, sql: str) -> DataType:
    """The type of an expression over the input's columns; one for each row, no aggregate and no generator."""
    try:
        # Within a struct a generator is refused, and beside the columns an aggregate is.
        tried = spark.createDataFrame([], schema).select("*", F.struct(F.expr(sql).alias(RECORD)).alias(RECORD))
        struct = tried.schema.fields[-1].dataType
    except PySparkException as err:
        raise ConfigurationError(f"record.sql: {sql}: {said(err)}") from None
    assert isinstance(struct, StructType)
    return struct.fields[0].dataType


def _refuse_star(spark: SparkSession, schema: StructType, sql: str, kind: DataType) -> None:
    """An export has the row's number beside the input's columns, which a `*` would send along."""
    (other,) = free([OTHERS], schema.names)
    if _kind_of(spark, StructType([*schema.fields, StructField(other, StringType())]), sql) != kind:
        raise ConfigurationError(f"record.sql: {sql}: has a *; name the columns, or leave it out to send all of them")


def _one_value(kind: DataType, format: str, key: str, *, is_sql: bool) -> DataType:
    kinds, words = _ONE_VALUE[format]
    if not is_sql:
        fields = _fields(kind)
        if len(fields) != 1:
            raise ConfigurationError(
                f"{key}: {len(fields)} columns, but record.format {format} takes one; name it (record.column: NAME)"
            )
        kind = fields[0].dataType
    if not isinstance(kind, kinds):
        raise ConfigurationError(f"{key}: gives {kind.simpleString()}; record.format {format} takes {words}")
    return kind
