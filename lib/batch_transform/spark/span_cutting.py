"""Cut many spans into parts at once, in the executors."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import SparkSession

from batch_transform.core.framing import Framing
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.sending.part_objects import cut_object
from batch_transform.core.spans import CUT_SCHEMA, PART_SCHEMA
from batch_transform.core.uris import S3Uri
from batch_transform.spark.object_tasks import in_executors

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
