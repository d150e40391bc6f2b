"""Options of readers that Spark does not look at before a row asks for them, or never says to be wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.unread_inputs import pattern_fault, word_faults
from batch_transform.spark.settings import effective, session_settings
from batch_transform.spark.spark_errors import SPARK_ERRORS

_PATTERNS = frozenset({"dateformat", "timestampformat", "timestampntzformat"})
_OF_TEXTS = {"csv": 3, "json": 3, "xml": 4}  # since which Spark they are its own: others' readers know more patterns
_POLICY = "spark.sql.legacy.timeParserPolicy"
# A pattern is looked at before the text is, which is none of any pattern's.
_TEXT, _NOT_OF_IT = "-", "PARSE_DATETIME_BY_NEW_PARSER"


def check_options(spark: SparkSession, format: str, options: Mapping[str, str]) -> None:
    """Checks words and patterns among the options of a reader; no file is looked at.

    Raises:
        ConfigurationError: Spark does not know one.
    """
    faults = word_faults(format, options)
    named = {name: value for name, value in options.items() if name.lower() in _PATTERNS}
    is_sparks = int(spark.version.partition(".")[0]) >= _OF_TEXTS.get(format.lower(), math.inf)
    # The legacy policy has parsers of its own for readers.
    if named and is_sparks and (effective(spark, _POLICY) or "").upper() != "LEGACY":
        faults += [pattern_fault(name) for name, value in named.items() if not _is_pattern(spark, value)]
    if faults:
        raise ConfigurationError(faults)


def _is_pattern(spark: SparkSession, value: str) -> bool:
    with session_settings(spark, {"spark.sql.ansi.enabled": "false"}):
        try:
            spark.range(0, 1, 1, 1).select(F.to_timestamp(F.lit(_TEXT), value)).collect()
        except SPARK_ERRORS as err:
            return _NOT_OF_IT in str(err)
    return True
