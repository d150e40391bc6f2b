"""Rows that were staged, and answers to them in S3, without a run: what merging takes."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from batch_transform.core.isolation.verdict_rows import DEAD, LEAF_SCHEMA, SCORED
from batch_transform.core.predictions.answer_form import PLAIN, AnswerForm
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.staged_table import Staged
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.worker_store import WorkerStore
from batch_transform.spark.dead_letters import dead_letters
from batch_transform.spark.merge_way import Merge, way_named
from batch_transform.spark.prediction_columns import PredictionShape
from batch_transform.spark.record_rules import record_rule
from batch_transform.spark.staging import stage
from batch_transform.spark.zip_merge import MergeSource, select_result
from support.emulated import BUCKET, Emulated

JOB, OBJECT = "the-job", "the-object.jsonl"


@dataclass(frozen=True)
class Answered:
    """Staged rows, of which all but the last are scored, and the last is dead."""

    spark: SparkSession
    staged: Staged
    source: MergeSource
    leaves: pa.Table
    folder: Path

    def result(self, shape: PredictionShape, way: str = "zip", model: str = "m") -> DataFrame:
        """Returns the merged rows, by the way that `merge` names."""
        merge = Merge(self.spark, self.staged, self.leaves, self.source, shape, self._output)
        rows = way_named(way).outcomes(merge)
        return select_result(rows, shape, "the-run", model)

    def dead(self, column: str = "error") -> DataFrame:
        """Returns the dead letters."""
        return dead_letters(self.spark, self.staged, self.leaves, self.source, column)

    def _output(self, job: str, name: str) -> str:
        return f"file:{self.folder}/{job}/{name}.out"


def stage_rows(df: DataFrame, folder: Path, **rule: Any) -> Staged:
    """Returns the rows of a table once they are staged below a folder, as JSON Lines unless `rule` says otherwise."""
    asked = {"format": "jsonlines", "columns": None, "sql": None, **rule}
    made = record_rule(df.sparkSession, df.schema, **asked)
    return stage(df, made, f"{folder}/{uuid.uuid4().hex}")


def answered(
    world: Emulated,
    df: DataFrame,
    answer: Callable[[int], Any],
    folder: Path,
    form: AnswerForm = PLAIN,
    written: Callable[[list[str]], str] = "\n".join,
) -> Answered:
    """Returns the rows of a table of one partition with the answers to them, one JSON value a row.

    Args:
        world: whose S3 holds them.
        df: the table.
        answer: to each row, by its place.
        folder: for what Spark reads and writes.
        form: how the answers lie in the output.
        written: the output, of the JSON of its answers.
    """
    staged = stage_rows(df, folder)
    (file,) = staged.files
    lines = [json.dumps(answer(place)) for place in range(file.rows)]
    run = uuid.uuid4().hex
    source = MergeSource(RunLayout(S3Uri(BUCKET, ""), run), "leaves", WorkerStore(world.access), form)
    body = written(lines).encode()
    local = folder / JOB / f"{OBJECT}.out"
    local.parent.mkdir(parents=True, exist_ok=True)
    local.write_bytes(body)
    client = world.client("s3")
    output = source.output(JOB, OBJECT)
    etag = client.put_object(Bucket=BUCKET, Key=output.key, Body=body)["ETag"]
    leaves = _leaves(file.first, file.last + 1, etag, len(lines))
    sink = io.BytesIO()
    pq.write_table(leaves, sink)
    client.put_object(Bucket=BUCKET, Key=source.layout.part(source.leaves).key, Body=sink.getvalue())
    return Answered(df.sparkSession, staged, source, leaves, folder)


def _leaves(start: int, stop: int, etag: str, lines: int) -> pa.Table:
    common = {"job": JOB, "object": OBJECT, "rounds": 1, "at": "2024-05-01T00:00:00+00:00"}
    scored = {"start": start, "stop": stop - 1, "state": SCORED, "line": 0, "etag": etag, "lines": lines}
    dead = {"start": stop - 1, "stop": stop, "state": DEAD, "error_class": "client error", "message": "no"}
    rows: Sequence[dict[str, Any]] = [{**common, **scored}, {**common, **dead}]
    return pa.Table.from_pylist(list(rows), schema=LEAF_SCHEMA)
