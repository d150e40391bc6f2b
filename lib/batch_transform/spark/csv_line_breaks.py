"""Told before anything is sent: CSV whose values have line breaks, which Spark reads as more rows without a word."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from batch_transform.core.csv_lines import breaks_off, csv_form
from batch_transform.spark.input_reading import InputTable
from batch_transform.spark.spark_errors import SPARK_ERRORS

# The first lines, but for those that would fill the driver.
_LINES, _MOST_CHARACTERS = 1_000, 20_000
WARNING = (
    "input: a line of its CSV begins a value in quotes and does not end it: where values have line breaks, Spark takes "
    "each line for a row unless input.options has multiLine: true"
)


def line_break_warning(spark: SparkSession, given: InputTable) -> str | None:
    """Returns what is told of an input whose first lines are no whole records; None: they are, or nobody can tell."""
    if given.format.lower() != "csv" or given.path is None or csv_form(given.options) is None:
        return None
    try:
        lines = spark.read.format("text").options(**given.options).load(given.read_path)
        # Below the limit nothing is filtered, or all of the input would be read where no line is short.
        short = F.when(F.length("value") <= _MOST_CHARACTERS, F.col("value"))
        some: list[Any] = lines.select(short.alias("value")).limit(_LINES).collect()
    except SPARK_ERRORS:
        return None  # whatever it is, the reader of CSV says it in its own words
    told = (row["value"] for row in some if row["value"] is not None)
    return WARNING if breaks_off(told, given.options) else None
