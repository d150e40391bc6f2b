"""What a run may set on compute that keeps settings from its users, and what it then says that it cannot promise."""

from __future__ import annotations

import pytest
from pyspark.errors import AnalysisException

from batch_transform.pipeline.checks.all_checks import refused_settings
from batch_transform.spark.refused_settings import SERVERLESS_SETTINGS, is_refused, may_be_set, without
from batch_transform.spark.settings import OWN_SETTINGS, ROW_READER, STAGED_FORMAT, session_settings

WANTED = {**OWN_SETTINGS, **ROW_READER}
CORRUPT, BINARY = "spark.sql.files.ignoreCorruptFiles", "spark.sql.parquet.binaryAsString"
SOURCES, OLD = "spark.sql.sources.useV1SourceList", "spark.sql.parquet.datetimeRebaseModeInWrite"
BATCH = "spark.sql.execution.arrow.maxRecordsPerBatch"
NOT_AVAILABLE = "[CONFIG_NOT_AVAILABLE] Configuration {} is not available. SQLSTATE: 42K0I"
GUARDED = '[CANNOT_MODIFY_CONFIG] Cannot modify the value of the Spark config: "{}". SQLSTATE: 46110'


class Guarded:
    """A session that refuses to set what is not `free`, and tells of that what is in `told` alone."""

    def __init__(self, free=frozenset(), told=None, message=NOT_AVAILABLE):
        self.conf, self.free, self.told, self.message = self, free, told or {}, message
        self.values, self.asked, self.touched = {}, [], set()

    def get(self, key, *default):
        self.asked.append(key)
        if key not in self.free and key not in self.told:
            raise AnalysisException(self.message.format(key))
        return self.values.get(key, self.told.get(key, *default[:1]))

    def set(self, key, value):
        self.asked.append(key)
        if key not in self.free:
            raise AnalysisException(self.message.format(key))
        self.values[key] = value
        self.touched.add(key)

    def unset(self, key):
        self.values.pop(key)


@pytest.mark.parametrize("message", [NOT_AVAILABLE, GUARDED])
def test_what_is_refused_stays_as_it_is_and_the_rest_is_set_and_put_back(message):
    spark = Guarded(SERVERLESS_SETTINGS, {BATCH: "7"}, message)
    with session_settings(spark, WANTED) as refused:
        assert refused == WANTED.keys() - SERVERLESS_SETTINGS
        assert spark.values == {key: WANTED[key] for key in SERVERLESS_SETTINGS & WANTED.keys()}
    assert spark.values == {}


def test_a_value_that_spark_does_not_take_is_no_refusal_of_a_platform():
    spark = Guarded(message="[INVALID_CONF_VALUE.TIME_ZONE] The value 'x' in the config {} is invalid")
    with pytest.raises(AnalysisException, match="INVALID_CONF_VALUE"), session_settings(spark, WANTED):
        pass


def test_on_serverless_compute_nothing_is_asked_for_that_is_refused_there(monkeypatch):
    monkeypatch.setenv("IS_SERVERLESS", "TRUE")
    spark = Guarded(SERVERLESS_SETTINGS)
    with session_settings(spark, WANTED) as refused:
        assert refused == WANTED.keys() - SERVERLESS_SETTINGS
    assert set(spark.asked) == SERVERLESS_SETTINGS & WANTED.keys()
    assert not may_be_set("spark.sql.shuffle.partition")
    monkeypatch.setenv("IS_SERVERLESS", "false")
    assert may_be_set(BATCH)


def test_what_serverless_compute_refuses_is_said_and_ends_no_run():
    found = refused_settings(Guarded(SERVERLESS_SETTINGS), {})
    assert found.faults == ()
    kept = len(WANTED.keys() - SERVERLESS_SETTINGS)
    assert found.warning.startswith(
        f"this session keeps {kept} of the {len(WANTED)} Spark settings of a run from it; so"
    )
    assert "a task's memory follows from the largest record" in found.warning
    assert "nor that dates before 1582-10-15" in found.warning


def test_where_all_is_taken_nothing_is_said():
    spark = Guarded(WANTED.keys())
    found = refused_settings(spark, {})
    assert (found.faults, found.warning) == ((), "")
    assert spark.touched == WANTED.keys()
    assert spark.values == {}


@pytest.mark.parametrize(
    ("key", "held", "is_fault"),
    [
        (BINARY, "true", True),
        (BINARY, "False", False),
        (BINARY, None, False),  # nobody tells: Spark's default, as no user can have changed it
        (SOURCES, "avro, Parquet", False),
        (SOURCES, "avro,csv", True),
        ("spark.sql.session.timeZone", "Asia/Tokyo", True),
        (CORRUPT, "true", False),  # an option of each of our readers says it
        (OLD, "EXCEPTION", False),
        (BATCH, "1000000", False),
    ],
)
def test_a_value_that_is_held_and_would_change_rows_ends_the_run_before_anything_is_paid(key, held, is_fault):
    found = without(WANTED, {key: held}, STAGED_FORMAT)
    assert bool(found.faults) == is_fault
    if is_fault:
        assert found.faults[0].startswith(f"{key} is {held} in this session, which takes no other value; ")
        assert "dedicated access mode" in found.faults[0]


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ({BATCH: WANTED[BATCH]}, "largest record"),
        ({OLD: "EXCEPTION"}, "1582"),
        ({OLD: None}, "1582"),
        ({OLD: "CORRECTED"}, ""),
    ],
)
def test_only_what_is_lost_is_said(held, told):
    warning = without(WANTED, held, STAGED_FORMAT).warning
    assert told in warning
    assert bool(warning) == bool(told)
    assert " nor " not in warning


def test_a_refusal_is_known_by_its_condition():
    assert is_refused(AnalysisException(NOT_AVAILABLE.format(BATCH)))
    assert is_refused(AnalysisException(GUARDED.format(BATCH)))
    assert not is_refused(AnalysisException("[TABLE_OR_VIEW_NOT_FOUND] The table cannot be found."))
