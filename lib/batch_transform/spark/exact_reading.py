"""Read what the pipeline wrote as it was written, whatever the session says.

Options say most of it. What a column's metadata asks for, the session grants or not: CHAR is padded or is not, columns
are found by their Parquet field ids or by name. So the reader is not told of it, and the columns have it again after.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, StructField, StructType

from batch_transform.core.plain_paths import escaped
from batch_transform.core.reserved_columns import quoted
from batch_transform.spark.settings import READER_OPTIONS, STAGED_FORMAT

_READ_BY = ("__CHAR_VARCHAR_TYPE_STRING", "parquet.field.id")


def read_exactly(
    spark: SparkSession, schema: StructType, paths: Sequence[str], format: str = STAGED_FORMAT, **options: str
) -> DataFrame:
    """Returns the rows of files that were written with `schema`.

    Args:
        spark: the session.
        schema: of the rows, partition columns included.
        paths: the files; at least one.
        format: of the files.
        options: of the reader, besides those that make it exact.
    """
    plain = StructType([_plain(field) for field in schema.fields])
    reader = spark.read.schema(plain).format(format).options(**READER_OPTIONS, **options)
    rows = reader.load([escaped(path) for path in paths])
    if plain == schema:
        return rows
    return rows.select(*[F.col(quoted(field.name)).alias(field.name, metadata=field.metadata) for field in schema])


def _plain(field: StructField) -> StructField:
    told: dict[str, Any] = {key: value for key, value in field.metadata.items() if key not in _READ_BY}
    return StructField(field.name, _plain_kind(field.dataType), field.nullable, told)


def _plain_kind(kind: DataType) -> DataType:
    if isinstance(kind, StructType):
        return StructType([_plain(field) for field in kind.fields])
    if isinstance(kind, ArrayType):
        return ArrayType(_plain_kind(kind.elementType), kind.containsNull)
    if isinstance(kind, MapType):
        return MapType(_plain_kind(kind.keyType), _plain_kind(kind.valueType), kind.valueContainsNull)
    return kind
