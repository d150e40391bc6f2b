"""Tables compared with chispa, also where Python cannot hold a value or tell two apart."""

from __future__ import annotations

from chispa import assert_df_equality
from chispa.schema_comparer import assert_schema_equality
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, NullType, StringType

from batch_transform.core.reserved_columns import quoted

# -0.0 equals 0.0, NaN in a list differs from itself, timestamps of the year 9999 overflow in some zones, collated
# strings and intervals of months do not come to Python at all.
_BY_TEXT = ("float", "double", "interval", "variant", "timestamp", "collate", "void")


def assert_same_rows(actual: DataFrame, expected: DataFrame, key: str = "key") -> None:
    """Asserts that two tables have the same schema, but for nullability, and the same rows in any order.

    Args:
        actual: a table.
        expected: the other.
        key: a column without equal values.
    """
    assert_schema_equality(actual.schema, expected.schema, ignore_nullable=True, ignore_metadata=True)
    found, wanted = (df.orderBy(key).select(*_comparable(df)) for df in (actual, expected))
    assert_df_equality(found, wanted, ignore_nullable=True, allow_nan_equality=True)


def _comparable(df: DataFrame) -> list[Column]:
    return [_exact(F.col(quoted(field.name)), field.dataType).alias(field.name) for field in df.schema.fields]


def _exact(column: Column, kind: DataType) -> Column:
    name = kind.simpleString()
    if name == "timestamp":
        return F.unix_micros(column)
    is_text = isinstance(kind, StringType | NullType) or any(word in name for word in _BY_TEXT)
    return column.cast("string") if is_text else column


def assert_same_bag(actual: DataFrame, expected: DataFrame) -> None:
    """Asserts that two tables have the same schema and the same rows, as often; for large ones, as Spark compares.

    Args:
        actual: a table without maps.
        expected: the other.
    """
    assert_schema_equality(actual.schema, expected.schema, ignore_nullable=True, ignore_metadata=True)
    nothing = expected.limit(0)
    assert_df_equality(actual.exceptAll(expected).limit(5), nothing, ignore_nullable=True)
    assert_df_equality(expected.exceptAll(actual).limit(5), nothing, ignore_nullable=True)
