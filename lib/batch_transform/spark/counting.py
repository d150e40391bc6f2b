"""Count what a job wrote, in the executors: lines, blank lines, and the lines that the prediction reader refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import SparkSession

from batch_transform.core.objects import ObjectStore
from batch_transform.core.prediction_answers import Unreadable, readable_runs
from batch_transform.core.prediction_lines import blocks, count
from batch_transform.core.predictions import PredictionReader
from batch_transform.core.uris import S3Uri
from batch_transform.core.verdicts import OUTPUT_SCHEMA

# Read fast it takes about five times as much memory, line by line about twenty times (core.predictions).
BLOCK_BYTES = 4 * 1024 * 1024
_TASKS = 64
_OUTPUTS_DDL = (
    "object string, etag string, lines long, blank long, "
    "unreadable array<struct<start: long, stop: long, reason: string>>"
)


@dataclass(frozen=True)
class OutputObject:
    """An output that was listed: the input object it answers, its location and its ETag."""

    object: str
    uri: S3Uri
    etag: str


def count_outputs(
    spark: SparkSession,
    outputs: Sequence[OutputObject],
    reader: PredictionReader,
    connect: Callable[[], ObjectStore],
) -> pa.Table:
    """Returns what each output holds (verdicts.OUTPUT_SCHEMA), read at its ETag.

    Args:
        spark: the session.
        outputs: the listed outputs.
        reader: of the predictions.
        connect: opens the store in a worker; picklable.
    """
    if not outputs:
        return OUTPUT_SCHEMA.empty_table()
    listed = [(output.object, output.uri.bucket, output.uri.key, output.etag) for output in outputs]
    counted = (
        spark.createDataFrame(listed, "object string, bucket string, key string, etag string")
        .repartition(min(len(listed), _TASKS))
        .mapInArrow(_Counter(reader, connect), _OUTPUTS_DDL)
        .toPandas()
    )
    return pa.Table.from_pandas(counted, schema=OUTPUT_SCHEMA, preserve_index=False)


@dataclass(frozen=True)
class _Counter:
    reader: PredictionReader
    connect: Callable[[], ObjectStore]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        store = self.connect()
        for batch in batches:
            rows = [self._count(store, row) for row in batch.to_pylist()]
            yield pa.RecordBatch.from_pylist(rows, schema=OUTPUT_SCHEMA)

    def _count(self, store: ObjectStore, row: dict[str, str]) -> dict[str, object]:
        stream = store.open_stream(S3Uri(row["bucket"], row["key"]), row["etag"])
        lines, blank, unreadable = count_stream(stream.chunks, self.reader)
        runs = [run for run in readable_runs(lines, unreadable) if not run.readable]
        return {
            "object": row["object"],
            "etag": row["etag"],
            "lines": lines,
            "blank": blank,
            "unreadable": [{"start": run.start, "stop": run.stop, "reason": run.reason} for run in runs],
        }


def count_stream(chunks: Iterable[bytes], reader: PredictionReader) -> tuple[int, int, list[Unreadable]]:
    """Returns lines, blank lines and unreadable lines of one output, holding one block at a time."""
    lines = blank = 0
    unreadable: list[Unreadable] = []
    for block in blocks(chunks, BLOCK_BYTES):
        counted = count([block])
        unreadable += [place.moved(lines) for place in reader.read(block).unreadable]
        lines += counted.lines
        blank += counted.blank_lines
    return lines, blank, unreadable
