"""What a prediction looks like to Spark, and the columns that it becomes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import DataType, StringType, StructField, StructType, TimestampType

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.predictions.answer_form import PLAIN, AnswerForm
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.reserved_columns import COMPUTED, OTHERS, PROVENANCE, free, place_name
from batch_transform.spark.ddl import parsed_ddl
from batch_transform.spark.error_chains import said
from batch_transform.spark.settings import session_settings

RAW_PREDICTION = StructType([StructField("prediction", StringType())])
PROVENANCE_TYPE = StructType(
    [
        *[StructField(name, StringType()) for name in ("run_id", "model", "job", "object")],
        StructField("scored_at", TimestampType()),
    ]
)
# An odd row must not fail a merge of which everything is paid for: without ANSI an index out of range, a cast that
# fails and a division by zero are null.
SQL_SETTINGS = {"spark.sql.ansi.enabled": "false"}


@dataclass(frozen=True)
class PredictionShape:
    """What a prediction looks like.

    Attributes:
        struct: its fields, to Spark.
        reader: of an output's lines, to Python.
        column: keeps what it becomes in one struct column of this name; None: each is a column.
        sql: expressions over its fields, which it becomes instead of them.
        computed: what the expressions give.
        provenance: whether a column says where it comes from.
    """

    struct: StructType
    reader: PredictionReader
    column: str | None = None
    sql: tuple[str, ...] = ()
    computed: StructType | None = None
    provenance: bool = False

    @property
    def columns(self) -> list[StructField]:
        """The columns that it adds to the table."""
        becomes = self.computed if self.computed is not None else self.struct
        added = [StructField(self.column, becomes)] if self.column else list(becomes.fields)
        return [*added, StructField(PROVENANCE, PROVENANCE_TYPE)] if self.provenance else added

    @property
    def names(self) -> list[str]:
        """Names of the prediction columns, in the order of the result."""
        return [field.name for field in self.columns]


def prediction_shape(
    spark: SparkSession,
    ddl: str | None,
    column: str | None = None,
    placeholder: str | None = None,
    form: AnswerForm = PLAIN,
    sql: Sequence[str] | None = None,
    provenance: bool = False,
) -> PredictionShape:
    """Returns what predictions look like.

    Args:
        spark: parses the schema and the expressions.
        ddl: the schema; None: one string column, `prediction`.
        column: keeps what they become in one struct column of this name.
        placeholder: begins the lines that are no predictions.
        form: how they lie in an output.
        sql: expressions over the fields.
        provenance: whether each has its provenance beside it.

    Raises:
        ConfigurationError: no DDL, a type that a prediction cannot have, or an expression that is none over the fields.
    """
    struct = RAW_PREDICTION if ddl is None else parsed_ddl(spark, "prediction.schema", ddl)
    reader = PredictionReader(_arrow_schema(struct) if ddl is not None else None, placeholder, form)
    computed = _analysed(spark, struct, sql) if sql else None
    return PredictionShape(struct, reader, column, tuple(sql or ()), computed, provenance)


def unknown_shape(column: str | None, placeholder: str | None, form: AnswerForm, provenance: bool) -> PredictionShape:
    """Returns what is known of predictions whose schema is to be inferred from the first of them."""
    struct = RAW_PREDICTION if column else StructType([])
    return PredictionShape(struct, PredictionReader(None, placeholder, form), column, provenance=provenance)


def _arrow_schema(struct: StructType) -> pa.Schema:
    """The schema with timestamps in UTC, which Spark 4.2 wants to be told."""
    convert: Callable[..., pa.Schema] = to_arrow_schema
    told = {"timezone": "UTC"} if "timezone" in inspect.signature(convert).parameters else {}
    return convert(struct, **told)


def _analysed(spark: SparkSession, struct: StructType, sql: Sequence[str]) -> StructType:
    """What the expressions give, analysed on the fields and then as the merge has it.

    All at once, as each analysis takes its time with each of the fields; where that does not do, each alone, which
    tells what is wrong with it.
    """
    with session_settings(spark, SQL_SETTINGS):
        if (together := _values_of(spark, struct, sql)) is not None:
            return together
        found = [_value_of(spark, struct, expression) for expression in sql]
    faults = [f"prediction.sql: {given}" for given in found if isinstance(given, str)]
    if faults:
        raise ConfigurationError(faults)
    return StructType([field for field in found if isinstance(field, StructField)])


def _values_of(spark: SparkSession, struct: StructType, sql: Sequence[str]) -> StructType | None:
    """The columns that the expressions give; None where one of them may be wrong."""
    try:
        schema = spark.createDataFrame([], struct).selectExpr(*sql).schema
        in_place = _types_in_place(spark, struct, sql)
    except PySparkException:
        return None
    if [field.dataType for field in schema.fields] != in_place:
        return None
    return StructType([StructField(field.name, field.dataType) for field in schema.fields])


def _value_of(spark: SparkSession, struct: StructType, expression: str) -> StructField | str:
    """The column that an expression gives, or what is wrong with it."""
    try:
        schema = spark.createDataFrame([], struct).selectExpr(expression).schema
        if len(schema) != 1:
            return f"{expression}: gives {counted(len(schema), 'column')}; each must give one"
        if _types_in_place(spark, struct, [expression]) != [schema[0].dataType]:
            return f"{expression}: has a *; name the fields"
    except PySparkException as err:
        return f"{expression}: {said(err)}; the fields are {struct.simpleString()}"
    return StructField(schema[0].name, schema[0].dataType)


def _types_in_place(spark: SparkSession, struct: StructType, sql: Sequence[str]) -> list[DataType]:
    """Beside a row's other columns an aggregate or a generator is refused, and `*` would be more than the fields."""
    (others,) = free([OTHERS], struct.names)
    beside = StructType([StructField(others, StructType([StructField("x", StringType())])), *struct.fields])
    computed = _with_computed(spark.createDataFrame([], beside), sql).schema[COMPUTED].dataType
    assert isinstance(computed, StructType)
    return [field.dataType for field in computed.fields]


def _with_computed(rows: DataFrame, sql: Sequence[str]) -> DataFrame:
    """The first column of rows, as OTHERS, and what the expressions give of the rest, as COMPUTED."""
    # In a struct: on its own an expression like explode() would make more rows of one.
    values = [F.expr(expression).alias(place_name(place)) for place, expression in enumerate(sql)]
    return rows.select(F.col(rows.columns[0]).alias(OTHERS), F.struct(*values).alias(COMPUTED))


def prediction_columns(
    rows: DataFrame, shape: PredictionShape, outcome: Column, kept: Sequence[Column | str]
) -> tuple[DataFrame, list[Column | str], list[Column]]:
    """Returns rows, the columns of them that are kept, and what their predictions become, as columns of its own.

    The expressions see the prediction's fields alone, also where the input has a column of the same name.

    Args:
        rows: the staged rows with their outcomes.
        shape: of the predictions.
        outcome: the column of the outcomes, a struct in which the prediction's fields are named by their places.
        kept: other columns of the rows.
    """
    fields = [outcome[place_name(place)].alias(name) for place, name in enumerate(shape.struct.names)]
    if shape.computed is None:
        return rows, list(kept), fields
    (others,) = free([OTHERS], shape.struct.names)
    named = [F.col(column) if isinstance(column, str) else column for column in kept]
    packed = F.struct(*[column.alias(place_name(place)) for place, column in enumerate(named)])
    computed = _with_computed(rows.select(packed.alias(others), *fields), shape.sql)
    unpacked: list[Column | str] = [
        F.col(OTHERS)[place_name(place)].alias(field.name, metadata=field.metadata)
        for place, field in enumerate(rows.select(*kept).schema)
    ]
    names = enumerate(shape.computed.names)
    return computed, unpacked, [F.col(COMPUTED)[place_name(place)].alias(name) for place, name in names]
