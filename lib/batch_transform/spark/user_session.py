"""What the user's session says of the settings that are the user's: recorded when rows are staged, held from then on.

A run may go on in another session, which says something else. `record.sql` and `prediction.sql` mean what they meant in
the session that staged the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from batch_transform.core.errors import ServiceFailure
from batch_transform.core.staged_table import Staged
from batch_transform.spark.error_chains import said
from batch_transform.spark.refused_settings import is_refused, may_be_set
from batch_transform.spark.setting_classes import user_settings
from batch_transform.spark.settings import (
    KEPT_SETTINGS,
    OWN_SETTINGS,
    effective,
    known,
    put_back,
    session_settings,
)

_ZONE = "spark.sql.session.timeZone"
# Their defaults follow the machine, its environment or the version of Spark.
_ALWAYS = (_ZONE, "spark.sql.ansi.enabled")
# Says which table a name means, of an output as well.
_CATALOG = "spark.sql.defaultCatalog"


def settings_to_record(spark: SparkSession) -> dict[str, str]:
    """Returns what the session says of the user's settings: those that are set, and those whose default varies.

    Nothing else is read: other settings may hold secrets.
    """
    found = _set_now(spark)
    always = {key: effective(spark, key) for key in _ALWAYS}
    return {**{key: value for key, value in always.items() if value is not None}, **found}


def zone_of(staged: Staged) -> str:
    """Returns the time zone in which partition folders spell timestamps."""
    return dict(staged.settings).get(_ZONE, OWN_SETTINGS[_ZONE])


@contextmanager
def own_session(spark: SparkSession, more: Mapping[str, str] | None = None) -> Iterator[None]:
    """Holds the pipeline's own settings and `more`, where nothing of the user's is evaluated, and puts theirs back.

    The others of the user's are as Spark has them by default, but for those that say which types there are: a session
    in which an aggregate drops its grouping columns (`spark.sql.retainGroupColumns`) ended a run while it counted what
    it had written.
    """
    own = {**OWN_SETTINGS, **(more or {})}
    before: dict[str, str | None] = {}
    try:
        for key in sorted(_set_now(spark).keys() - own.keys() - KEPT_SETTINGS - {_CATALOG}):
            _change(spark, key, None, before)
        with session_settings(spark, own):
            yield
    finally:
        for key, earlier in before.items():
            put_back(spark, key, earlier)


@contextmanager
def user_session(spark: SparkSession, staged: Staged | None) -> Iterator[None]:
    """Holds the recorded settings for the user's expressions, whatever the session says, and puts it back.

    A run of an earlier version has recorded none: its rows were staged under the settings of its own that it set then.

    Args:
        spark: the session.
        staged: the rows with what was recorded of their session; None before there are any: this session is it.

    Raises:
        ServiceFailure: the session does not take a setting that the expressions had before.
    """
    before: dict[str, str | None] = {}
    try:
        changes = {} if staged is None else _changes(spark, dict(staged.settings))
        for key, value in sorted(changes.items()):
            _change(spark, key, value, before)
        yield
    finally:
        for key, earlier in before.items():
            put_back(spark, key, earlier)


def _changes(spark: SparkSession, recorded: Mapping[str, str]) -> dict[str, str | None]:
    """What to set; None: to unset."""
    own = user_settings()
    now = _set_now(spark)
    if not recorded:
        return {key: value for key, value in OWN_SETTINGS.items() if key in own and now.get(key) != value}
    wanted = {key: value for key, value in recorded.items() if key in own}
    unset: dict[str, str | None] = dict.fromkeys(now.keys() - wanted.keys())
    different = {key: value for key, value in wanted.items() if now.get(key) != value}
    return {**unset, **{key: value for key, value in different.items() if effective(spark, key) != value}}


def _change(spark: SparkSession, key: str, value: str | None, before: dict[str, str | None]) -> None:
    try:
        before[key] = spark.conf.get(key, None)
        put_back(spark, key, value)
    except PySparkException as err:
        before.pop(key, None)
        if value is None and is_refused(err):
            return
        raise ServiceFailure(
            f"{key} was {value} when the rows were staged, and this session does not take it: {said(err)}; "
            "resume the run in a session that does, or start a new run"
        ) from err


def _set_now(spark: SparkSession) -> dict[str, str]:
    """The user's settings that are set, by key. Asked for by name, as `SET` hides what looks like a secret."""
    own = user_settings()
    try:
        named = {row["key"] for row in spark.sql("SET").collect()} & own
    except PySparkException:  # a platform that does not list them
        named = set(filter(may_be_set, own))
    found = {key: known(spark, key) for key in sorted(named)}
    return {key: value for key, value in found.items() if value is not None}
