"""The Spark session of a submitted run."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from pyspark.sql import SparkSession

from batch_transform.aws.access import EMULATOR_CREDENTIALS, AwsAccess
from batch_transform.config.runfile import RunConfig


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
    for key, value in _s3a_settings(access).items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _s3a_settings(access: AwsAccess) -> Mapping[str, str]:
    """How Spark's own S3 client reaches the same endpoint; nothing is set for AWS itself."""
    endpoint = access.endpoint("s3")
    if endpoint is None:
        return {}
    settings = {
        "spark.hadoop.fs.s3a.endpoint": endpoint,
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": str(endpoint.startswith("https")).lower(),
    }
    if access.emulated:
        settings |= {
            "spark.hadoop.fs.s3a.endpoint.region": access.session().region_name,
            "spark.hadoop.fs.s3a.access.key": EMULATOR_CREDENTIALS["aws_access_key_id"],
            "spark.hadoop.fs.s3a.secret.key": EMULATOR_CREDENTIALS["aws_secret_access_key"],
        }
    return settings
