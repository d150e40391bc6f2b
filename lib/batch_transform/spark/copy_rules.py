"""Where Spark reads the same from a copy of an input's file: what schema, session, options and format say of it."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import ArrayType, DataType, MapType, NumericType, StringType, StructType

from batch_transform.spark.hadoop_files import hadoop_settings_of_files
from batch_transform.spark.nested_kinds import kinds_in
from batch_transform.spark.record_rules import RecordRule
from batch_transform.spark.settings import effective, is_connect, known
from batch_transform.spark.spark_errors import SPARK_ERRORS

# Types that are the same whatever a session says, and of which Parquet holds every value.
_PLAIN = frozenset({"boolean", "binary", "date", "timestamp", "timestamp_ntz"})
_TIMES = frozenset({"date", "timestamp"})
# Of the reader: with others than these it might read something else from the same file.
_AS_READ = {
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.legacy.parquet.nanosAsLong": "false",
    "spark.sql.parquet.binaryAsString": "false",
    # The other reader takes encodings that this one does not, and our own jobs have this one.
    "spark.sql.parquet.enableNestedColumnVectorizedReader": "true",
    "spark.sql.parquet.enableVectorizedReader": "true",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.int96AsTimestamp": "true",
    "spark.sql.parquet.int96TimestampConversion": "false",
}
_CALENDARS = ("spark.sql.parquet.datetimeRebaseModeInRead", "spark.sql.parquet.int96RebaseModeInRead")
# Where they are set, files may be encrypted: a run may go on in a session that has no keys.
_KEYS = ("parquet.crypto.factory.class", "spark.hadoop.parquet.crypto.factory.class")
# By which Spark would encrypt what it writes on S3, and a copy of the driver's is not; s3a has them of one bucket, too.
_ENCRYPTING = ("encryption.algorithm", "server-side-encryption-algorithm")
_ENCRYPTING_OF_EMR = ("fs.s3.enableServerSideEncryption", "fs.s3.cse.enabled")
# They choose among files, and change nothing in them.
_CHOOSING = frozenset({"pathglobfilter", "recursivefilelookup", "modifiedafter", "modifiedbefore", "mergeschema"})


def may_be_copied(
    spark: SparkSession, schema: StructType, options: Iterable[str], rule: RecordRule, place: str
) -> bool:
    """Returns whether Spark reads the same from a copy of a Parquet file, as far as schema and session tell.

    Args:
        spark: the session under which the input is read.
        schema: of the input.
        options: the names of its reader's.
        rule: how a row becomes a record; all of them in one object are not copied, as they lie in one file.
        place: where rows are staged.
    """
    if place.startswith("file:") and not is_of_this_machine(spark):
        return False
    if rule.one_object or not {name.lower() for name in options} <= _CHOOSING or not _is_plain(schema):
        return False
    sent = frozenset(rule.columns)
    unread = StructType([field for field in schema.fields if field.name not in sent])
    if any(isinstance(kind, MapType) for kind in kinds_in(unread)):
        return False  # of which Spark makes no hash, by which it would be read
    if any(known(spark, key) is not None for key in _KEYS):
        return False
    return all(effective(spark, key) in (None, value) for key, value in _AS_READ.items())


def is_cached(df: DataFrame) -> bool:
    """Returns whether the session holds the rows, which need not be those of the files any more."""
    try:
        level = df.storageLevel
    except SPARK_ERRORS:  # a platform that holds none
        return False
    return bool(level.useMemory or level.useDisk)


def encrypts_by_itself(spark: SparkSession, place: str) -> bool:
    """Returns whether Spark is told how to encrypt what it writes on S3, in any bucket or in that of a place."""
    bucket = place.partition("://")[2].partition("/")[0]
    of_s3a = [f"fs.s3a.{which}{name}" for which in ("", f"bucket.{bucket}.") for name in _ENCRYPTING]
    keys, in_files = (*of_s3a, *_ENCRYPTING_OF_EMR), hadoop_settings_of_files()
    said = (known(spark, f"spark.hadoop.{key}") or in_files.get(key, "") for key in keys)
    return any(each.lower() not in ("", "false") for each in said)


def is_of_this_machine(spark: SparkSession) -> bool:
    """Returns whether Spark and this process see the same local files."""
    return not is_connect(spark) and (known(spark, "spark.master") or "").startswith("local")


def is_todays_calendar(spark: SparkSession, schema: StructType) -> bool:
    """Returns whether dates and times are read as of today's calendar where a file does not tell in which they are."""
    has_times = any(kind.typeName() in _TIMES for kind in kinds_in(schema))
    return not has_times or all(effective(spark, key) in (None, "CORRECTED") for key in _CALENDARS)


def _is_plain(kind: DataType) -> bool:
    if isinstance(kind, StructType):
        return all(field.nullable and not field.metadata and _is_plain(field.dataType) for field in kind.fields)
    if isinstance(kind, ArrayType):
        return kind.containsNull and _is_plain(kind.elementType)
    if isinstance(kind, MapType):
        return kind.valueContainsNull and _is_plain(kind.keyType) and _is_plain(kind.valueType)
    return kind == StringType() or isinstance(kind, NumericType) or kind.typeName() in _PLAIN
