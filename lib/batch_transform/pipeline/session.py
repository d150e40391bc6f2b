"""The Spark session of a submitted run."""

from __future__ import annotations

import os
import sys

from pyspark.sql import SparkSession

from batch_transform.aws.access import EMULATOR_CREDENTIALS, AwsAccess
from batch_transform.config.runfile import RunConfig
from batch_transform.pipeline.jars import session_settings


def access_of(config: RunConfig, emulator_url: str | None) -> AwsAccess:
    """Returns how the run reaches AWS: as the run file says, or the embedded emulator."""
    if emulator_url is not None:
        return AwsAccess(region=config.aws.region, endpoint_url=emulator_url, emulated=True)
    endpoints = tuple(sorted(config.aws.service_endpoints.items()))
    return AwsAccess(config.aws.region, config.aws.endpoint_url, endpoints, config.aws.profile)


def make_session(run_id: str | None, access: AwsAccess) -> SparkSession:
    """Returns the session that spark-submit began.

    Workers must use the driver's interpreter, or they miss pyarrow.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(f"batch-transform {run_id or ''}".strip())
    # With the embedded emulator the endpoint is known only now; the jars came with spark-submit's arguments.
    if access.emulated:
        secret = EMULATOR_CREDENTIALS["aws_access_key_id"], EMULATOR_CREDENTIALS["aws_secret_access_key"]
        settings = session_settings(access.endpoint("s3"), access.session().region_name, secret)
        for key, value in settings.items():
            builder = builder.config(f"spark.hadoop.{key}", value)
    return builder.getOrCreate()
