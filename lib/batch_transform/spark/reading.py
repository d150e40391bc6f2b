"""Read the input, and check against its schema what the run file asks for, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from batch_transform.core.errors import ConfigurationError, first_line
from batch_transform.core.predictions import PredictionReader
from batch_transform.core.sizing import is_large
from batch_transform.spark.failures import SPARK_ERRORS
from batch_transform.spark.merging import RAW_PREDICTION, PredictionShape
from batch_transform.spark.record_rules import RECORD, RECORD_VALUE
from batch_transform.spark.settings import SMALL_ROW_GROUPS
from batch_transform.spark.staging import RESERVED


def read_input(
    spark: SparkSession, path: str | None, table: str | None, format: str, options: Mapping[str, str], where: str | None
) -> DataFrame:
    """Returns the input table.

    Raises:
        ConfigurationError: it is missing, cannot be read, or the condition is none on its columns.
    """
    name = table or path
    try:
        df = spark.read.table(table) if table else spark.read.format(format).options(**options).load(path)
        df.schema  # noqa: B018 - Connect analyses only when it is asked
    except PySparkException as err:
        raise ConfigurationError(f"input: {name} cannot be read: {first_line(err)}") from err
    try:
        filtered = df.where(where) if where else df
        filtered.schema  # noqa: B018
    except PySparkException as err:
        raise ConfigurationError(f"input.where: {where}: {first_line(err)}") from err
    return filtered


def has_large_rows(df: DataFrame) -> bool:
    """Returns whether the files of a columnar scan hold large rows, by their sizes and row counts alone.

    Compressed bytes, so it sees rows of megabytes even where they shrink to a twentieth.
    """
    name, size = F.col("_metadata.file_path").alias("name"), F.col("_metadata.file_size").alias("size")
    try:
        files = df.select(name, size).groupBy("name", "size").agg(F.count(F.lit(1)).alias("rows"))
        row = files.agg(F.max(F.col("size") / F.col("rows")).alias("largest")).first()
    except PySparkException:
        return False  # a view, or a source that does not tell its files
    return is_large((row["largest"] if row else None) or 0)


def prediction_shape(
    spark: SparkSession, ddl: str | None, column: str | None, placeholder: str | None = None
) -> PredictionShape:
    """Returns what predictions look like.

    Args:
        spark: parses the schema.
        ddl: the schema; None: one string column, `prediction`.
        column: keeps the fields in one struct column of this name.
        placeholder: begins the lines that are no predictions.

    Raises:
        ConfigurationError: no DDL, or a type that a prediction cannot have.
    """
    if ddl is None:
        return PredictionShape(RAW_PREDICTION, PredictionReader(None, placeholder), column)
    try:
        struct: StructType = spark.createDataFrame([], ddl).schema
    except (PySparkException, TypeError, ValueError) as err:
        raise ConfigurationError(f"prediction.schema: {ddl!r} is no DDL: {first_line(err)}") from err
    nullable = StructType([type(field)(field.name, field.dataType, True) for field in struct.fields])
    return PredictionShape(nullable, PredictionReader(to_arrow_schema(nullable), placeholder), column)


def column_faults(schema: StructType, added: Sequence[str]) -> list[str]:
    """Returns a fault for each name that the published tables would have twice, or that is the pipeline's own."""
    names = [name.lower() for name in schema.names]
    twice = sorted({name for name in names if names.count(name) > 1})
    faults = [f"input: two columns are named {name}, but for upper and lower case" for name in twice]
    own = (*RESERVED, RECORD, RECORD_VALUE)
    faults += [f"input: the column name {name} is used by the pipeline itself" for name in own if name in names]
    faults += [
        f"prediction: the column {name} is in the input already; choose another name or set prediction.column"
        for name in added
        if name.lower() in names
    ]
    if "error" in names:
        faults.append("input: a column named error is in the input, but dead letters add one of that name")
    return faults


def check_storable(spark: SparkSession, schema: StructType, path: str, format: str) -> None:
    """Writes an empty table of `schema` at `path`: what a format refuses would be refused after jobs were paid for.

    Raises:
        ConfigurationError: a type or a name that the format does not take, or a place that Spark cannot write.
    """
    try:
        spark.createDataFrame([], schema).write.format(format).mode("overwrite").options(**SMALL_ROW_GROUPS).save(path)
    except SPARK_ERRORS as err:
        raise ConfigurationError(
            f"input: a {format} table of its columns cannot be written: {first_line(err)}"
        ) from err
