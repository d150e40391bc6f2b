"""Which of a run's Spark settings the session takes: a platform may keep them from its users."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import SparkSession

from batch_transform.spark.refused_settings import Without, without
from batch_transform.spark.settings import OWN_SETTINGS, ROW_READER, STAGED_FORMAT, effective, session_settings


def refused_settings(spark: SparkSession, of_format: Mapping[str, str]) -> Without:
    """Returns what the run cannot do, or does not promise, in this session; sets nothing beyond the call.

    Args:
        spark: the session.
        of_format: the settings of the output's format.
    """
    wanted = {**OWN_SETTINGS, **ROW_READER, **of_format}
    with session_settings(spark, wanted) as refused:
        return without(wanted, {key: effective(spark, key) for key in refused}, STAGED_FORMAT)
