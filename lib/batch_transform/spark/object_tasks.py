"""Work on many objects at once, in the executors: outputs are counted, spans are cut.

Rows of one Arrow schema go out, rows of another come back.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from batch_transform.core.framing import Framing
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.predictions.output_counts import OUTPUT_SCHEMA, KeyCheck, OutputObject, count_output
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.sending.object_sizes import task_count
from batch_transform.core.sending.part_objects import cut_object
from batch_transform.core.spans import CUT_SCHEMA, PART_SCHEMA
from batch_transform.core.uris import S3Uri
from batch_transform.spark.arrow_types import fetched, spark_schema

MOST_TASKS = 64


def in_executors(
    spark: SparkSession,
    rows: Sequence[tuple[Any, ...]],
    sent: pa.Schema,
    work: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]],
    made: pa.Schema,
) -> pa.Table:
    """Returns what the work makes of the rows, an object each.

    Args:
        spark: the session.
        rows: as `sent` has them.
        sent: what the work is given.
        work: is done in a worker for each of at most MOST_TASKS parts of the rows; picklable.
        made: what it gives.
    """
    if not rows:
        return made.empty_table()
    done = (
        spark.createDataFrame(rows, spark_schema(sent))
        .repartition(task_count(len(rows), MOST_TASKS))
        .mapInArrow(work, spark_schema(made))
    )
    return fetched(done, made)


_LISTED = pa.schema([(name, pa.string()) for name in ("object", "bucket", "key", "etag")])


def count_outputs(
    spark: SparkSession,
    outputs: Sequence[OutputObject],
    reader: PredictionReader,
    connect: Callable[[], ObjectStore],
    key: KeyCheck | None,
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


# A put is mostly waiting; botocore keeps ten connections.
_PUTS_AT_ONCE = 8


def cut_spans(
    spark: SparkSession, cuts: pa.Table, folder: S3Uri, connect: Callable[[], ObjectStore], framing: Framing
) -> pa.Table:
    """Returns the parts (spans.PART_SCHEMA) of the spans to be cut, which successful tasks wrote below `folder`.

    Objects of failed and of speculative attempts are left where they are: nothing refers to them.

    Args:
        spark: the session.
        cuts: what to cut (spans.CUT_SCHEMA).
        folder: the run's `input/`.
        connect: opens the store in a worker; picklable.
        framing: of the records.
    """
    rows = [tuple(cut[name] for name in CUT_SCHEMA.names) for cut in cuts.to_pylist()]
    return in_executors(spark, rows, CUT_SCHEMA, _Cutter(folder, connect, framing), PART_SCHEMA)


@dataclass(frozen=True)
class _Cutter:
    folder: S3Uri
    connect: Callable[[], ObjectStore]
    framing: Framing

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        store = self.connect()
        with ThreadPoolExecutor(_PUTS_AT_ONCE) as pool:
            for batch in batches:
                for cut in batch.to_pylist():
                    parts = cut_object(store, self.folder, cut, uuid.uuid4().hex[:16], pool.map, self.framing)
                    yield pa.RecordBatch.from_pylist(parts, schema=PART_SCHEMA)
