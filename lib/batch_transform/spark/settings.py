"""The Spark settings that a run depends on, set for as long as it needs them and then put back.

A user's session may hold anything: a session that ignored corrupt files lost 250 of 1,000 rows without an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyspark.sql import SparkSession

from batch_transform.core.sizing import ARROW_BATCH_BYTES, MAX_ARROW_BATCH_ROWS, arrow_batch_rows, is_large

RUN_SETTINGS: Mapping[str, str] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.files.maxRecordsPerFile": "0",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    # Dates before 1582 as they are, in both directions.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.binaryAsString": "false",
    "spark.sql.parquet.mergeSchema": "false",
    "spark.sql.parquet.writeLegacyFormat": "false",
    "spark.sql.sources.partitionOverwriteMode": "static",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.pyspark.fallback.enabled": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(MAX_ARROW_BATCH_ROWS),
    "spark.sql.execution.arrow.pythonUDF.columnarInput.enabled": "false",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(ARROW_BATCH_BYTES),  # Spark 4.1 and later
}


# Rows are read one at a time: a columnar batch of 64 records of 20 MB does not fit into a JVM of 2 GB.
ROW_READER: Mapping[str, str] = {
    "spark.sql.parquet.enableVectorizedReader": "false",
    "spark.sql.orc.enableVectorizedReader": "false",
}
# A writer looks at its size after each row at first (its default, after 100, would hold 2 GB of 20 MB rows), and then
# as often as the rows seen so far suggest.
WRITER_OPTIONS: Mapping[str, str] = {
    "parquet.block.size.row.check.min": "1",
    "parquet.page.size.row.check.min": "1",
}
SMALL_ROW_GROUPS: Mapping[str, str] = {**WRITER_OPTIONS, "parquet.block.size": str(32 * 1024 * 1024)}


def large_record_settings(largest_record_bytes: int) -> Mapping[str, str]:
    """Returns the settings with which a task's memory follows from its largest record, in bytes of JSON.

    Spark 3.5 and 4.0 know no byte limit for an Arrow batch (one of 1 GB was seen), so its rows are limited as well.
    """
    rows = {"spark.sql.execution.arrow.maxRecordsPerBatch": str(arrow_batch_rows(largest_record_bytes))}
    return {**rows, **ROW_READER} if is_large(largest_record_bytes) else rows


def writer_options(largest_record_bytes: int) -> Mapping[str, str]:
    """Returns the options of a Parquet writer: small row groups for large records, else the session's own."""
    return SMALL_ROW_GROUPS if is_large(largest_record_bytes) else WRITER_OPTIONS


@contextmanager
def session_settings(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """Sets runtime SQL settings and puts the user's values back at the end, whatever happens."""
    before = {key: spark.conf.get(key, None) for key in settings}
    try:
        for key, value in settings.items():
            spark.conf.set(key, value)
        yield
    finally:
        for key, old in before.items():
            if old is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, old)
