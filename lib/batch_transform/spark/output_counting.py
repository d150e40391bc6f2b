"""Count what a job wrote, in the executors: lines, blank lines, and the lines that the prediction reader refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import SparkSession

from batch_transform.core.object_store import ObjectStore
from batch_transform.core.predictions.output_counts import OUTPUT_SCHEMA, KeyCheck, OutputObject, count_output
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.uris import S3Uri
from batch_transform.spark.object_tasks import in_executors

_LISTED = pa.schema([(name, pa.string()) for name in ("object", "bucket", "key", "etag")])


def count_outputs(
    spark: SparkSession,
    outputs: Sequence[OutputObject],
    reader: PredictionReader,
    connect: Callable[[], ObjectStore],
    key: KeyCheck | None = None,
) -> pa.Table:
    """Returns what each output holds (output_counts.OUTPUT_SCHEMA), read at its ETag.

    Args:
        spark: the session.
        outputs: the listed outputs.
        reader: of the predictions.
        connect: opens the store in a worker; picklable.
        key: what answers must echo; None: nothing.
    """
    listed = [(output.object, output.uri.bucket, output.uri.key, output.etag) for output in outputs]
    return in_executors(spark, listed, _LISTED, _Counter(reader, connect, key), OUTPUT_SCHEMA)


@dataclass(frozen=True)
class _Counter:
    reader: PredictionReader
    connect: Callable[[], ObjectStore]
    key: KeyCheck | None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        store = self.connect()
        for batch in batches:
            outputs = [
                OutputObject(row["object"], S3Uri(row["bucket"], row["key"]), row["etag"]) for row in batch.to_pylist()
            ]
            rows = [count_output(store, output, self.reader, self.key) for output in outputs]
            yield pa.RecordBatch.from_pylist(rows, schema=OUTPUT_SCHEMA)
