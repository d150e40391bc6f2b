"""What becomes of a row on its way to the model: one rule, checked before any work, applied by staging and export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, DataType, StringType, StructField, StructType

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.excerpts import excerpt
from batch_transform.core.framing import Framing
from batch_transform.core.limits import LARGEST_RECORD_BYTES
from batch_transform.core.near_names import no_such
from batch_transform.core.reserved_columns import (
    OTHERS,
    RECORD,
    RECORD_BYTES,
    RECORD_FAULT,
    RECORD_VALUE,
    comparable,
    each_of,
    free,
    names_not_in,
    place_name,
    quoted,
)
from batch_transform.records.port import RecordFormat
from batch_transform.records.registry import record_format
from batch_transform.records.struct_fields import placed
from batch_transform.spark.error_chains import said
from batch_transform.spark.iso_dates import formats_by_old_calendar, iso_dates, iso_kind
from batch_transform.spark.settings import is_case_sensitive


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

    format: RecordFormat
    kind: DataType
    columns: tuple[str, ...]
    sql: str | None
    header: str
    one_object: bool

    @property
    def fields(self) -> dict[str, DataType]:
        """The record's fields by name; none where it is one value."""
        return {field.name: field.dataType for field in self.kind.fields} if isinstance(self.kind, StructType) else {}

    def rendered(self, df: DataFrame, kept: Sequence[str] = ()) -> DataFrame:
        """Returns the columns `kept` of `df`, then the record (string or binary) and its fault (null: none).

        These last two are named RECORD and RECORD_FAULT unless a column that is kept is. The record has no newline at
        its end yet.
        """
        places = [place_name(place) for place, _ in enumerate(kept)]
        value, record = F.col(RECORD_VALUE), F.col(RECORD)
        # Steps of their own, so that an expression of the user's is not evaluated anew for each use of it.
        valued = df.select(*each_of(kept), self.value().alias(RECORD_VALUE)).toDF(*places, RECORD_VALUE)
        kind = self.kind
        if formats_by_old_calendar(df.sparkSession):
            valued = valued.withColumn(RECORD_VALUE, iso_dates(value, self.kind))
            kind = iso_kind(self.kind)
        if self.format.by_places:
            valued = valued.withColumn(RECORD_VALUE, value.cast(placed(kind)))
        lines = valued.select("*", self.format.record(kind, value).alias(RECORD))
        name = self.columns[0] if self.columns else "record.sql"
        found = lines.select("*", self.format.fault(kind, value, record, name).alias(RECORD_FAULT))
        return found.drop(RECORD_VALUE).toDF(*kept, *free((RECORD, RECORD_FAULT), kept))

    def measured(self, df: DataFrame) -> DataFrame:
        """Returns the columns of `df`, then about how many bytes each row's record has (long), and its fault.

        These last two are named RECORD_BYTES and RECORD_FAULT unless a column is. Nothing is rendered that needs
        not be: it would be again for the export. All rows of one request are, as they must fit into it.
        """
        size_name, fault_name = free((RECORD_BYTES, RECORD_FAULT), df.columns)
        if (about := None if self.one_object else self._about_bytes(df)) is not None:
            return about.toDF(*df.columns, size_name, fault_name)
        rendered = self.rendered(df, df.columns)
        record, fault = map(quoted, rendered.columns[len(df.columns) :])
        size = F.coalesce(F.octet_length(record), F.lit(0)).cast("long")
        return rendered.select(*each_of(df.columns), size.alias(size_name), F.col(fault).alias(fault_name))

    def _about_bytes(self, df: DataFrame) -> DataFrame | None:
        """The rows, with the size of each and no fault as two columns more; None: the format does not tell it so.

        Columns are named by their places meanwhile: nothing that stands in an expression can be taken for another.
        """
        places = {name: place_name(place) for place, name in enumerate(df.columns)}
        size = self.format.about_bytes(self.kind, RECORD_VALUE, [places[name] for name in self.columns])
        if size is None:
            return None
        # A step of its own, so that an expression of the user's is not evaluated anew for each use of it.
        value = [] if self.columns else [self.value()]
        known = df.select("*", *value).toDF(*places.values(), *([RECORD_VALUE] if value else []))
        about, fault = F.expr(size).alias(RECORD_BYTES), F.lit(None).cast("string").alias(RECORD_FAULT)
        return known.select(*places.values(), about, fault)

    def lines(self, staged_rows: DataFrame, framing: Framing, at_most: int | None = None) -> DataFrame:
        """Returns row number and record with its newline, if it has one; null for a record that no payload can hold.

        Those become null in the JVM, before Arrow sees them.

        Args:
            staged_rows: with their numbers as the first column.
            framing: of the records.
            at_most: bytes of a record of rows that nobody has measured: a larger one ends the job, as one does that
                has a fault; None: they were measured, and none has.
        """
        rendered = self.rendered(staged_rows, staged_rows.columns[:1]).toDF("number", RECORD, "fault")
        if self.one_object:
            # However many tasks read the file, one writes the object, in the order of the numbers.
            rendered = rendered.repartition(1).sortWithinPartitions("number")
        record = F.col(RECORD)
        if framing.newline:
            is_binary = isinstance(self.kind, BinaryType)
            record = F.concat(record, F.lit(b"\n" if is_binary else "\n"))
        most = LARGEST_RECORD_BYTES - len(framing.header) if at_most is None else at_most
        lines = rendered.select("number", record.alias("line"), "fault")
        fits, line = F.octet_length("line") <= most, F.col("line")
        sent = F.when(fits, line)
        if at_most is not None:
            unfit = F.raise_error(F.lit(f"a record of more than {counted(most, 'byte')}, or with a fault"))
            sent = F.when(fits & F.col("fault").isNull(), line).otherwise(unfit)
        return lines.select("number", sent.alias("line"))

    def value(self) -> Column:
        """Returns what is rendered of a row: a struct of its columns, its one column, or the expression."""
        if self.sql is not None:
            return F.expr(self.sql)
        columns = each_of(self.columns)
        return F.col(columns[0]) if self.format.takes_one_value else F.struct(*columns)


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
    fields = {field.name: field for field in schema.fields}
    if sql is not None and sql.strip() == "*":  # which Spark takes for no expression
        raise _of_star(sql)
    kind = _kind_of(spark, schema, sql) if sql is not None else StructType([fields[name] for name in chosen])
    if sql is not None and not is_staged and "*" in sql:  # of thousands of columns an analysis takes a second
        _refuse_star(spark, schema, sql, kind)
    known = record_format(format)
    kind = known.value_kind(kind, key, is_sql=sql is not None)
    return RecordRule(known, kind, chosen, sql, _header(known, kind) if header else "", one_object)


def _header(format: RecordFormat, kind: DataType) -> str:
    try:
        return format.header(kind)
    except ValueError as err:
        raise ConfigurationError(f"record.header: {err}") from err


def _chosen(spark: SparkSession, schema: StructType, columns: Sequence[str] | None) -> tuple[str, ...]:
    """The columns as the input spells them, in the order asked for."""
    key = partial(comparable, case_sensitive=is_case_sensitive(spark))
    spelled = {key(name): name for name in schema.names}
    wanted = schema.names if columns is None else columns
    if missing := names_not_in(wanted, schema.names, case_sensitive=is_case_sensitive(spark)):
        why = "" if schema.names else ": its files are empty, or lack a header"
        raise ConfigurationError(f"record.columns: {no_such('column', missing, 'the input', schema.names)}{why}")
    return tuple(spelled[key(name)] for name in wanted)


def _kind_of(spark: SparkSession, schema: StructType, sql: str) -> DataType:
    """The type of an expression over the input's columns; one for each row, no aggregate and no generator."""
    try:
        # Within a struct a generator is refused, and beside the columns an aggregate is.
        tried = spark.createDataFrame([], schema).select("*", F.struct(F.expr(sql).alias(RECORD)).alias(RECORD))
        struct = tried.schema.fields[-1].dataType
    except PySparkException as err:
        raise ConfigurationError(f"record.sql: {excerpt(sql)}: {said(err)}") from None
    assert isinstance(struct, StructType)
    return struct.fields[0].dataType


def _refuse_star(spark: SparkSession, schema: StructType, sql: str, kind: DataType) -> None:
    """An export has the row's number beside the input's columns, which a `*` would send along."""
    (other,) = free([OTHERS], schema.names)
    if _kind_of(spark, StructType([*schema.fields, StructField(other, StringType())]), sql) != kind:
        raise _of_star(sql)


def _of_star(sql: str) -> ConfigurationError:
    return ConfigurationError(
        f"record.sql: {excerpt(sql)}: has a *; name the columns, or leave it out to send all of them"
    )
