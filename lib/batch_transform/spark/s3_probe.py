"""Before anything is paid for: can a Python worker put and get an object?"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import SparkSession

from batch_transform.core.errors import BatchTransformError, ConfigurationError, ServiceFailure
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.uris import S3Uri
from batch_transform.spark.error_chains import said
from batch_transform.spark.settings import is_connect
from batch_transform.spark.spark_errors import SPARK_ERRORS

# An interpreter that is not there, is another, or lacks what the task imports.
_LACKS_PYTHON = re.compile(
    r"Cannot run program|ModuleNotFoundError|ImportError|No module named|PACKAGE_NOT_INSTALLED|PYTHON_VERSION_MISMATCH"
    r"|Python in worker has different version|Python worker exited unexpectedly|EOFException"
)
# S3's own codes for what it could not do just then.
_PASSES = re.compile(r": (?:InternalError|ServiceUnavailable|SlowDown|50[0234])(?::|$)")

_VERSION = "{}.{}".format(*sys.version_info[:2])


class WorkersReach:
    """The answer to that question, which is asked at once and looked at when all else is well.

    A Python worker takes seconds to start, in which the driver has other things to ask. So it is asked in a session
    beside the user's, in which nothing is set that is set for another job meanwhile. Whoever is refused meanwhile waits
    for the answer as well: the task deletes what it has put.
    """

    def __init__(self, spark: SparkSession, connect: Callable[[], ObjectStore]) -> None:
        """Asks nothing yet."""
        self._spark, self._connect = spark, connect
        self._answer: Future[None] = Future()
        self._uri: S3Uri | None = None

    def __enter__(self) -> WorkersReach:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _stack: object) -> None:
        if self._uri is not None and isinstance(error, BatchTransformError):
            with suppress(Exception):
                self._answer.result()

    def ask(self, uri: S3Uri) -> None:
        """Has one task put, get and delete the object `uri`."""
        self._uri = uri
        if is_connect(self._spark):
            self._ask(self._spark)  # not in all versions has it sessions beside each other
        else:
            threading.Thread(target=self._ask, args=(self._spark.newSession(),), daemon=True).start()

    def _ask(self, spark: SparkSession) -> None:
        assert self._uri is not None
        try:
            spark.range(1).mapInArrow(_Probe(self._uri, self._connect), "id long").collect()
        except BaseException as err:  # noqa: BLE001 - whatever it is, it is raised where the answer is looked at
            self._answer.set_exception(err)
        else:
            self._answer.set_result(None)

    def check(self) -> None:
        """Waits for the answer to what was asked.

        Raises:
            ConfigurationError: it could not; says what a person can do.
            ServiceFailure: S3 answered that it cannot now.
        """
        try:
            self._answer.result()
        except SPARK_ERRORS as err:
            if _LACKS_PYTHON.search(told := said(err)):
                raise ConfigurationError(_lacking(told)) from err
            if _PASSES.search(told):
                raise ServiceFailure(
                    f"workspace: S3 did not let Python workers put and get {self._uri} just now: {told}; nothing is "
                    "paid for, start the run again"
                ) from err
            raise ConfigurationError(
                f"workspace: Python workers cannot put and get {self._uri}: {said(err)}. They need "
                "network access to S3 and the credentials of the default chain (an instance profile or environment "
                "variables), or what aws.s3 names; Databricks' serverless compute gives neither, a job cluster with an "
                "instance profile does"
            ) from err


# A worker compares its minor version with the driver's before it does anything else (pyspark/worker.py).
_OTHER_PYTHON = re.compile(r"PYTHON_VERSION_MISMATCH|Python in worker has different version")


def _lacking(told: str) -> str:
    """What a person can do whose Python workers do not start, or have no packages; `told` is what Spark says."""
    if _OTHER_PYTHON.search(told):
        return (
            f"spark.pyspark.python: Python workers run another Python than this one, {_VERSION}: {told}. In a notebook "
            "set os.environ['PYSPARK_PYTHON'] = sys.executable before its Spark session begins (restart the kernel), "
            f"where the workers are on this machine; on a cluster name a Python {_VERSION} that the workers have, "
            "--conf spark.pyspark.python=PATH, or take one along: `batch-transform package`"
        )
    return (
        f"spark.pyspark.python: Python workers cannot do what is asked of them: {told}. They need the driver's minor "
        "version of Python with pandas, pyarrow and boto3. On one machine set os.environ['PYSPARK_PYTHON'] = "
        "sys.executable before the Spark session begins; for a cluster `batch-transform package` makes an archive with "
        "these, for --archives dist/environment.tar.gz#environment, which names the interpreter as well; or name one "
        "that the workers have, --conf spark.pyspark.python=PATH"
    )


@dataclass(frozen=True)
class _Probe:
    uri: S3Uri
    connect: Callable[[], ObjectStore]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        store = self.connect()
        for batch in batches:
            if batch.num_rows:
                store.put(self.uri, b"1")
                store.get(self.uri)
                store.delete([self.uri])
            yield batch
