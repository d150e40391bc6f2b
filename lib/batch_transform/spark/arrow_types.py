"""What Spark is told of tables that cross to Python workers: the types of their Arrow schemas."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

_PLAIN: dict[pa.DataType, DataType] = {
    pa.bool_(): BooleanType(),
    pa.int32(): IntegerType(),
    pa.int64(): LongType(),
    pa.string(): StringType(),
    pa.binary(): BinaryType(),
    pa.timestamp("us", tz="UTC"): TimestampType(),
}


def spark_schema(fields: pa.Schema | pa.StructType) -> StructType:
    """Returns the same columns to Spark, each nullable: whether nulls may come is checked where Arrow has them again.

    Raises:
        KeyError: a type that no table of a run has.
    """
    return StructType([StructField(field.name, _spark_type(field.type)) for field in fields])


def _spark_type(kind: pa.DataType) -> DataType:
    if pa.types.is_list(kind):
        return ArrayType(_spark_type(kind.value_type))
    return spark_schema(kind) if pa.types.is_struct(kind) else _PLAIN[kind]
