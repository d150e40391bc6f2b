"""How large records are about, as an expression that Spark can take in, however many columns there are."""

from __future__ import annotations

import re

import pytest
from pyspark.sql.types import LongType, StringType, StructField, StructType

from batch_transform.records.json_sizes import json_bytes, object_bytes

KINDS = [LongType(), StringType()]


def wide(columns):
    return StructType([StructField(f"f{place}", KINDS[place % 2]) for place in range(columns)])


def depth(expression):
    """How deep expressions lie in each other, as a parser has it: a row of sums has each in the one behind it."""
    deepest = 0
    rows = [0]
    for token in re.findall(r"\(|\)| \+ ", expression):
        if token == "(":
            rows.append(0)
        elif token == ")":
            rows.pop()
        else:
            rows[-1] += 1
        deepest = max(deepest, len(rows) + sum(rows))
    return deepest


@pytest.mark.parametrize("columns", [1, 16, 300, 5_000])
def test_a_wide_record_is_no_deep_expression(columns):
    """Each term in the one before it, 300 columns ended a JVM's stack."""
    kind = wide(columns)
    asked = object_bytes(kind, [f"c{place}" for place in range(columns)])
    assert depth(asked) < 80
    assert depth(json_bytes(kind, "value")) < 80


def test_no_sum_is_of_whole_numbers():
    """Of those Spark makes one row of each sum, however it is written."""
    asked = object_bytes(wide(40), [f"c{place}" for place in range(40)])
    assert not re.search(r"\b\d+\b(?!D)", asked.replace("c", " c").replace(" c", "c_"))


@pytest.mark.parametrize("name", ["a.b", "a b", "a`b", "", "n\n"])
def test_a_field_that_spark_may_take_for_a_pattern_is_not_named(name):
    kind = StructType([StructField(name, LongType()), StructField("plain", LongType())])
    assert "plain" not in json_bytes(kind, "value")
    assert json_bytes(kind, "value").count("to_json") == 1
