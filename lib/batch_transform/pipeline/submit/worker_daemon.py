"""Spark's daemon of Python workers (`spark.python.daemon.module`) with all that ours import, for Spark on one machine.

Each worker would import it anew, a second on its way to its first row, and look through it for garbage after each task.
What cannot be imported here is left to the worker that needs it: Spark tells what a worker dies of, and of a daemon
nothing.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from batch_transform.pipeline.submit.python_path import current_folder_last, package_first

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
    """Imports what workers import, and reads once what botocore knows of S3; what fails is left out."""
    for module in PRELOADED:
        with suppress(Exception, SystemExit):
            importlib.import_module(module)
    with suppress(Exception, SystemExit):
        # Else all workers would draw the same numbers; Python's own `random` does so itself.
        os.register_at_fork(after_in_child=importlib.import_module("numpy.random").seed)
    if sys.platform == "darwin":  # where a process that has looked for proxies cannot be forked
        return
    with suppress(Exception, SystemExit):
        importlib.import_module("batch_transform.aws.access").AwsAccess(emulated=True).client("s3")


@contextmanager
def silenced() -> Iterator[None]:
    """What is written to standard output goes to standard error: Spark reads there where the daemon listens."""
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


if __name__ == "__main__":
    sys.path[:] = package_first(current_folder_last(sys.path))
    with silenced():
        preload()
        from pyspark.daemon import manager
    # Threads of libraries, which know of forks, are what Python 3.12 and later warn of.
    warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
    gc.freeze()
    manager()
