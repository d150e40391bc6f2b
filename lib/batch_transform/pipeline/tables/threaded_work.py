"""The work on many objects without Spark, done by threads of this process."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pyarrow as pa

from batch_transform.core.framing import Framing
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.predictions.answer_form import AnswerForm
from batch_transform.core.predictions.output_counts import OUTPUT_SCHEMA, KeyCheck, OutputObject, count_output
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.sending.part_objects import cut_object
from batch_transform.core.spans import PART_SCHEMA, Cut, CutPart
from batch_transform.core.uris import S3Uri

_OBJECTS_AT_ONCE = 4
# A put is mostly waiting; botocore keeps ten connections.
_PUTS_AT_ONCE = 8


@dataclass(frozen=True)
class ThreadedObjectWork:
    """Counts and cuts four objects at once.

    What it holds at most: to count, four blocks of 4 MB (or an answer's line) with what reading them takes, five to
    twenty times as much: 80 to 320 MB, and with a key the same of the records again; to cut, four objects (64 MB, or
    one record, each) and eight of their parts: 256 MB where the parts are small, twice that where they are not. What is
    returned grows with the objects, some hundred bytes for each.

    Attributes:
        store: which threads may share.
        inputs: the run's `input/`.
        key: what answers must echo; None: nothing.
    """

    store: ObjectStore
    inputs: S3Uri
    reader: PredictionReader
    key: KeyCheck | None = None

    def count(self, outputs: Sequence[OutputObject]) -> pa.Table:
        """Returns what each output holds (output_counts.OUTPUT_SCHEMA)."""
        with ThreadPoolExecutor(_OBJECTS_AT_ONCE) as pool:
            rows = list(pool.map(lambda output: count_output(self.store, output, self.reader, self.key), outputs))
        return pa.Table.from_pylist(rows, schema=OUTPUT_SCHEMA)

    def reading(self, schema: pa.Schema | None, form: AnswerForm | None = None) -> ThreadedObjectWork:
        """Returns the same work, for predictions of this schema and, where it is given, this form."""
        return replace(self, reader=replace(self.reader, schema=schema, form=form or self.reader.form))

    def cut(self, cuts: pa.Table, framing: Framing) -> pa.Table:
        """Returns the parts (spans.PART_SCHEMA) of spans (spans.CUT_SCHEMA)."""
        # Two pools: a cut waits for its puts, and were they in one pool, cuts could fill it and wait for ever.
        with ThreadPoolExecutor(_OBJECTS_AT_ONCE) as pool, ThreadPoolExecutor(_PUTS_AT_ONCE) as puts:

            def made(cut: Cut) -> list[CutPart]:
                return cut_object(self.store, self.inputs, cut, uuid.uuid4().hex[:16], puts.map, framing)

            parts: Iterable[list[CutPart]] = pool.map(made, cuts.to_pylist())
            return pa.Table.from_pylist([part for of_one in parts for part in of_one], schema=PART_SCHEMA)
