"""The work on many objects, done by the executors of a run's session; what is little is counted where the driver is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from pyspark.sql import SparkSession

from batch_transform.core.framing import Framing
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.predictions.answer_form import AnswerForm
from batch_transform.core.predictions.output_counts import KeyCheck, OutputObject
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.tables.threaded_work import ThreadedObjectWork
from batch_transform.pipeline.worker_store import WorkerStore
from batch_transform.spark.object_tasks import count_outputs, cut_spans
from batch_transform.spark.user_session import own_session

# Of one job's outputs: threads count them in half a second, a Spark job and its workers in one and a half.
_LITTLE_BYTES = 32_000_000
# Each is a request, a few at once: of many, however small, threads wait for longer than a Spark job takes.
_FEW_OUTPUTS = 200


@dataclass(frozen=True)
class SparkObjectWork:
    """Counts and cuts with Spark.

    Attributes:
        store: as the driver reaches it.
        inputs: the run's `input/`.
        key: what answers must echo; None: nothing.
    """

    spark: SparkSession
    connect: WorkerStore
    store: ObjectStore
    inputs: S3Uri
    reader: PredictionReader
    key: KeyCheck | None = None

    def count(self, outputs: Sequence[OutputObject]) -> pa.Table:
        """Returns what each output holds (output_counts.OUTPUT_SCHEMA)."""
        if self.key is None and _is_little(outputs):
            return ThreadedObjectWork(self.store, self.inputs, self.reader).count(outputs)
        with own_session(self.spark):
            return count_outputs(self.spark, outputs, self.reader, self.connect, self.key)

    def reading(self, schema: pa.Schema | None, form: AnswerForm | None = None) -> SparkObjectWork:
        """Returns the same work, for predictions of this schema and, where it is given, this form."""
        return replace(self, reader=replace(self.reader, schema=schema, form=form or self.reader.form))

    def cut(self, cuts: pa.Table, framing: Framing) -> pa.Table:
        """Returns the parts (spans.PART_SCHEMA) of spans (spans.CUT_SCHEMA)."""
        with own_session(self.spark):
            return cut_spans(self.spark, cuts, self.inputs, self.connect, framing)


def _is_little(outputs: Sequence[OutputObject]) -> bool:
    return len(outputs) <= _FEW_OUTPUTS and sum(output.bytes for output in outputs) <= _LITTLE_BYTES
