"""Merge by the workers themselves: what they read of staged Parquet they write again, the predictions beside it.

It is done where pyarrow reads and writes the very values that Spark would (`plain_types`): a table of plain types,
Parquet to Parquet. Then no row crosses into the JVM or out of it, which takes a third of a merge's processor
(tests/benchmarks/speed.py); any other table Spark merges (`zip_merge`).

A task writes files under names that no other attempt writes. Files of attempts that failed are left where they are:
nothing refers to them.
"""

from __future__ import annotations

import io
import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from batch_transform.core.object_store import ObjectStore
from batch_transform.core.predictions.output_counts import BLOCK_BYTES
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.publishing.counted_numbers import NOTHING_COUNTED, ColumnCounts, NumberColumn, added
from batch_transform.core.publishing.prediction_gathering import Gatherer
from batch_transform.core.uris import S3Uri
from batch_transform.spark.staged_groups import NotRead, StagedReading, done_by_tasks
from batch_transform.spark.zip_merge import MergeSource

# One row for each file of a task: its name, and as JSON what was counted of each column of numbers since the last.
# Without a name: a staged file of the task is not read by pyarrow, whatever Spark makes of it.
MERGED_SCHEMA = pa.schema([("file", pa.string()), ("rows", pa.int64()), ("counts", pa.string())])
# A row group is held until it is written, and its pages beside it.
_GROUP_BYTES = 32 * 1024 * 1024
# Then a file ends and another begins: a worker holds the one that it writes to S3, and a prediction may be many times
# its row, of which TASK_BYTES tells.
_FILE_BYTES = 128 * 1024 * 1024


@dataclass(frozen=True)
class FileMerge:
    """The function of the merge's tasks; a value that Spark sends to the workers.

    Attributes:
        source: where workers find leaves and outputs.
        staged: how staged files are read; their columns are written as they are.
        reader: of an output's lines.
        column: keeps the prediction's fields in one struct of this name; None: each is a column.
        target: the folder of the files: a path of this machine, or `s3://`.
        codec: of pyarrow's, by which pages are compressed.
        notes: what a file says of itself.
        counted: which columns of numbers are counted.
        share: of the rows, whose numbers make the sketch.
    """

    source: MergeSource
    staged: StagedReading
    reader: PredictionReader
    column: str | None
    target: str
    codec: str
    notes: Mapping[str, str]
    counted: tuple[NumberColumn, ...] = ()
    share: float = 1.0

    @property
    def schema(self) -> pa.Schema:
        """The columns that are written."""
        fields = list(self.reader.type)
        added = [pa.field(self.column, pa.struct(fields))] if self.column else fields
        return pa.schema([*self.staged.inputs, *added])

    def __call__(self, place: int) -> Iterator[pa.RecordBatch]:
        for told in self._told(place):
            yield pa.RecordBatch.from_pylist([told], schema=MERGED_SCHEMA)

    def _told(self, place: int) -> Iterator[dict[str, object]]:
        try:
            yield from self._merged(place)
        except NotRead:
            yield {"file": None}

    def _merged(self, place: int) -> Iterator[dict[str, object]]:
        """What became of a task's rows; a task that has none writes a file as well."""
        counts = _Counts(self.counted, self.share, place)
        groups = self._groups(place, counts)
        group, is_begun = next(groups, None), False
        while group is not None or not is_begun:
            name, rows, is_begun = f"part-{place:05}-{uuid.uuid4()}.parquet", 0, True
            with _sink(self.target, name, self.source.connect) as sink, self._writer(sink) as writer:
                while group is not None and (not rows or sink.tell() < _FILE_BYTES):
                    writer.write_table(group, row_group_size=max(1, group.num_rows))
                    rows, group = rows + group.num_rows, next(groups, None)
                writer.add_key_value_metadata(dict(self.notes))
            yield {"file": name, "rows": rows, "counts": json.dumps(counts.taken())}

    def _groups(self, place: int, counts: _Counts) -> Iterator[pa.Table]:
        """The row groups that a task writes."""
        held, size = list[pa.RecordBatch](), 0
        for batch in self._rows(place, counts):
            held += [batch] if batch.num_rows else []
            size += batch.nbytes
            if size >= _GROUP_BYTES:
                yield pa.Table.from_batches(held)
                held, size = [], 0
        if held:
            yield pa.Table.from_batches(held)

    def _writer(self, sink: IO[bytes]) -> pq.ParquetWriter:
        level = {"zstd": 3, "gzip": 6}.get(self.codec)  # as Spark's writer has them
        return pq.ParquetWriter(
            sink, self.schema, compression=self.codec, compression_level=level, version="2.6", store_schema=False
        )

    def _rows(self, place: int, counts: _Counts) -> Iterator[pa.RecordBatch]:
        """The scored rows of a task, with their predictions."""
        gatherer = Gatherer(self.source.read_leaves(), self.reader, self.source.open_output, BLOCK_BYTES)
        for numbers, inputs in self.staged.read(place):
            at = 0
            for answers in gatherer.gather(numbers):
                flags, *fields = answers.flatten()
                columns = inputs.slice(at, len(flags)).columns
                at += len(flags)
                if flags.false_count:
                    columns = [column.filter(flags) for column in columns]
                    fields = [column.filter(flags) for column in fields]
                counts.add(fields)
                yield pa.record_batch([*columns, *self._added(fields)], schema=self.schema)

    def _added(self, fields: list[pa.Array]) -> list[pa.Array]:
        return [pa.StructArray.from_arrays(fields, fields=list(self.reader.type))] if self.column else fields


class _Counts:
    """Counts the prediction's numbers of a task."""

    def __init__(self, columns: Sequence[NumberColumn], share: float, seed: int) -> None:
        self._columns, self._share, self._random = columns, share, np.random.default_rng(seed)
        self._found: list[ColumnCounts] = [NOTHING_COUNTED for _ in columns]

    def add(self, fields: Sequence[pa.Array]) -> None:
        """Counts more rows, by the fields of their predictions."""
        if not self._columns:
            return
        chosen = self._random.random(len(fields[0])) < self._share
        self._found = [
            added(counts, column, fields[column.place], chosen)
            for counts, column in zip(self._found, self._columns, strict=True)
        ]

    def taken(self) -> list[ColumnCounts]:
        """Returns what was counted since it was asked for last."""
        found, self._found = self._found, [NOTHING_COUNTED for _ in self._columns]
        return found


@contextmanager
def _sink(folder: str, name: str, connect: Callable[[], ObjectStore]) -> Iterator[IO[bytes]]:
    """A file of a folder, which is there, whole, once the block ends."""
    if not folder.startswith("s3://"):
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "xb") as stream:
            yield stream
        return
    body = io.BytesIO()
    yield body
    connect().put(S3Uri.parse(folder).join(name), body.getvalue())


def merge_files(spark: SparkSession, merge: FileMerge) -> pa.Table | None:
    """Returns the files (MERGED_SCHEMA) that successful tasks have written; None: Spark is to read the staged ones."""
    made = done_by_tasks(spark, merge.staged, merge, MERGED_SCHEMA)
    return None if made["file"].null_count else made
