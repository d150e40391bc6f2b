"""The dead letters: the rows that have no prediction, as they were, each with its error."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch_transform.core.isolation.verdict_rows import DEAD, Leaf
from batch_transform.core.predictions.output_counts import BLOCK_BYTES
from batch_transform.core.publishing.leaf_lookup import LeafLookup
from batch_transform.core.publishing.prediction_gathering import Gatherer, RawLines
from batch_transform.core.reserved_columns import ERRORS, free
from batch_transform.core.spans import StagedFile
from batch_transform.core.staged_table import Staged
from batch_transform.spark.arrow_types import spark_schema
from batch_transform.spark.staged_rows import input_columns, read_staged
from batch_transform.spark.zip_merge import MergeSource, iterator_udf

_ARROW_TYPE = pa.struct(
    [
        ("class", pa.string()),
        ("message", pa.string()),
        ("job", pa.string()),
        ("object", pa.string()),
        ("line", pa.int64()),
        ("rounds", pa.int32()),
        ("evidence", pa.string()),
        ("time", pa.timestamp("us", tz="UTC")),
    ]
)
ERROR_TYPE = spark_schema(_ARROW_TYPE)


def dead_letters(
    spark: SparkSession, staged: Staged, leaves: pa.Table, source: MergeSource, column: str = "error"
) -> DataFrame:
    """Returns the dead rows: the input's columns, and their errors, structs that are never null.

    Only staged files that hold dead rows are read.

    Args:
        spark: the session.
        staged: the staged rows.
        leaves: the outcome of every row.
        source: where workers find the same leaves.
        column: the name of the errors.
    """
    errors_of = iterator_udf(functools.partial(_errors, source), ERROR_TYPE)
    rows = read_staged(spark, staged, files_with_dead_rows(staged, leaves))
    (errors,) = free([ERRORS], rows.columns)
    told = rows.withColumn(errors, errors_of(F.col(rows.columns[0]))).where(F.col(errors)["class"].isNotNull())
    return told.select(*input_columns(rows), F.col(errors).alias(column))


def files_with_dead_rows(staged: Staged, leaves: pa.Table) -> list[StagedFile]:
    """Returns the staged files that hold at least one dead row."""
    dead = leaves.filter(pc.equal(leaves["state"], DEAD)).sort_by("start")
    starts, stops = dead["start"].to_numpy(), dead["stop"].to_numpy()
    # The first dead leaf that ends after the file begins must also begin before the file ends.
    return [
        file
        for file in staged.files
        if (place := int(np.searchsorted(stops, file.first, side="right"))) < len(stops) and starts[place] <= file.last
    ]


def _errors(source: MergeSource, batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
    leaves = source.read_leaves()
    answers = Gatherer(leaves, RawLines(), source.open_output, BLOCK_BYTES)
    for batch in batches:
        numbers = batch.to_numpy(zero_copy_only=False)
        yield pa.concat_arrays([pa.array([], _ARROW_TYPE), *_structs(source, leaves, numbers, answers)])


def _structs(
    source: MergeSource, leaves: LeafLookup, numbers: np.ndarray, answers: Gatherer
) -> Iterator[pa.StructArray]:
    runs = list(leaves.runs(numbers))
    told = _words(source, [leaf for leaf, _ in runs])
    for leaf, chosen in runs:
        if leaf["state"] != DEAD:
            yield pa.array([{}] * len(chosen), _ARROW_TYPE)
            continue
        lines: list[int | None] = [None] * len(chosen)
        if leaf["line"] is not None:
            lines = (chosen - leaf["start"] + leaf["line"]).tolist()
        said = [told.get((leaf["job"], leaf["object"]), leaf["evidence"])] * len(chosen)
        if leaf["etag"] is not None:  # it has an output, whose line is no prediction: the line itself is the evidence
            said = answers.raw(leaf, chosen).to_pylist()
        fixed = {
            **{name: value for name, value in leaf.items() if name in ("message", "job", "object", "rounds")},
            "class": leaf["error_class"],
            "time": datetime.fromisoformat(leaf["at"]) if leaf["at"] else None,
        }
        yield pa.array(
            [{**fixed, "line": line, "evidence": words} for line, words in zip(lines, said, strict=True)], _ARROW_TYPE
        )


def _words(source: MergeSource, leaves: Iterable[Leaf]) -> dict[tuple[str, str], str | None]:
    """What service and model said of dead leaves, by job and object; one of an earlier version has it in itself.

    Neighbours may be of as many jobs as there are instances, of which few have their words held at a time: they are
    asked for job by job.
    """
    dead = [leaf for leaf in leaves if leaf["state"] == DEAD and leaf["evidence"] is None and leaf["etag"] is None]
    sent = sorted({(leaf["job"], leaf["object"]) for leaf in dead if leaf["job"] is not None})
    return {(job, name): source.words(job, name) for job, name in sent}
