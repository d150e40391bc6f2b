"""Whose settings hold around a Spark job over staged rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyspark.sql import SparkSession

from batch_transform.core.sending.object_sizes import ToPython, rows_bound_batches
from batch_transform.core.staged_table import Staged
from batch_transform.spark.settings import (
    ANY_BATCH_BYTES,
    ARROW_SETTINGS,
    KEPT_SETTINGS,
    SCAN_SETTINGS,
    WRITER_SETTINGS,
    large_record_settings,
    session_settings,
)
from batch_transform.spark.user_session import own_session, user_session


@contextmanager
def own_job(
    spark: SparkSession, staged: Staged, more: Mapping[str, str] | None = None, *, sent: ToPython = ToPython.ANYTHING
) -> Iterator[None]:
    """Holds the pipeline's settings and `more`, for a job in which no expression of the user's is evaluated.

    Args:
        spark: the session.
        staged: the rows.
        more: settings that go before these.
        sent: what goes to Python.
    """
    own = {**_kept(staged), **large_record_settings(staged.largest), **_batches(staged, sent), **(more or {})}
    with own_session(spark, own):
        yield


def _batches(staged: Staged, sent: ToPython) -> Mapping[str, str]:
    """Of an Arrow batch all that its rows are, where they bound it; no record of copies is larger than is said."""
    bounded = {
        ToPython.NUMBER: True,
        ToPython.RECORD: staged.is_copied or rows_bound_batches(staged.largest),
        ToPython.ANYTHING: False,
    }
    return ANY_BATCH_BYTES if bounded[sent] else {}


def _kept(staged: Staged) -> Mapping[str, str]:
    """Which names and types there are, as where the rows were staged: it is theirs that we read and write.

    An earlier version has recorded nothing, and refused names that differ by case only.
    """
    return {key: value for key, value in staged.settings if key in KEPT_SETTINGS}


@contextmanager
def user_job(spark: SparkSession, staged: Staged, more: Mapping[str, str] | None = None) -> Iterator[None]:
    """Holds the settings of the session that staged the rows, for a job that evaluates expressions of the user's.

    Of the pipeline's own only those are set that no evaluation reads, and `more`.
    """
    own = {
        **SCAN_SETTINGS,
        **WRITER_SETTINGS,
        **ARROW_SETTINGS,
        **large_record_settings(staged.largest),
        **(more or {}),
    }
    with user_session(spark, staged), session_settings(spark, own):
        yield
