"""The user's settings are read and held by their names alone, also where a platform refuses some of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from pyspark.errors import AnalysisException

from batch_transform.core.errors import ServiceFailure
from batch_transform.core.staged_table import Staged
from batch_transform.spark.settings import OWN_SETTINGS, WRITER_SETTINGS, session_settings
from batch_transform.spark.user_session import settings_to_record, user_session, zone_of

ZONE, PARSER, ANSI = "spark.sql.session.timeZone", "spark.sql.legacy.timeParserPolicy", "spark.sql.ansi.enabled"
DEFAULTS = {ZONE: "Etc/UTC", ANSI: "true", PARSER: "CORRECTED"}
UNSET = object()


@dataclass
class Conf:
    """Spark's runtime configuration; keys that are `refused` are out of the user's hands."""

    values: dict[str, str]
    refused: frozenset[str] = frozenset()
    asked: set[str] = field(default_factory=set)

    def _check(self, key):
        self.asked.add(key)
        if key in self.refused:
            raise AnalysisException(f"[CONFIG_NOT_AVAILABLE] Configuration {key} is not available. SQLSTATE: 42K0I")

    def get(self, key, default=UNSET):
        self._check(key)
        if default is UNSET and key not in self.values and key not in DEFAULTS:
            raise AnalysisException(f"[SQL_CONF_NOT_FOUND] {key}")
        return self.values.get(key, DEFAULTS.get(key) if default is UNSET else default)

    def set(self, key, value):
        self._check(key)
        self.values[key] = value

    def unset(self, key):
        self._check(key)
        self.values.pop(key, None)


@dataclass
class Session:
    """A session that lists its settings, unless it is of a platform that does not."""

    conf: Conf
    lists: bool = True

    def sql(self, text):
        if not self.lists:
            raise AnalysisException("[CONFIG_NOT_AVAILABLE] SET")
        return self

    def collect(self):
        return [{"key": key, "value": "*********(redacted)"} for key in self.conf.values]


def session(*refused, lists=True, **values):
    return Session(Conf({**values}, frozenset(refused)), lists)


def staged(**settings):
    return Staged("{}", (), settings=tuple(settings.items()))


@pytest.mark.parametrize("lists", [True, False])
def test_what_is_set_is_recorded_and_nothing_else_is_asked_for(lists):
    spark = session(lists=lists, **{PARSER: "LEGACY", "spark.hadoop.fs.s3a.secret.key": "hush", "spark.my.token": "t"})
    assert settings_to_record(spark) == {PARSER: "LEGACY", ZONE: "Etc/UTC", ANSI: "true"}
    assert not {"spark.hadoop.fs.s3a.secret.key", "spark.my.token"} & spark.conf.asked


def test_settings_that_a_platform_refuses_are_left_out():
    spark = session(ANSI, PARSER, **{ZONE: "Asia/Tokyo", PARSER: "LEGACY"})
    assert settings_to_record(spark) == {ZONE: "Asia/Tokyo"}
    with user_session(spark, staged(**{ZONE: "Asia/Tokyo"})), session_settings(spark, {ANSI: "false"}):
        assert spark.conf.values == {ZONE: "Asia/Tokyo", PARSER: "LEGACY"}


def test_another_session_says_for_a_while_what_the_first_one_said():
    spark = session(**{ZONE: "Asia/Tokyo", "spark.sql.legacy.sizeOfNull": "true", "spark.my.own": "1"})
    before = dict(spark.conf.values)
    with suppress(KeyError), user_session(spark, staged(**{ZONE: "Europe/Berlin", PARSER: "LEGACY", ANSI: "true"})):
        assert spark.conf.values == {ZONE: "Europe/Berlin", PARSER: "LEGACY", "spark.my.own": "1"}
        raise KeyError
    assert spark.conf.values == before


def test_a_run_of_before_holds_the_settings_that_it_was_staged_with():
    spark = session(**{ZONE: "Asia/Tokyo", "spark.sql.legacy.sizeOfNull": "true"})
    with user_session(spark, staged()):
        assert spark.conf.values[ZONE] == OWN_SETTINGS[ZONE] == "UTC"
        assert spark.conf.values["spark.sql.legacy.sizeOfNull"] == "true"
        assert not spark.conf.values.keys() & WRITER_SETTINGS.keys()
    assert zone_of(staged()) == "UTC"


def test_before_rows_are_staged_the_session_is_left_alone():
    spark = session(**{ZONE: "Asia/Tokyo"})
    with user_session(spark, None):
        assert not spark.conf.asked


def test_a_session_that_does_not_take_what_the_expressions_need_ends_the_run_resumably():
    spark = session(PARSER)
    held = user_session(spark, staged(**{PARSER: "LEGACY", ZONE: "Asia/Tokyo"}))
    with pytest.raises(ServiceFailure, match=f"{PARSER} was LEGACY when the rows were staged.*start a new run"):
        held.__enter__()
    assert spark.conf.values == {}
