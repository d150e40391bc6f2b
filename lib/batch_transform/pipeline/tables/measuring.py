"""Measures what a run is to publish: its merged files where they are there, else the merge itself."""

from __future__ import annotations

from pyspark.sql import DataFrame

from batch_transform.core.expectations import Expectation, Previous
from batch_transform.spark.expectations import analysed, measured
from batch_transform.spark.prediction_columns import PredictionShape


def measured_rows(
    rows: DataFrame, shape: PredictionShape, expect: tuple[str, ...], previous: Previous | None
) -> list[Expectation]:
    """Returns what is expected of a result as it is.

    Raises:
        ConfigurationError: an expression is none over these columns, which a schema that was inferred tells only now.
    """
    return measured(rows, analysed(rows.sparkSession, rows.schema, shape.names, expect), previous)
