"""Tables without rows, and files of such a one: Spark writes none where there is no row to put into a partition."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ByteType,
    DataType,
    DateType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from batch_transform.core.reserved_columns import comparable
from batch_transform.spark.settings import is_case_sensitive

_TEXT = "empty"
# Values of which Spark infers the type again (PartitioningUtils.inferPartitionColumnValue).
_VALUES: tuple[tuple[tuple[type[DataType], ...], str], ...] = (
    ((LongType,), str(2**63 - 1)),
    ((IntegerType, ShortType, ByteType), "0"),
    ((DateType,), "1970-01-01"),
    ((TimestampType, TimestampNTZType), "1970-01-01 00:00:00"),
    ((DoubleType, FloatType), "0.5"),
)
# ExternalCatalogUtils.escapePathName
_ESCAPED = re.compile(r"[\x01-\x1f\x7f\"#%'*/:=?\\{\[\]^]")


def without_rows(spark: SparkSession, schema: StructType) -> DataFrame:
    """Returns a table of these columns that takes no Python worker, as one of an empty list does, of all that it has.

    Unless a column is never null: only of a list is it so, and Delta refuses what is never null within one that may be.
    """
    if not all(field.nullable for field in schema.fields):
        return spark.createDataFrame([], schema)
    return spark.range(1).select(F.lit(None).cast(schema).alias(_TEXT)).select(f"{_TEXT}.*").limit(0)


def write_empty(df: DataFrame, partition_by: Sequence[str], format: str, path: str, options: Mapping[str, str]) -> None:
    """Writes one file without rows into a partition below `path`, of which Spark infers the schema of `df`.

    Args:
        df: a table, of which nothing is computed.
        partition_by: columns of it.
        format: of the file.
        path: a folder without data files.
        options: of the writer.
    """
    spark, fields = df.sparkSession, partitions_last(df.sparkSession, df.schema, partition_by).fields
    first = len(fields) - len(partition_by)
    folder = empty_partition(fields[first:])
    rows = without_rows(spark, StructType(fields[:first]))
    rows.write.format(format).mode("overwrite").options(**options).save(f"{path}/{folder}")


def partitions_last(spark: SparkSession, schema: StructType, partition_by: Sequence[str]) -> StructType:
    """Returns a table's columns as Spark gives them that reads it: those of the partitions are the last."""
    key = partial(comparable, case_sensitive=is_case_sensitive(spark))
    fields = {key(field.name): field for field in schema.fields}
    partitions = [fields.pop(key(name)) for name in partition_by]
    # A folder is called as it was asked for.
    named = [StructField(name, field.dataType) for name, field in zip(partition_by, partitions, strict=True)]
    return StructType([*fields.values(), *named])


def empty_partition(columns: Sequence[StructField]) -> str:
    """Returns the folder of a partition whose values tell the types of its columns, as far as a path can."""
    return "/".join(f"{_escape(column.name)}={_escape(_value(column.dataType))}" for column in columns)


def _value(kind: DataType) -> str:
    return next((value for kinds, value in _VALUES if isinstance(kind, kinds)), _TEXT)


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda found: f"%{ord(found[0]):02X}", text)
