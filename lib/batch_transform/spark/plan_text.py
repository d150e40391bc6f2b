"""What Spark prints of a plan."""

from __future__ import annotations

import io
from contextlib import redirect_stdout

from pyspark.sql import DataFrame

from batch_transform.core.cached_scans import cached_locations


def explained(df: DataFrame, mode: str) -> str:
    """Returns what `explain` prints: Spark Connect has no other way to a plan that is public in all versions."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        df.explain(mode=mode)
    return printed.getvalue()


def locations_below_caches(df: DataFrame) -> list[str]:
    """Returns where the rows of cached tables in a plan come from: `inputFiles` sees nothing below a cache."""
    return cached_locations(explained(df, "formatted"), explained(df, "extended"))
