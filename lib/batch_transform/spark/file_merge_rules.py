"""Where the workers may merge files themselves: of which types, in which session, and of which staged files."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from pyspark.sql.types import (
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from batch_transform.core.copied_files import is_of_todays_calendar
from batch_transform.spark.hadoop_files import hadoop_settings_of_files
from batch_transform.spark.settings import effective
from batch_transform.spark.spark_errors import SPARK_ERRORS

# Whose values Parquet has in one way, which Spark and pyarrow read and write alike.
_TYPES: Mapping[type[DataType], pa.DataType] = {
    BooleanType: pa.bool_(),
    ByteType: pa.int8(),
    ShortType: pa.int16(),
    IntegerType: pa.int32(),
    LongType: pa.int64(),
    FloatType: pa.float32(),
    DoubleType: pa.float64(),
    StringType: pa.string(),
    BinaryType: pa.binary(),
    DateType: pa.date32(),
    TimestampType: pa.timestamp("us", tz="UTC"),
    TimestampNTZType: pa.timestamp("us"),
}
_TIMES = (pa.date32(), pa.timestamp("us", tz="UTC"), pa.timestamp("us"))
# What Spark calls a compression, and pyarrow; of others Spark alone knows which they are.
_CODECS = {"snappy": "snappy", "gzip": "gzip", "zstd": "zstd", "none": "none", "uncompressed": "none"}
# What Spark's Parquet writer takes from Hadoop's settings: its sizes, filters and keys.
_WRITERS = ("parquet.", "spark.hadoop.parquet.")


def plain_columns(fields: StructType) -> pa.Schema | None:
    """Returns columns as pyarrow reads and writes them; None: one is of another type, or has something said of it.

    By their names, in which a dot is a field within a column.
    """
    found = [_TYPES.get(type(field.dataType)) for field in fields]
    texts = [field for field in fields if isinstance(field.dataType, StringType)]
    if any(kind is None for kind in found) or any(field.dataType != StringType() for field in texts):
        return None
    if any(field.metadata or "." in field.name for field in fields) or len(set(fields.names)) < len(fields):
        return None
    return pa.schema(list(zip(fields.names, found, strict=True)))


def are_plain(answers: pa.StructType) -> bool:
    """Returns whether a prediction's fields are such columns, or lists of such values."""
    kinds = {field.type.value_type if pa.types.is_list(field.type) else field.type for field in answers}
    return kinds <= set(_TYPES.values())


def plain_codec(spark: SparkSession) -> str | None:
    """Returns how pages are compressed, as pyarrow calls it; None: Spark is told more of how it writes Parquet."""
    if not hasattr(pq.ParquetWriter, "add_key_value_metadata"):
        return None  # before pyarrow 16
    codec = effective(spark, "spark.sql.parquet.compression.codec") or ""
    try:
        keys = {row["key"] for row in spark.sql("SET").collect()}
    except SPARK_ERRORS:  # a platform that does not list them
        return None
    if any(key.startswith(_WRITERS) for key in (*keys, *hadoop_settings_of_files())):
        return None
    return _CODECS.get(codec.lower())


def are_read_alike(columns: pa.Schema, found: pa.Schema, notes: Mapping[bytes, bytes]) -> bool:
    """Returns whether pyarrow reads of a staged file what Spark does.

    Args:
        columns: that are read.
        found: in the file, as pyarrow reads it.
        notes: of the file.
    """
    if any(len(found.get_all_field_indices(each.name)) != 1 for each in columns):
        return False
    if any(_as_written(found.field(each.name).type) != each.type for each in columns):
        return False
    return is_of_todays_calendar(notes) or not any(kind in _TIMES for kind in columns.types)


def _as_written(kind: pa.DataType) -> pa.DataType:
    """A type without what only pyarrow's notes say of it: how long its offsets are, and a zone's name."""
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_large_binary(kind):
        return pa.binary()
    return pa.timestamp(kind.unit, "UTC") if pa.types.is_timestamp(kind) and kind.tz else kind
