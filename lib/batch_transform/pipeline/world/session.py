"""The Spark session of a submitted run."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from batch_transform.aws.access import AwsAccess
from batch_transform.aws.sessions import EMULATOR_CREDENTIALS
from batch_transform.config.runfile import RunConfig
from batch_transform.deploy.port import application_name
from batch_transform.pipeline.places import DATABRICKS_VARIABLE
from batch_transform.pipeline.world import jars
from batch_transform.pipeline.world.s3a_access import s3a_settings
from batch_transform.spark.settings import known, session_settings


@contextmanager
def run_session(run_id: str | None) -> Iterator[SparkSession]:
    """Yields the session that is there already, and leaves it; else one that is begun for the run.

    Only that one is stopped, once all is well: of a run that failed, or was interrupted while Spark works, the
    process's end is the end.
    """
    there = _session_there()
    spark = there or _begun(run_id)
    with _quotations_silenced():
        yield spark
    # On Databricks the session is the platform's, whoever asks for it first.
    if there is None and DATABRICKS_VARIABLE not in os.environ:
        spark.stop()


@contextmanager
def reaching_s3(spark: SparkSession, access: AwsAccess, config: RunConfig) -> Iterator[None]:
    """Has Spark's own `s3a://` reach the emulator, if there is one, and call S3 as `aws.s3` says.

    What spark-submit was given wins, and had the rest with its arguments, but for what no command line may show.
    Databricks reaches S3 in its own way.
    """
    settings = {} if DATABRICKS_VARIABLE in os.environ else s3a_settings(config, "")
    settings = {key: value for key, value in settings.items() if known(spark, f"spark.hadoop.{key}") is None}
    # The embedded emulator's endpoint is known only now; the jars came with spark-submit's arguments.
    with session_settings(spark, {**settings, **(_emulators(access) if access.emulated else {})}):
        yield


@contextmanager
def _quotations_silenced() -> Iterator[None]:
    """PySpark logs an error that a row has raised, with the row; here it is told without (`core.error_causes`)."""
    loggers: list[logging.Logger] = []
    with suppress(ImportError):  # before Spark 4 nothing is logged, and a logger of that name would be no PySpark's
        from pyspark.logger import PySparkLogger

        loggers += [PySparkLogger.getLogger(f"{kind}QueryContextLogger") for kind in ("DataFrame", "SQL")]
    before = [logger.disabled for logger in loggers]
    try:
        for logger in loggers:
            logger.disabled = True
        yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled


def _session_there() -> SparkSession | None:
    try:
        return SparkSession.active()
    except PySparkException:  # there is none
        return None


def _begun(run_id: str | None) -> SparkSession:
    """A new session. Workers must use the driver's interpreter, or they miss pyarrow.

    Databricks has made one, which takes no name.
    """
    if DATABRICKS_VARIABLE in os.environ:
        return SparkSession.builder.getOrCreate()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if "PYSPARK_GATEWAY_PORT" in os.environ:  # of spark-submit, which was told a name: what the user gave, or ours
        return SparkSession.builder.getOrCreate()
    return SparkSession.builder.appName(application_name(run_id)).getOrCreate()


def _emulators(access: AwsAccess) -> dict[str, str]:
    """What `s3a://` is told to reach the emulator."""
    secret = EMULATOR_CREDENTIALS["aws_access_key_id"], EMULATOR_CREDENTIALS["aws_secret_access_key"]
    return jars.hadoop_settings(access.endpoint("s3"), access.session().region_name, secret)
