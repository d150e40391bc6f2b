"""Merge: each staged row gets its prediction back, by its number, without a shuffle.

Only the row number goes to Python and only the prediction comes back; the input's columns never leave the JVM, so every
Spark type survives. The function is `asNondeterministic()`: a plain one is pushed below filters and evaluated twice.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf
from pyspark.sql.types import BooleanType, StructField, StructType

from batch_transform.core.object_store import ObjectNotFound, ObjectStore
from batch_transform.core.predictions.answer_form import PLAIN, AnswerForm
from batch_transform.core.predictions.output_counts import BLOCK_BYTES
from batch_transform.core.publishing.leaf_lookup import GroupedLeaves
from batch_transform.core.publishing.prediction_gathering import Gatherer
from batch_transform.core.reserved_columns import ORIGIN, OUTCOME, PROVENANCE, SCORED, free, place_name
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.staged_table import Staged
from batch_transform.core.uris import S3Uri
from batch_transform.spark.prediction_columns import PROVENANCE_TYPE, PredictionShape, prediction_columns
from batch_transform.spark.staged_rows import input_columns, read_staged

ORIGIN_TYPE = StructType(
    [StructField(name, kind.dataType) for name, kind in zip(ORIGIN, PROVENANCE_TYPE.fields[2:], strict=True)]
)


@dataclass(frozen=True)
class MergeSource:
    """Where workers find leaves and outputs, and how predictions lie in those; a value that can be sent to them.

    Attributes:
        leaves: the key of their part.
    """

    layout: RunLayout
    leaves: str
    connect: Callable[[], ObjectStore]
    form: AnswerForm = PLAIN

    def output(self, job: str, name: str) -> S3Uri:
        """Returns the location of the output for an input object of a job."""
        return self.layout.output(job, name)

    def read_leaves(self) -> GroupedLeaves:
        """Returns the leaves, fetched once in each worker, and decoded as far as they are asked for."""
        return _leaves(self.connect, self.layout.part(self.leaves))

    def words(self, job: str, name: str) -> str | None:
        """Returns what service and model said of an object of a job; None: nothing, or it is forgotten."""
        return _words(self.connect, self.layout.evidence(job)).get(name)

    def open_output(self, job: str, name: str, etag: str) -> Iterable[bytes]:
        """Returns an output at the ETag at which it was counted, with one prediction on each line."""
        return self.form.lines(self.connect().open_stream(self.output(job, name), etag).chunks)


@functools.lru_cache(maxsize=2)
def _leaves(connect: Callable[[], ObjectStore], uri: S3Uri) -> GroupedLeaves:
    return grouped_leaves(connect().get(uri)[0])


def grouped_leaves(part: bytes) -> GroupedLeaves:
    """Returns the leaves of a part of the ledger, by its row groups."""
    file = pq.ParquetFile(pa.BufferReader(part))
    start, stop = (file.schema_arrow.get_field_index(name) for name in ("start", "stop"))
    groups = [file.metadata.row_group(place) for place in range(file.num_row_groups)]
    known = [(group.column(start).statistics, group.column(stop).statistics) for group in groups]
    anywhere = 0, np.iinfo(np.int64).max
    bounds = [(first.min, last.max) if first and last and first.has_min_max else anywhere for first, last in known]
    firsts, stops = np.array(bounds, np.int64).reshape(-1, 2).T
    return GroupedLeaves(firsts, stops, file.read_row_groups)


@functools.lru_cache(maxsize=16)
def _words(connect: Callable[[], ObjectStore], uri: S3Uri) -> dict[str, str]:
    try:
        found = pq.read_table(pa.BufferReader(connect().get(uri)[0]))
    except ObjectNotFound:
        return {}
    return dict(zip(*(column.to_pylist() for column in found.columns), strict=True))


def outcome_type(shape: PredictionShape) -> StructType:
    """Returns the type of an outcome: a flag that is never null, the prediction's fields, where they come from.

    The fields are named by their places, so that they may have any name in the prediction.
    """
    fields = [StructField(place_name(place), field.dataType) for place, field in enumerate(shape.struct.fields)]
    return StructType([StructField(SCORED, BooleanType()), *fields, *(ORIGIN_TYPE.fields if shape.provenance else ())])


def with_outcomes(spark: SparkSession, staged: Staged, source: MergeSource, shape: PredictionShape) -> DataFrame:
    """Returns the staged rows with their outcomes (`outcome_type`) as the last column."""
    zip_predictions = iterator_udf(functools.partial(_gather, source, shape), outcome_type(shape))
    rows = read_staged(spark, staged)
    (outcome,) = free([OUTCOME], rows.columns)
    return rows.withColumn(outcome, zip_predictions(F.col(rows.columns[0])))


def select_result(outcomes: DataFrame, shape: PredictionShape, run_id: str, model: str | Column) -> DataFrame:
    """Returns the scored rows: the input's columns in their order, then the prediction's.

    Args:
        outcomes: the staged rows with their outcomes.
        shape: of the predictions.
        run_id: for their provenance, as is `model`.
        model: its name, or what tells each row's (`model_of_rows`).
    """
    outcome = F.col(outcomes.columns[-1])
    inputs = input_columns(outcomes, added=1)
    told = [_provenance(outcome, run_id, model)] if shape.provenance else []
    rows, kept, fields = prediction_columns(outcomes.where(outcome[SCORED]), shape, outcome, [*inputs, *told])
    added = [F.struct(*fields).alias(shape.column)] if shape.column else fields
    return rows.select(*kept[: len(inputs)], *added, *kept[len(inputs) :])


def _provenance(outcome: Column, run_id: str, model: str | Column) -> Column:
    known = [F.lit(run_id).alias("run_id"), F.lit(model).alias("model")]
    origin = zip(ORIGIN, PROVENANCE_TYPE.names[len(known) :], strict=True)
    return F.struct(*known, *[outcome[inner].alias(name) for inner, name in origin]).alias(PROVENANCE)


def _gather(source: MergeSource, shape: PredictionShape, batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
    gatherer = Gatherer(source.read_leaves(), shape.reader, source.open_output, BLOCK_BYTES, origin=shape.provenance)
    names = outcome_type(shape).names
    for numbers in batches:
        for answers in gatherer.gather(numbers.to_numpy(zero_copy_only=False)):
            yield pa.StructArray.from_arrays(answers.flatten(), names)


def iterator_udf(run: Callable[[Iterator[pa.Array]], Iterator[pa.Array]], kind: StructType) -> Callable[..., Column]:
    """Returns a UDF from an iterator of Arrow arrays to an iterator of struct arrays, on either line of Spark."""
    arrow_udf = getattr(F, "arrow_udf", None)  # Spark 4.1 and later
    if arrow_udf is not None:

        def over_arrow(batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
            return run(batches)

        made: Any = arrow_udf(over_arrow, kind)
    else:

        def over_pandas(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
            for answer in run(pa.Array.from_pandas(batch) for batch in batches):
                yield _frame(answer)

        untyped: Any = pandas_udf  # its overloads know no struct answered as a frame
        made = untyped(over_pandas, kind)
    return made.asNondeterministic()  # type: ignore[no-any-return]


def _frame(structs: pa.StructArray) -> pd.DataFrame:
    """The fields as pandas columns that keep integers beside nulls: `to_pandas` made ...993 into ...992."""
    columns = {}
    for field, values in zip(structs.type, structs.flatten(), strict=True):
        nested = pa.types.is_nested(field.type)
        columns[field.name] = (
            pd.Series(values.to_pylist(), dtype=object)
            if nested
            else pd.Series(values, dtype=pd.ArrowDtype(field.type))
        )
    return pd.DataFrame(columns)


def model_of_rows(outcomes: DataFrame, labels: Mapping[str, str]) -> str | Column:
    """Returns what provenance says of the model of each row.

    Args:
        outcomes: the staged rows with their outcomes, the last column, which tells each row's job.
        labels: of each job's model; mostly they are all the same.
    """
    distinct = sorted(set(labels.values()))
    if len(distinct) <= 1:
        return "".join(distinct)
    job = F.col(outcomes.columns[-1])[ORIGIN_TYPE.names[0]]
    pairs = [F.lit(text) for label in labels.items() for text in label]
    return F.element_at(F.create_map(*pairs), job)
