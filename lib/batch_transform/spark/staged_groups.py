"""Row groups of staged files, read by a worker's pyarrow: what the workers export and merge without the JVM."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from batch_transform.core.object_store import ObjectNotFound, ObjectStore
from batch_transform.core.plain_paths import without_file_scheme
from batch_transform.core.sending.file_tasks import TASK_BYTES, RowGroups
from batch_transform.core.sending.object_sizes import ARROW_BATCH_BYTES
from batch_transform.core.uris import S3Uri
from batch_transform.spark.arrow_types import fetched, spark_schema

# Of each column at a time, where not all is read at once: a chunk may be as long as its file.
_READ_BYTES, _REQUEST_BYTES = 1024 * 1024, 8 * 1024 * 1024
_AT_ONCE_BYTES = TASK_BYTES
# A text of a dictionary takes its length in each row, which no footer tells; of fewer rows each read takes its time.
_READ_ROWS = 500


class NotRead(Exception):
    """pyarrow refuses a staged file; another reader may know what to do with it."""


@dataclass(frozen=True)
class StagedReading:
    """How staged files are read; a value that goes to workers.

    Attributes:
        tasks: the row groups of each.
        inputs: the input's columns, of the types that are asked for.
        numbers: the staged column of row numbers; None: rows are numbered by their places.
        batch_rows: how many rows a batch has at most; it has 32 MB at most, or one row.
        connect: opens the store in a worker; picklable.
    """

    tasks: tuple[tuple[RowGroups, ...], ...]
    inputs: pa.Schema
    numbers: str | None
    batch_rows: int
    connect: Callable[[], ObjectStore]

    def read(self, task: int) -> Iterator[tuple[npt.NDArray[np.int64], pa.RecordBatch]]:
        """Returns row numbers, and the input's columns, of a task's rows in the order of its files.

        Raises:
            NotRead: pyarrow cannot read a file, or not as these types.
            StoreFailure: S3 refused, or a file is another one by now.
        """
        for groups in self.tasks[task]:
            yield from self._read_groups(groups)

    def _read_groups(self, groups: RowGroups) -> Iterator[tuple[npt.NDArray[np.int64], pa.RecordBatch]]:
        first, more = groups.first, [pa.field(self.numbers, pa.int64())] if self.numbers else []
        columns = pa.schema([*more, *self.inputs])
        read = _batches(groups, columns, min(_READ_ROWS, self.batch_rows), self.connect)
        for batch in _of_size(_read(read, groups.path), self.batch_rows):
            if self.numbers:
                numbers = batch.column(self.numbers).to_numpy(zero_copy_only=False)
            else:
                numbers = np.arange(first, first + batch.num_rows)
                first += batch.num_rows
            yield numbers, batch.select(self.inputs.names)


def _read(batches: Iterator[pa.RecordBatch], path: str) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            batch = next(batches, None)
        except (pa.ArrowException, OSError) as err:
            raise NotRead(path) from err
        if batch is None:
            return
        yield batch


def _batches(
    groups: RowGroups, columns: pa.Schema, batch_rows: int, connect: Callable[[], ObjectStore]
) -> Iterator[pa.RecordBatch]:
    chosen = range(groups.start, groups.stop)
    with _opened(groups, connect) as file:
        left = sum(file.metadata.row_group(place).num_rows for place in chosen)
        for batch in file.iter_batches(batch_rows, row_groups=chosen, columns=columns.names, use_threads=False):
            left -= batch.num_rows
            yield pa.record_batch([batch.column(each.name).cast(each.type) for each in columns], schema=columns)
        if left:  # pyarrow says nothing of that, and each row of a later group would have another's number
            raise pa.ArrowInvalid("rows are missing")


def _of_size(batches: Iterator[pa.RecordBatch], most_rows: int) -> Iterator[pa.RecordBatch]:
    """The same rows, as many together as may be."""
    held, rows, size = list[pa.RecordBatch](), 0, 0
    for batch in batches:
        for part in _cut(batch):
            if held and (rows + part.num_rows > most_rows or size + part.nbytes > ARROW_BATCH_BYTES):
                yield _together(held)
                held, rows, size = [], 0, 0
            held.append(part)
            rows, size = rows + part.num_rows, size + part.nbytes
    if held:
        yield _together(held)


def _cut(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.nbytes <= ARROW_BATCH_BYTES or batch.num_rows <= 1:
        yield from [batch] if batch.num_rows else []
        return
    half = batch.num_rows // 2
    yield from _cut(batch.slice(0, half))
    yield from _cut(batch.slice(half))


def _together(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    (batch,) = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return batch


@contextmanager
def _opened(groups: RowGroups, connect: Callable[[], ObjectStore]) -> Iterator[pq.ParquetFile]:
    """A staged file, of which is read what is asked for."""
    if groups.path.startswith("file:"):
        opened = pq.ParquetFile(
            without_file_scheme(groups.path), buffer_size=_READ_BYTES, pre_buffer=False, page_checksum_verification=True
        )
    else:
        where = _Ranges(connect(), S3Uri.parse(groups.path), groups.etag)
        footer = pq.read_metadata(where)
        opened = pq.ParquetFile(
            where,
            metadata=footer,
            buffer_size=_REQUEST_BYTES,
            pre_buffer=_are_read_at_once(footer, groups),
            page_checksum_verification=True,
        )
    with opened as file:
        yield file


def _are_read_at_once(footer: pq.FileMetaData, groups: RowGroups) -> bool:
    """Whether row groups are held in memory, of few requests, where each column would take a request or more."""
    total = held = 0
    for group in map(footer.row_group, range(groups.start, groups.stop)):
        sizes = [group.column(place).total_compressed_size for place in range(group.num_columns)]
        total, held = total + sum(sizes), max(held, sum(min(size, _REQUEST_BYTES) for size in sizes))
    return total <= max(_AT_ONCE_BYTES, 2 * held)


class _Ranges(io.RawIOBase):
    """One version of an object as a file that is read from any place: of two versions no file is made."""

    def __init__(self, store: ObjectStore, uri: S3Uri, etag: str) -> None:
        super().__init__()
        found = store.head(uri)
        if found is None:
            raise ObjectNotFound("read", str(uri), "NoSuchKey", "it is gone")
        self._store, self._uri, self._etag, self._size, self._at = store, uri, etag, found.size_bytes, 0

    def readable(self) -> bool:
        """Returns True."""
        return True

    def seekable(self) -> bool:
        """Returns True."""
        return True

    def tell(self) -> int:
        """Returns the place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Returns the place of the next byte, once it is another."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Returns the next bytes, at most so many."""
        left = self._size - self._at
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted <= 0:
            return b""
        body = self._store.get_range(self._uri, self._at, wanted, self._etag)
        self._at += len(body)
        return body


@dataclass(frozen=True)
class _OfTasks:
    """The function of Spark's tasks, whose rows are the places of ours."""

    work: Callable[[int], Iterator[pa.RecordBatch]]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for task in batch.column(0).to_pylist():
                yield from self.work(task)


def done_by_tasks(
    spark: SparkSession, staged: StagedReading, work: Callable[[int], Iterator[pa.RecordBatch]], made: pa.Schema
) -> pa.Table:
    """Returns what work makes (`made`) of each task of a reading, by its place among them, as one of Spark's.

    Args:
        spark: the session.
        staged: whose tasks these are.
        work: is done in a worker; picklable.
        made: the columns of what it gives.
    """
    count = len(staged.tasks)
    return fetched(spark.range(0, count, 1, count).mapInArrow(_OfTasks(work), spark_schema(made)), made)
