"""What Spark tells of a plan without computing anything."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout

from pyspark.sql import DataFrame, SparkSession

_SPLITS = re.compile(r"splits=(?:Some\()?(\d+)")


def explained(df: DataFrame, mode: str) -> str:
    """Returns what `explain` prints: Spark Connect has no other way to a plan that is public in all versions."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        df.explain(mode=mode)
    return printed.getvalue()


def parallelism(spark: SparkSession) -> int:
    """Returns how many tasks Spark runs side by side; 1 where it does not tell.

    A plan says it: settings seldom do, and Spark Connect has no context to ask.
    """
    found = _SPLITS.search(explained(spark.range(1), "simple"))
    return int(found[1]) if found else 1
