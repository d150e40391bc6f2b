"""Columns of two tables beside each other, without Spark's JVM."""

from __future__ import annotations

import pytest
from pyspark.sql.types import (
    ArrayType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from batch_transform.outputs.column_types import type_differences


def differences(ours, theirs, **how):
    return list(
        type_differences(
            StructType([StructField("x", ours)]), StructType([StructField("X", theirs)]), "t", **{"exact": False, **how}
        )
    )


def struct(**fields):
    return StructType([StructField(name, kind) for name, kind in fields.items()])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (DoubleType(), FloatType()),
        (LongType(), IntegerType()),
        (LongType(), DoubleType()),
        (StringType(), IntegerType()),
        (IntegerType(), StringType()),
        (DecimalType(10, 2), DecimalType(10, 4)),
        (DecimalType(10, 2), DecimalType(9, 2)),
        (LongType(), DecimalType(10, 0)),
        (TimestampType(), TimestampNTZType()),
        (TimestampType(), DateType()),
        (ArrayType(LongType()), LongType()),
    ],
)
def test_another_type_is_told_with_both_names(ours, theirs):
    assert differences(ours, theirs) == [f"the column x is {ours.simpleString()} here and {theirs.simpleString()} in t"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (IntegerType(), LongType()),
        (FloatType(), DoubleType()),
        (IntegerType(), DoubleType()),
        (DecimalType(10, 2), DecimalType(12, 3)),
        (IntegerType(), DecimalType(12, 1)),
        (DateType(), TimestampNTZType()),
    ],
)
def test_a_type_that_holds_every_value_is_another_one_only_where_that_matters(ours, theirs):
    assert differences(ours, theirs) == []
    assert len(differences(ours, theirs, exact=True)) == 1


def test_nested_columns_are_told_by_their_path():
    ours = struct(
        a=LongType(), b=ArrayType(struct(c=DoubleType())), d=MapType(StringType(), LongType()), e=StringType()
    )
    theirs = struct(A=LongType(), b=ArrayType(struct(C=FloatType())), d=MapType(StringType(), StringType()))
    assert differences(ours, theirs) == [
        "the column x.b.element.c is double here and float in t",
        "the column x.d.value is bigint here and string in t",
        "t has no field x.e",
    ]


def test_nullability_and_columns_of_one_side_are_no_difference():
    ours = StructType([StructField("x", ArrayType(LongType(), False), False), StructField("p", DoubleType())])
    theirs = StructType([StructField("x", ArrayType(LongType(), True)), StructField("q", LongType())])
    assert list(type_differences(ours, theirs, "t", exact=True)) == []
