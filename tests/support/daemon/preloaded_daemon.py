"""Spark's daemon of Python workers, with all that they import: a worker of a test lives for seconds.

Each would import it anew, and look through it for garbage after each of its tasks.
"""

from __future__ import annotations

import gc

from pyspark.daemon import manager

import batch_transform.aws.access
import batch_transform.exports.arrow
import batch_transform.spark.dead_letters
import batch_transform.spark.join_merge
import batch_transform.spark.object_tasks
import batch_transform.spark.reexport
import batch_transform.spark.s3_probe
import batch_transform.spark.zip_merge

if __name__ == "__main__":
    # What botocore knows of S3 is read once.
    batch_transform.aws.access.AwsAccess(emulated=True).client("s3")
    gc.freeze()
    manager()
