"""The Spark settings of the pipeline's own jobs: set around those, and only those, then put back.

What a user's session says holds while their input and their expressions are read and evaluated; `user_session` keeps
that. What is set here holds for what the pipeline writes and reads itself: a session that ignored corrupt files lost
250 of 1,000 staged rows without an error. Where both meet in one Spark job, options of reader and writer say it
(`READER_OPTIONS`, `WRITER_OPTIONS`), and settings that nothing but a writer reads (`WRITER_SETTINGS`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from batch_transform.core.sending.object_sizes import (
    ARROW_BATCH_BYTES,
    MAX_ARROW_BATCH_ROWS,
    arrow_batch_rows,
    is_large,
)
from batch_transform.spark.refused_settings import is_refused, may_be_set

STAGED_FORMAT = "parquet"  # of staged rows, whatever the output is
# The Parquet writer takes these from the session and knows no option for them.
WRITER_SETTINGS: Mapping[str, str] = {
    # Dates before 1582 as they are.
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.writeLegacyFormat": "false",
    "spark.sql.parquet.fieldId.write.enabled": "true",
}
# The Parquet reader takes these from the session and knows no option for them: for jobs whose one scan is of our own
# files. With `binaryAsString` a variant that was written could not be read.
SCAN_SETTINGS: Mapping[str, str] = {
    # The other reader knows neither `_metadata` nor columns without a type.
    "spark.sql.sources.useV1SourceList": "avro,csv,json,kafka,orc,parquet,text",
    "spark.sql.parquet.binaryAsString": "false",
    "spark.sql.parquet.int96AsTimestamp": "true",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
}
_MOST_BATCH_ROWS = "spark.sql.execution.arrow.maxRecordsPerBatch"
_MOST_BATCH_BYTES = "spark.sql.execution.arrow.maxBytesPerBatch"  # Spark 4.1 and later
# Spark asks a batch for its bytes after each row, unless nothing is too many: a tenth of the time that small records
# take to their objects (tests/benchmarks/speed.py).
ANY_BATCH_BYTES: Mapping[str, str] = {_MOST_BATCH_BYTES: str(2**31 - 1)}
# What crosses into Python and back. A Python function of the user's in the same job sees other sizes of its batches.
ARROW_SETTINGS: Mapping[str, str] = {
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.pyspark.fallback.enabled": "false",
    _MOST_BATCH_ROWS: str(MAX_ARROW_BATCH_ROWS),
    "spark.sql.execution.arrow.pythonUDF.columnarInput.enabled": "false",
    _MOST_BATCH_BYTES: str(ARROW_BATCH_BYTES),
}
# Of aggregates whose groups are files: a map task opens a file for each of two hundred partitions otherwise. There is
# nothing to adapt, which takes a job more. They tell their groups, whatever the session has of others.
SMALL_SHUFFLE: Mapping[str, str] = {
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.retainGroupColumns": "true",
}
CASE_SENSITIVE = "spark.sql.caseSensitive"
# Of jobs in which nothing of the user's is evaluated.
OWN_SETTINGS: Mapping[str, str] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.enforceReservedKeywords": "false",  # schemas of our own are text of DDL
    "spark.sql.execution.pandas.structHandlingMode": "legacy",
    CASE_SENSITIVE: "false",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.files.maxRecordsPerFile": "0",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.mergeSchema": "false",
    "spark.sql.sources.partitionOverwriteMode": "static",
    **SCAN_SETTINGS,
    **WRITER_SETTINGS,
    **ARROW_SETTINGS,
}
# Say which names and types there are: the rows that the pipeline's own jobs read and write have the user's.
KEPT_SETTINGS = frozenset(
    {
        CASE_SENSITIVE,
        "spark.sql.collation.allowInMapKeys",
        "spark.sql.geospatial.enabled",
        "spark.sql.legacy.allowNegativeScaleOfDecimal",
        "spark.sql.legacy.charVarcharAsString",
        "spark.sql.preserveCharVarcharTypeInfo",
        "spark.sql.timeType.enabled",
        "spark.sql.udt.allowCreatingUDTFromString",
        "spark.sql.udt.allowedDynamicUDTClasses",
    }
)
# Of a reader of files that this pipeline or the service wrote: none of their rows may be missing.
WHOLE_FILES: Mapping[str, str] = {"ignoreCorruptFiles": "false", "ignoreMissingFiles": "false"}
READER_OPTIONS: Mapping[str, str] = {
    **WHOLE_FILES,
    "datetimeRebaseMode": "CORRECTED",
    "int96RebaseMode": "CORRECTED",
    "mergeSchema": "false",
}

# Rows are read one at a time: a columnar batch of 64 records of 20 MB does not fit into a JVM of 2 GB.
ROW_READER: Mapping[str, str] = {
    "spark.sql.parquet.enableVectorizedReader": "false",
    "spark.sql.orc.enableVectorizedReader": "false",
}
# A writer looks at its size after each row at first (its default, after 100, would hold 2 GB of 20 MB rows), and then
# as often as the rows seen so far suggest.
WRITER_OPTIONS: Mapping[str, str] = {
    "maxRecordsPerFile": "0",
    "partitionOverwriteMode": "static",
    "parquet.block.size.row.check.min": "1",
    "parquet.page.size.row.check.min": "1",
}
SMALL_ROW_GROUPS: Mapping[str, str] = {**WRITER_OPTIONS, "parquet.block.size": str(32 * 1024 * 1024)}
# Of staged rows, which are written once and read twice: a dictionary is tried anew in each small row group, and given
# up there for most numbers. Without one, staging takes a fifth less and the merge a tenth (tests/benchmarks/speed.py).
STAGED_OPTIONS: Mapping[str, str] = {**SMALL_ROW_GROUPS, "parquet.enable.dictionary": "false"}


def large_record_settings(largest_record_bytes: int) -> Mapping[str, str]:
    """Returns the settings with which a task's memory follows from its largest record, in bytes of JSON.

    Spark 3.5 and 4.0 know no byte limit for an Arrow batch (one of 1 GB was seen), so its rows are limited as well.
    """
    rows = {_MOST_BATCH_ROWS: str(arrow_batch_rows(largest_record_bytes))}
    return {**rows, **ROW_READER} if is_large(largest_record_bytes) else rows


def writer_options(largest_record_bytes: int) -> Mapping[str, str]:
    """Returns the options of a Parquet writer: small row groups for large records, else the session's own."""
    return SMALL_ROW_GROUPS if is_large(largest_record_bytes) else WRITER_OPTIONS


@contextmanager
def session_settings(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[frozenset[str]]:
    """Sets runtime SQL settings and puts the user's values back at the end, whatever happens.

    A setting that the platform has taken out of its users' hands stays as it is; yields those (`refused_settings`).
    """
    before: dict[str, str | None] = {}
    try:
        for key, value in settings.items():
            _set(spark, key, value, before)
        yield frozenset(settings.keys() - before.keys())
    finally:
        for key, earlier in before.items():
            put_back(spark, key, earlier)


def _set(spark: SparkSession, key: str, value: str, before: dict[str, str | None]) -> None:
    if not may_be_set(key):
        return
    try:
        before[key] = spark.conf.get(key, None)
        spark.conf.set(key, value)
    except PySparkException as err:
        if not is_refused(err):
            raise
        before.pop(key, None)


def put_back(spark: SparkSession, key: str, value: str | None) -> None:
    """Sets a setting to what it was; None: it was not set."""
    if value is None:
        spark.conf.unset(key)
    else:
        spark.conf.set(key, value)


def is_connect(told: SparkSession | DataFrame) -> bool:
    """Returns whether a session, or a table of one, is Spark Connect's, which has no JVM beside the driver."""
    return ".connect." in type(told).__module__


def effective(spark: SparkSession, key: str) -> str | None:
    """Returns the value in effect, set or default; None where this Spark does not know the setting or tell it."""
    try:
        return spark.conf.get(key)
    except PySparkException:
        return None


def known(spark: SparkSession, key: str) -> str | None:
    """Returns what is set; None where nothing is, or where a platform shows its users no such setting."""
    try:
        return spark.conf.get(key, None)
    except PySparkException as err:
        if is_refused(err):
            return None
        raise


def is_case_sensitive(spark: SparkSession) -> bool:
    """Returns whether the session tells names apart that differ by upper and lower case only."""
    return (effective(spark, CASE_SENSITIVE) or "").lower() == "true"
