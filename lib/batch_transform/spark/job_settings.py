"""Whose settings hold around a Spark job over staged rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyspark.sql import SparkSession

from batch_transform.core.records import Staged
from batch_transform.spark.settings import (
    ARROW_SETTINGS,
    OWN_SETTINGS,
    WRITER_SETTINGS,
    large_record_settings,
    session_settings,
)
from batch_transform.spark.user_session import user_session


@contextmanager
def own_job(spark: SparkSession, staged: Staged) -> Iterator[None]:
    """Holds the pipeline's settings, for a job in which no expression of the user's is evaluated."""
    with session_settings(spark, {**OWN_SETTINGS, **large_record_settings(staged.largest)}):
        yield


@contextmanager
def user_job(spark: SparkSession, staged: Staged, more: Mapping[str, str] | None = None) -> Iterator[None]:
    """Holds the settings of the session that staged the rows, for a job that evaluates expressions of the user's.

    Of the pipeline's own only those are set that no evaluation reads, and `more`.
    """
    own = {**WRITER_SETTINGS, **ARROW_SETTINGS, **large_record_settings(staged.largest), **(more or {})}
    with user_session(spark, staged), session_settings(spark, own):
        yield
