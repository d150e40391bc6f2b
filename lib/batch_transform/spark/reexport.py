"""Export again: rows that are named by number become the objects that the ledger names, or others in their place.

Unlike the first export it shuffles: the rows of an object may lie in two tasks by now, and one has to write it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from batch_transform.core.framing import Framing
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.resuming.repair import MADE_SCHEMA, layers
from batch_transform.core.sending.object_sizes import task_count
from batch_transform.core.spans import StagedFile
from batch_transform.core.staged_table import Staged
from batch_transform.core.uris import S3Uri
from batch_transform.spark.arrow_types import fetched, spark_schema
from batch_transform.spark.object_tasks import MOST_TASKS
from batch_transform.spark.record_rules import RecordRule
from batch_transform.spark.staged_rows import read_staged

_LINES = pa.schema([("object", pa.string()), ("number", pa.int64()), ("line", pa.binary())])


def export_again(
    spark: SparkSession,
    staged: Staged,
    rule: RecordRule,
    orders: pa.Table,
    framing: Framing,
    target: S3Uri,
    connect: Callable[[], ObjectStore],
) -> pa.Table:
    """Returns what was written (repair.MADE_SCHEMA) of the objects that were to be.

    Only staged files that hold their rows are read.

    Args:
        spark: the session.
        staged: the staged rows.
        rule: how a row becomes a record.
        orders: what to write (repair.ORDER_SCHEMA); a row may belong to two objects.
        framing: of the records.
        target: the run's `input/`.
        connect: opens the store in a worker; picklable.
    """
    made = (
        rule.lines(read_staged(spark, staged, files_of(staged, orders)), framing)
        .mapInArrow(_Chosen(layers(orders)), spark_schema(_LINES))
        .repartition(task_count(orders.num_rows, MOST_TASKS), "object")
        .sortWithinPartitions("object", "number")
        .mapInArrow(_Writer(framing, target, connect), spark_schema(MADE_SCHEMA))
    )
    return fetched(made, MADE_SCHEMA)


def files_of(staged: Staged, orders: pa.Table) -> list[StagedFile]:
    """Returns the staged files that hold a row of what is to be written; a span lies in one file."""
    starts = np.sort(orders["start"].to_numpy())
    firsts = np.array([file.first for file in staged.files], dtype=np.int64)
    lasts = np.array([file.last for file in staged.files], dtype=np.int64)
    chosen = np.searchsorted(starts, firsts) < np.searchsorted(starts, lasts, side="right")
    return [file for file, wanted in zip(staged.files, chosen.tolist(), strict=True) if wanted and file.rows]


@dataclass(frozen=True)
class _Chosen:
    """The records of the objects that are to be written, each with the object that it belongs to."""

    layers: Sequence[pa.Table]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            numbers = batch.column(0).to_numpy(zero_copy_only=False)
            for orders in self.layers:
                places = np.searchsorted(orders["start"].to_numpy(), numbers, side="right") - 1
                inside = (places >= 0) & (numbers < orders["stop"].to_numpy()[places])
                if inside.any():
                    rows = batch.filter(pa.array(inside))
                    names = orders["object"].combine_chunks().take(pa.array(places[inside]))
                    columns = [names, rows.column(0), rows.column(1).cast(pa.binary())]
                    yield pa.RecordBatch.from_arrays(columns, schema=_LINES)


@dataclass(frozen=True)
class _Writer:
    """Writes each object once its last record has come; a value that Spark sends to the workers."""

    framing: Framing
    target: S3Uri
    connect: Callable[[], ObjectStore]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        store, name, lines = self.connect(), "", list[bytes]()
        for batch in batches:
            for other, line in zip(batch.column(0).to_pylist(), batch.column(2).to_pylist(), strict=True):
                if other != name and lines:
                    yield self._written(store, name, lines)
                    lines = []
                name = other
                lines.append(line)
        if lines:
            yield self._written(store, name, lines)

    def _written(self, store: ObjectStore, name: str, lines: list[bytes]) -> pa.RecordBatch:
        etag = store.put(self.target.join(name), self.framing.frame(lines))
        sizes = [len(line) for line in lines]
        made = {"object": name, "rows": len(lines), "bytes": sum(sizes), "largest": max(sizes), "etag": etag}
        return pa.RecordBatch.from_pylist([made], schema=MADE_SCHEMA)
