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

from batch_transform.core.sending.file_tasks import RowGroups
from batch_transform.core.sending.json_records import NotRendered, rendered
from batch_transform.core.sending.record_sizes import WRITTEN_SCHEMA
from batch_transform.core.spans import UNSENDABLE
from batch_transform.spark.arrow_types import fetched, spark_schema
from batch_transform.spark.object_writer import ObjectWriter
from batch_transform.spark.staged_groups import NotRead, StagedReading

# What a task gives of which Spark is to make the records.
_LEFT = {"start": -1, "stop": -1, "lane": UNSENDABLE, "bytes": 0, "largest": 0}


@dataclass(frozen=True)
class FileExport:
    """The function of the export's tasks; a value that Spark sends to the workers.

    Attributes:
        staged: how staged files are read, every column of them: of copies no page is to be found broken later.
        tasks: what each exports.
        columns: of a record, in its order.
        end: what each record ends with.
        most: bytes of a record; where one has more Spark is to export.
        writer: of the objects.
    """

    staged: StagedReading
    tasks: tuple[tuple[RowGroups, ...], ...]
    columns: tuple[str, ...]
    end: str
    most: int
    writer: ObjectWriter

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for place in batch.column(0).to_pylist():
                yield self._written(place)

    def _written(self, place: int) -> pa.RecordBatch:
        try:
            (made,) = self.writer(self._records(place))
        except (NotRead, NotRendered):
            return pa.RecordBatch.from_pylist([_LEFT], schema=WRITTEN_SCHEMA)
        return made

    def _records(self, place: int) -> Iterator[pa.RecordBatch]:
        for groups in self.tasks[place]:
            for numbers, rows in self.staged.read(groups):
                lines = rendered(rows.select(list(self.columns)), self.end)
                if (pc.max(pc.binary_length(lines)).as_py() or 0) > self.most:
                    raise NotRendered("a large record")
                yield pa.record_batch([pa.array(numbers), lines], names=["number", "line"])


def export_files(spark: SparkSession, export: FileExport) -> pa.Table | None:
    """Returns the objects (WRITTEN_SCHEMA) that successful tasks have written; None: Spark is to make the records."""
    count = len(export.tasks)
    made = fetched(spark.range(0, count, 1, count).mapInArrow(export, spark_schema(WRITTEN_SCHEMA)), WRITTEN_SCHEMA)
    return None if pc.any(pc.equal(made["start"], _LEFT["start"])).as_py() else made
