"""Objects of records on S3, written by a Python worker from Arrow buffers.

A worker never looks into a record. What it writes is the Arrow data buffer itself, cut where `object_cutting` says. It
holds at most one Arrow batch (32 MB, or one record), one object (64 MB, or one record, or the 100 MB of an object that
is one request) and the object's joined bytes while they are sent, so about

    130 MB (an idle worker) + 32 MB + 2 * max(64 MB, largest record)
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.framing import Framing
from batch_transform.core.object_names import object_name
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.sending.object_cutting import Cutter, CuttingRules, Piece
from batch_transform.core.sending.partitioning import partitioning
from batch_transform.core.sending.record_sizes import (
    WRITTEN_SCHEMA,
    ExportedObjects,
    added,
    counted,
    exported,
    task_bytes,
)
from batch_transform.core.spans import STANDARD, UNSENDABLE
from batch_transform.core.text_buffers import text_buffers
from batch_transform.core.uris import S3Uri

# botocore keeps ten connections. Twice as many small objects wait at most, 16 MB.
_PUTS_AT_ONCE = 8
_SMALL_OBJECT_BYTES = 1_000_000


@dataclass(frozen=True)
class ObjectWriter:
    """The function of the export tasks; a value that Spark sends to the workers.

    Attributes:
        rules: where objects end.
        framing: of the records in them.
        target: the run's `input/`.
        connect: opens the store in a worker; picklable.
    """

    rules: CuttingRules
    framing: Framing
    target: S3Uri
    connect: Callable[[], ObjectStore]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Writes what a task is given, row numbers and records, and gives its objects (WRITTEN_SCHEMA)."""
        spans: list[dict[str, object]] = []
        cutter, sizes = Cutter(self.rules), np.zeros(0, np.int64)
        with ThreadPoolExecutor(_PUTS_AT_ONCE) as pool:
            puts = _Puts(self.connect(), pool)
            objects = _OpenObject(self.target, self.framing, puts, spans)
            for batch in batches:
                if batch.num_rows:
                    sizes = added((sizes, _write_batch(batch, cutter, objects)))
            objects.close()
            puts.finish()
        if spans:
            spans[-1]["sizes"] = sizes.tolist()
        yield pa.RecordBatch.from_pylist(spans, schema=WRITTEN_SCHEMA)


def _write_batch(batch: pa.RecordBatch, cutter: Cutter, objects: _OpenObject) -> np.ndarray:
    """How many records have which size, once they are written."""
    numbers = batch.column(0).to_numpy(zero_copy_only=False)
    lines = batch.column(1)
    sendable = pc.is_valid(lines).to_numpy(zero_copy_only=False)
    offsets, data = text_buffers(lines)
    sizes = np.diff(offsets)
    for piece in cutter.cut(numbers, sizes, sendable):
        if not piece.continues:
            objects.close()
        body = data[int(offsets[piece.begin]) : int(offsets[piece.end])]
        objects.add(piece, int(numbers[piece.begin]), body, int(sizes[piece.begin : piece.end].max()))
    return counted(sizes[sendable])


class _Puts:
    """Puts objects: a small one while the next are made (a put is mostly waiting), a large one before them.

    The span of each gets its ETag.
    """

    def __init__(self, store: ObjectStore, pool: ThreadPoolExecutor) -> None:
        self._store = store
        self._pool = pool
        self._pending: deque[tuple[dict[str, object], Future[str]]] = deque()

    def put(self, uri: S3Uri, body: bytes, span: dict[str, object]) -> None:
        """Puts an object now or soon; raises what an earlier one failed with."""
        if len(body) > _SMALL_OBJECT_BYTES:
            span["etag"] = self._store.put(uri, body)
            return
        if len(self._pending) == 2 * _PUTS_AT_ONCE:
            self._take()
        self._pending.append((span, self._pool.submit(self._store.put, uri, body)))

    def _take(self) -> None:
        span, answered = self._pending.popleft()
        span["etag"] = answered.result()

    def finish(self) -> None:
        """Waits until all objects are there; raises what one failed with."""
        while self._pending:
            self._take()


class _OpenObject:
    """The object that a task is filling; `close` uploads it and records its span."""

    def __init__(self, target: S3Uri, framing: Framing, puts: _Puts, spans: list[dict[str, object]]) -> None:
        self._target = target
        self._framing = framing
        self._puts = puts
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
        size = sum(len(chunk) for chunk in self._chunks)
        span: dict[str, object] = {"start": self._start, "stop": self._stop, "lane": self._lane, "object": None}
        span |= {"bytes": size, "largest": self._largest, "etag": None}
        if self._lane != UNSENDABLE:
            name = object_name(self._start, self._stop - self._start, self._task, self._framing.suffix)
            span["object"] = name
            self._puts.put(self._target.join(name), self._framing.frame(self._chunks), span)
        self._spans.append(span)
        self._chunks = []


def exported_by_tasks(written: pa.Table, cores: int, *, is_copied: bool) -> ExportedObjects:
    """Returns what tasks have written (WRITTEN_SCHEMA); of copies, which nobody has measured, how even tasks were."""
    found = exported(written)
    return replace(found, uneven=partitioning(task_bytes(written), cores).why) if is_copied else found
