"""Tables that cross to Python workers and back: what Spark is told of their Arrow schemas, and how they are fetched."""

from __future__ import annotations

import warnings

import pyarrow as pa
from pyspark.sql import DataFrame
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


def fetched(df: DataFrame, schema: pa.Schema) -> pa.Table:
    """Returns all rows of a DataFrame, which has the columns of a schema, as Arrow.

    Where a job fails `toPandas` warns with Spark's words, in which a row may stand.
    """
    if hasattr(df, "toArrow"):  # Spark 4.0 and later
        columns = df.toArrow().columns
        return pa.Table.from_arrays([c.cast(f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = df.toPandas()
    # A column of longs with nulls comes as floats: what may be null here, such as a line's number, is far below 2^53.
    return pa.Table.from_pandas(rows, schema=schema, preserve_index=False)


def _spark_type(kind: pa.DataType) -> DataType:
    if pa.types.is_list(kind):
        return ArrayType(_spark_type(kind.value_type))
    return spark_schema(kind) if pa.types.is_struct(kind) else _PLAIN[kind]
