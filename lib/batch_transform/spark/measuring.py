"""Measure the records of a table exactly, in one aggregation, without writing anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch_transform.core.limits import LARGEST_RECORD_BYTES
from batch_transform.core.measured import LaneSize, Measured
from batch_transform.core.spans import OVERSIZE, STANDARD, UNSENDABLE
from batch_transform.spark.rendering import record_json
from batch_transform.spark.settings import ROW_READER, session_settings


def measure(df: DataFrame, columns: Sequence[str], oversize_bytes: int, *, rows_are_large: bool = False) -> Measured:
    """Returns the sizes of the records as an export would write them, by lane.

    Args:
        df: the input.
        columns: those that make the record.
        oversize_bytes: the record size, with its newline, above which the oversize lane begins.
        rows_are_large: whether the scan should read row by row.
    """
    line = F.octet_length(F.coalesce(record_json(columns), F.lit("{}"))).cast("long") + 1
    size = F.col("size")
    lane = F.when(size > LARGEST_RECORD_BYTES, UNSENDABLE).when(size > oversize_bytes, OVERSIZE).otherwise(STANDARD)
    settings: Mapping[str, str] = ROW_READER if rows_are_large else {}
    with session_settings(df.sparkSession, settings):
        found = (
            df.select(line.alias("size"))
            .groupBy(lane.alias("lane"))
            .agg(F.count(F.lit(1)).alias("rows"), F.sum(size).alias("bytes"), F.max(size).alias("largest"))
            .collect()
        )
    return Measured({row["lane"]: LaneSize(row["rows"], row["bytes"], row["largest"]) for row in found})
