"""Read the input, and check against its schema what the run file asks for, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from batch_transform.core.errors import ConfigurationError, first_line
from batch_transform.core.sizing import is_large
from batch_transform.core.source_identity import FileVersion
from batch_transform.spark.failures import SPARK_ERRORS
from batch_transform.spark.record_rules import RECORD, RECORD_VALUE
from batch_transform.spark.settings import SMALL_ROW_GROUPS, WRITER_SETTINGS, session_settings
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


def file_versions(df: DataFrame) -> list[FileVersion] | None:
    """Returns the files that hold the rows of a scan, with their versions and how many rows of each are in it.

    A columnar format reads little more than its footers for that. None: a view, a join, or a source that does not tell
    its files.
    """
    modified = F.unix_millis(F.col("_metadata.file_modification_time")).alias("modified")
    try:
        told = df.select(
            F.col("_metadata.file_path").alias("name"), F.col("_metadata.file_size").alias("size"), modified
        )
        found = told.groupBy("name", "size", "modified").agg(F.count(F.lit(1)).alias("rows")).collect()
    except PySparkException:
        return None
    return [FileVersion(r["name"], r["size"], r["modified"], r["rows"]) for r in found]


def has_large_rows(df: DataFrame) -> bool:
    """Returns whether the files of a columnar scan hold large rows, by their sizes and row counts alone.

    Compressed bytes, so it sees rows of megabytes even where they shrink to a twentieth.
    """
    return are_large(file_versions(df))


def are_large(files: Sequence[FileVersion] | None) -> bool:
    """Returns whether files hold large rows."""
    return is_large(max((int((file.size_bytes or 0) / (file.rows or 1)) for file in files or ()), default=0))


def column_faults(schema: StructType, added: Sequence[str]) -> list[str]:
    """Returns a fault for each name that the published tables would have twice, or that is the pipeline's own."""
    names = [name.lower() for name in schema.names]
    twice = sorted({name for name in names if names.count(name) > 1})
    faults = [f"input: two columns are named {name}, but for upper and lower case" for name in twice]
    own = (*RESERVED, RECORD, RECORD_VALUE)
    faults += [f"input: the column name {name} is used by the pipeline itself" for name in own if name in names]
    given = [name.lower() for name in added]
    faults += [f"prediction: two columns are named {name}" for name in sorted({n for n in given if given.count(n) > 1})]
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
        with session_settings(spark, WRITER_SETTINGS):
            empty = spark.createDataFrame([], schema)
            empty.write.format(format).mode("overwrite").options(**SMALL_ROW_GROUPS).save(path)
    except SPARK_ERRORS as err:
        raise ConfigurationError(
            f"input: a {format} table of its columns cannot be written: {first_line(err)}"
        ) from err
