"""Export: staged rows become JSON Lines objects on S3, written by Python workers from Arrow buffers.

The JVM renders the records; a worker never looks into one. What it writes is the Arrow data buffer itself, cut where
`core.cutting` says. A worker holds at most one Arrow batch (32 MB, or one record), one object (64 MB, or one record)
and the object's joined bytes while they are sent, so about

    130 MB (an idle worker) + 32 MB + 2 * max(64 MB, largest record)

An executor's JVM needs about 15 times its largest record (design, promise 6).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch_transform.core.cutting import Cutter, CuttingRules, Piece
from batch_transform.core.limits import LARGEST_RECORD_BYTES
from batch_transform.core.naming import object_name
from batch_transform.core.objects import ObjectStore
from batch_transform.core.records import Staged
from batch_transform.core.spans import EXPORT_SCHEMA, STANDARD, UNSENDABLE, without_history
from batch_transform.core.uris import S3Uri
from batch_transform.spark.rendering import record_json
from batch_transform.spark.settings import large_record_settings, session_settings
from batch_transform.spark.staging import ROW_NUMBER, read_staged

_SPANS_DDL = "start long, stop long, lane string, object string, bytes long, largest long"


def export(
    spark: SparkSession,
    staged: Staged,
    columns: Sequence[str],
    rules: CuttingRules,
    target: S3Uri,
    connect: Callable[[], ObjectStore],
) -> pa.Table:
    """Returns the spans (SPAN_SCHEMA) of the objects that successful tasks wrote below `target`.

    Objects of failed and of speculative task attempts are left where they are: nothing refers to them.

    Args:
        spark: the session.
        staged: the staged rows.
        columns: the columns of the record, in this order.
        rules: object size and oversize bound.
        target: the run's `input/`.
        connect: opens the store in a worker; picklable.
    """
    with session_settings(spark, large_record_settings(staged.largest)):
        exported = (
            records(read_staged(spark, staged), columns)
            .mapInArrow(_ObjectWriter(rules, target, connect), _SPANS_DDL)
            .toPandas()
        )
    return without_history(pa.Table.from_pandas(exported, schema=EXPORT_SCHEMA, preserve_index=False))


def records(staged_rows: DataFrame, columns: Sequence[str]) -> DataFrame:
    """Returns row number and record with its newline; null instead of a record that no payload can hold.

    Those become null in the JVM, before Arrow sees them.
    """
    line = F.concat(F.coalesce(record_json(columns), F.lit("{}")), F.lit("\n"))
    numbered = staged_rows.select(F.col(ROW_NUMBER).alias("number"), line.alias("line"))
    return numbered.select(
        "number", F.expr(f"CASE WHEN octet_length(line) <= {LARGEST_RECORD_BYTES} THEN line END").alias("line")
    )


@dataclass(frozen=True)
class _ObjectWriter:
    """The function of the export tasks; a value that Spark sends to the workers."""

    rules: CuttingRules
    target: S3Uri
    connect: Callable[[], ObjectStore]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        spans: list[dict[str, object]] = []
        objects = _OpenObject(self.target, self.connect(), spans)
        cutter = Cutter(self.rules)
        for batch in batches:
            if batch.num_rows:
                _write_batch(batch, cutter, objects)
        objects.close()
        yield pa.RecordBatch.from_pylist(spans, schema=EXPORT_SCHEMA)


def _write_batch(batch: pa.RecordBatch, cutter: Cutter, objects: _OpenObject) -> None:
    numbers = batch.column(0).to_numpy(zero_copy_only=False)
    lines = batch.column(1)
    sendable = pc.is_valid(lines).to_numpy(zero_copy_only=False)
    offsets, data = _buffers(lines)
    sizes = np.diff(offsets)
    for piece in cutter.cut(numbers, sizes, sendable):
        if not piece.continues:
            objects.close()
        body = data[int(offsets[piece.begin]) : int(offsets[piece.end])]
        objects.add(piece, int(numbers[piece.begin]), body, int(sizes[piece.begin : piece.end].max()))


def _buffers(lines: pa.Array) -> tuple[np.ndarray, memoryview]:
    """The offsets and the bytes of an Arrow string column; a null takes no bytes."""
    kind = np.int64 if pa.types.is_large_string(lines.type) else np.int32
    _, offsets, data = lines.buffers()
    numbers = np.frombuffer(offsets, dtype=kind)[lines.offset : lines.offset + len(lines) + 1].astype(np.int64)
    return numbers, memoryview(data) if data is not None else memoryview(b"")


class _OpenObject:
    """The object that a task is filling; `close` uploads it and records its span."""

    def __init__(self, target: S3Uri, store: ObjectStore, spans: list[dict[str, object]]) -> None:
        self._target = target
        self._store = store
        self._spans = spans
        self._task = uuid.uuid4().hex[:16]  # of this attempt alone
        self._begin(STANDARD, 0)

    def _begin(self, lane: str, start: int) -> None:
        self._lane, self._start, self._stop = lane, start, start
        self._largest = 0
        self._chunks: list[memoryview] = []

    def add(self, piece: Piece, number: int, body: memoryview, largest: int) -> None:
        """Adds consecutive records, the first of which is row `number`."""
        if not self._chunks:
            self._begin(piece.lane, number)
        self._chunks.append(body)
        self._stop = number + piece.end - piece.begin
        self._largest = max(self._largest, largest)

    def close(self) -> None:
        """Uploads the object, if one is open."""
        if not self._chunks:
            return
        body, name = b"".join(self._chunks), None
        if self._lane != UNSENDABLE:
            name = object_name(self._start, self._stop - self._start, self._task)
            self._store.put(self._target.join(name), body)
        rows = {"start": self._start, "stop": self._stop, "lane": self._lane}
        self._spans.append({**rows, "object": name, "bytes": len(body), "largest": self._largest})
        self._chunks = []
