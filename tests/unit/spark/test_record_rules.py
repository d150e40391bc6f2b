"""How often Spark is asked about a record's expression: of thousands of columns each time takes a second."""

from __future__ import annotations

import pytest
from pyspark.sql.types import DoubleType, StructField, StructType

from batch_transform.core.errors import ConfigurationError
from batch_transform.spark import record_rules
from batch_transform.spark.record_rules import record_rule

SCHEMA = StructType([StructField(name, DoubleType()) for name in ("a", "b")])


def ruled(monkeypatch, sql):
    """How many columns an expression was analysed over, each time; one with a star is seen by the last one's type."""
    asked = []

    def kind_of(spark, schema, sql):
        asked.append(len(schema.fields))
        return StructType(list(schema.fields)) if "struct(*)" in sql else StructType(list(SCHEMA.fields[:1]))

    monkeypatch.setattr(record_rules, "_kind_of", kind_of)
    record_rule(None, SCHEMA, "jsonlines", None, sql)
    return asked


def test_an_expression_is_analysed_once_but_for_one_that_may_have_a_star(monkeypatch):
    assert ruled(monkeypatch, "struct(a)") == [2]
    assert ruled(monkeypatch, "struct(a * b AS a)") == [2, 3]
    with pytest.raises(ConfigurationError, match=r"has a \*; name the columns"):
        ruled(monkeypatch, "struct(*)")
