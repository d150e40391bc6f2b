"""Spark's daemon of Python workers (`spark.python.daemon.module`) with all that ours import, for Spark on one machine.

Each worker would import it anew, a second on its way to its first row, and look through it for garbage after each task.
What cannot be imported here is left to the worker that needs it: Spark tells what a worker dies of, and of a daemon
nothing.
"""

from __future__ import annotations

import gc
import importlib
import sys
from contextlib import suppress

from batch_transform.pipeline.submit.python_path import package_first

PRELOADED = (
    "batch_transform.exports.arrow",
    "batch_transform.spark.dead_letters",
    "batch_transform.spark.join_merge",
    "batch_transform.spark.object_tasks",
    "batch_transform.spark.reexport",
    "batch_transform.spark.s3_probe",
    "batch_transform.spark.zip_merge",
)


def preload() -> None:
    """Imports what workers import, and reads once what botocore knows of S3."""
    for module in PRELOADED:
        with suppress(Exception):
            importlib.import_module(module)
    if sys.platform == "darwin":  # where a process that has looked for proxies cannot be forked
        return
    with suppress(Exception):
        importlib.import_module("batch_transform.aws.access").AwsAccess(emulated=True).client("s3")


if __name__ == "__main__":
    sys.path[:] = package_first(sys.path)
    preload()
    gc.freeze()
    from pyspark.daemon import manager

    manager()
