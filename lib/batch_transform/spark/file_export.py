"""Export by the workers themselves: what they read of staged Parquet they render as records and put as objects.

It is done where pyarrow reads the very values that Spark would and a record is a JSON object of plain ones
(`core.sending.json_records`). Then no row crosses out of the JVM, which takes half of an export's processor
(tests/benchmarks/speed.py); any other table Spark exports (`exports.arrow`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from batch_transform.core.sending.json_records import NotRendered, rendered
from batch_transform.core.sending.record_sizes import WRITTEN_SCHEMA
from batch_transform.core.spans import UNSENDABLE
from batch_transform.spark.object_writer import ObjectWriter
from batch_transform.spark.staged_groups import NotRead, StagedReading, done_by_tasks

# What a task gives of which Spark is to make the records.
_LEFT = {"start": -1, "stop": -1, "lane": UNSENDABLE, "bytes": 0, "largest": 0}


@dataclass(frozen=True)
class FileExport:
    """The function of the export's tasks; a value that Spark sends to the workers.

    Attributes:
        staged: how staged files are read, every column of them: of copies no page is to be found broken later.
        columns: of a record, in its order.
        end: what each record ends with.
        most: bytes of a record; where one has more Spark is to export.
        writer: of the objects.
    """

    staged: StagedReading
    columns: tuple[str, ...]
    end: str
    most: int
    writer: ObjectWriter

    def __call__(self, place: int) -> Iterator[pa.RecordBatch]:
        try:
            yield from self.writer(self._records(place))
        except (NotRead, NotRendered):
            yield pa.RecordBatch.from_pylist([_LEFT], schema=WRITTEN_SCHEMA)

    def _records(self, place: int) -> Iterator[pa.RecordBatch]:
        for numbers, rows in self.staged.read(place):
            lines = rendered(rows.select(list(self.columns)), self.end)
            if (pc.max(pc.binary_length(lines)).as_py() or 0) > self.most:
                raise NotRendered("a large record")
            yield pa.record_batch([pa.array(numbers), lines], names=["number", "line"])


def export_files(spark: SparkSession, export: FileExport) -> pa.Table | None:
    """Returns the objects (WRITTEN_SCHEMA) that successful tasks have written; None: Spark is to make the records."""
    made = done_by_tasks(spark, export.staged, export, WRITTEN_SCHEMA)
    return None if pc.any(pc.equal(made["start"], _LEFT["start"])).as_py() else made
