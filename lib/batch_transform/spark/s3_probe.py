"""Before anything is paid for: can a Python worker put and get an object?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import SparkSession

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.uris import S3Uri
from batch_transform.spark.error_chains import said
from batch_transform.spark.spark_errors import SPARK_ERRORS


def check_workers_reach(spark: SparkSession, uri: S3Uri, connect: Callable[[], ObjectStore]) -> None:
    """Has one task put, get and delete the object `uri`.

    Raises:
        ConfigurationError: it could not; says what a person can do.
    """
    try:
        spark.range(1).mapInArrow(_Probe(uri, connect), "id long").collect()
    except SPARK_ERRORS as err:
        raise ConfigurationError(
            f"workspace: Python workers cannot put and get {uri}: {said(err)}. They need "
            "network access to S3 and the credentials of the default chain (an instance profile or environment "
            "variables); Databricks' serverless compute gives neither, a job cluster with an instance profile does"
        ) from err


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
