"""The Spark session of a submitted run."""

from __future__ import annotations

import os
import sys

from pyspark.sql import SparkSession

from batch_transform.aws.access import EMULATOR_CREDENTIALS, AwsAccess
from batch_transform.pipeline.world.jars import session_settings


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
