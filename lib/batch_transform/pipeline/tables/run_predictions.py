"""What a run's predictions look like: as the run file says, or as it was inferred from the first of them."""

from __future__ import annotations

from pyspark.sql import SparkSession

from batch_transform.config.runfile import RunConfig
from batch_transform.spark.prediction_columns import PredictionShape, prediction_shape, unknown_shape


def shape_of(spark: SparkSession, config: RunConfig, inferred: str | None) -> PredictionShape:
    """Returns what predictions look like; of those whose schema is still to be inferred, what is known.

    Args:
        spark: parses schema and expressions.
        config: the checked configuration.
        inferred: the schema as the ledger has it, None if it has none.

    Raises:
        ConfigurationError: the schema or an expression is wrong.
    """
    asked = config.prediction
    if asked.is_inferred and inferred is None:
        return unknown_shape(asked.column, asked.placeholder, config.answer_form, asked.provenance)
    ddl = inferred if asked.is_inferred else asked.ddl
    form = config.answer_form
    return prediction_shape(spark, ddl, asked.column, asked.placeholder, form, asked.sql, asked.provenance)
