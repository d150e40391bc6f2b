"""Whether the workers may export is known by the record's columns before a staged file is looked at."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pyspark.sql.types import FloatType, LongType, StringType, StructType

from batch_transform.pipeline.tables import file_exporting
from batch_transform.pipeline.tables.file_exporting import exported_by_workers
from batch_transform.records.registry import record_format
from batch_transform.spark.record_rules import RecordRule

PLAIN = StructType().add("id", LongType()).add("text", StringType())


@pytest.fixture
def looked_at(monkeypatch):
    """Whether staged files were looked at; they are none that workers read."""
    found = []
    monkeypatch.setattr(file_exporting, "plain_files", lambda *given: found.append(given))
    return found


def asked(format="jsonlines", kind=PLAIN, sql=None, *, one_object=False):
    rule = RecordRule(record_format(format), kind, tuple(kind.names), sql, "", one_object)
    given = SimpleNamespace(rule=rule, spark=None, staged=None, connect=None)
    return exported_by_workers(given, None)


@pytest.mark.parametrize("format", ["jsonlines", "json"])
def test_of_plain_columns_the_files_decide(looked_at, format):
    assert asked(format) is None
    assert len(looked_at) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"format": "csv"},
        {"kind": StructType([*PLAIN.fields]).add("share", FloatType())},
        {"kind": StructType().add("inner", PLAIN)},
        {"sql": "named_struct('id', id)"},
        {"one_object": True},
    ],
    ids=["another format", "floats of 32 bits", "a struct", "an expression", "one request"],
)
def test_what_workers_do_not_render_is_left_to_spark_and_no_file_is_looked_at(looked_at, other):
    assert asked(**other) is None
    assert looked_at == []
