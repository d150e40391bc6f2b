"""Measures what a run is to publish: its merged files where they are there, else the merge itself."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from batch_transform.core.expectations import Expectation, Previous
from batch_transform.core.staged_table import Staged
from batch_transform.outputs.written_tables import WrittenTable
from batch_transform.pipeline.places import Places
from batch_transform.spark.exact_reading import read_exactly
from batch_transform.spark.expectations import analysed, measured
from batch_transform.spark.prediction_columns import PredictionShape
from batch_transform.spark.user_session import zone_of


def measured_rows(
    rows: DataFrame, shape: PredictionShape, expect: tuple[str, ...], previous: Previous | None
) -> list[Expectation]:
    """Returns what is expected of a result as it is.

    Raises:
        ConfigurationError: an expression is none over these columns, which a schema that was inferred tells only now.
    """
    return measured(rows, analysed(rows.sparkSession, rows.schema, shape.names, expect), previous)


def written_rows(
    spark: SparkSession, schema: StructType, written: WrittenTable, format: str, places: Places, staged: Staged
) -> DataFrame:
    """Returns the rows of merged files; of their columns those are read that are used."""
    root = places.spark_path(written.tree.location)
    files = [f"{root}/{file.name}" for file in written.files]
    if not files:
        return spark.createDataFrame([], schema)
    return read_exactly(spark, schema, files, format, timeZone=zone_of(staged), basePath=root)
