"""A result that the workers merge file by file, where they may (spark.file_merge); else Spark merges it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, DoubleType, FloatType, NumericType, StructField, StructType

from batch_transform.core.object_store import ObjectNotFound, ObjectStore
from batch_transform.core.publishing.counted_numbers import SAMPLE_ROWS, ColumnCounts, NumberColumn, range_of
from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.core.publishing.prediction_values import PredictedNumbers
from batch_transform.core.staged_table import Staged
from batch_transform.outputs.copied_files import FileFormat
from batch_transform.outputs.file_tree import Tree
from batch_transform.outputs.local_tree import LocalTree
from batch_transform.outputs.s3_tree import S3Tree
from batch_transform.outputs.written_tables import WrittenTable
from batch_transform.pipeline.tables.plain_files import plain_files
from batch_transform.spark.copy_rules import encrypts_by_itself, is_of_this_machine
from batch_transform.spark.file_merge import FileMerge, merge_files
from batch_transform.spark.file_merge_rules import are_plain, plain_codec
from batch_transform.spark.prediction_columns import PredictionShape
from batch_transform.spark.staged_rows import staged_schema
from batch_transform.spark.watched_values import MOST_COLUMNS, uncounted
from batch_transform.spark.zip_merge import MergeSource

_SCHEMA_OF_SPARK, _VERSION_OF_SPARK = "org.apache.spark.sql.parquet.row.metadata", "org.apache.spark.version"


@dataclass(frozen=True)
class ToMerge:
    """What is merged, and where to.

    Attributes:
        spark: the session, under the settings of the run's own jobs.
        staged: the staged rows.
        scored: how many of them have a prediction.
        source: where workers find leaves and outputs.
        shape: of the predictions.
        store: S3, to the driver.
    """

    spark: SparkSession
    staged: Staged
    scored: int
    source: MergeSource
    shape: PredictionShape
    store: ObjectStore


def merged_by_workers(given: ToMerge, how: FileFormat, written: WrittenTable) -> WrittenTable | None:
    """Returns the table with its files, once the workers have merged them; None: Spark is to, and nothing is written.

    Raises:
        StoreFailure: a file that a worker has written is not there.
    """
    target = _folder_of(given.spark, written.tree)
    if target is None or not _are_plain(given) or (codec := plain_codec(given.spark)) is None:
        return None
    staged = plain_files(given.spark, given.staged, given.store, given.source.connect)
    if staged is None:
        return None
    columns = _number_columns(given.shape)
    merge = FileMerge(
        source=given.source,
        staged=staged,
        reader=given.shape.reader,
        column=given.shape.column,
        target=target,
        codec=codec,
        notes={_SCHEMA_OF_SPARK: _schema(given).json(), _VERSION_OF_SPARK: given.spark.version},
        counted=columns[:MOST_COLUMNS],
        share=SAMPLE_ROWS / max(given.scored, SAMPLE_ROWS),
    )
    made = None
    try:
        made = merge_files(given.spark, merge)
    finally:
        if made is None:
            written.tree.clear()  # no committer of Spark's removes what tasks have left
    if made is None:
        return None
    merged = replace(written, files=_files(written.tree, how, made))
    counts = [json.loads(text) for text in made["counts"].to_pylist()]
    return replace(merged, numbers=_numbers(columns, merged.rows, counts))


def _folder_of(spark: SparkSession, tree: Tree) -> str | None:
    """Where the workers write; None: they do not reach it, or Spark writes there otherwise than they."""
    if isinstance(tree, LocalTree):
        return tree.root if is_of_this_machine(spark) else None
    if isinstance(tree, S3Tree) and not encrypts_by_itself(spark, tree.location):
        return tree.location
    return None


def _are_plain(given: ToMerge) -> bool:
    """Whether there is nothing that Spark alone computes."""
    shape = given.shape
    return not shape.sql and not shape.provenance and are_plain(shape.reader.type)


def _schema(given: ToMerge) -> StructType:
    """The table's columns, as Spark tells other readers of Spark's."""
    inputs = [StructField(field.name, field.dataType) for field in staged_schema(given.staged)]
    fields = given.shape.columns
    added = [StructField(fields[0].name, fields[0].dataType, nullable=False)] if given.shape.column else fields
    return StructType([*inputs, *added])


def _number_columns(shape: PredictionShape) -> tuple[NumberColumn, ...]:
    found = list[NumberColumn]()
    for place, field in enumerate(shape.struct.fields):
        name = f"{shape.column}.{field.name}" if shape.column else field.name
        if isinstance(field.dataType, NumericType):
            found.append(NumberColumn(place, name, isinstance(field.dataType, (FloatType, DoubleType))))
        elif isinstance(field.dataType, ArrayType):
            found.append(NumberColumn(place, name, note=uncounted(field.dataType)))
    return tuple(found)


def _files(tree: Tree, how: FileFormat, made: pa.Table) -> tuple[TreeFile, ...]:
    """The files that successful tasks have written, with their rows by their footers; others are removed."""
    names, listed = set(made["file"].to_pylist()), {file.name: file for file in tree.list()}
    missing = names - listed.keys()
    if missing:
        raise ObjectNotFound("merge", f"{tree.location}/{min(missing)}", "gone", "a worker has written it")
    tree.delete(listed.keys() - names)
    ours = [listed[name] for name in sorted(names)]
    rows = how.file_rows(tree, ours)
    return tuple(replace(file, rows=rows[file.name]) for file in ours)


def _numbers(columns: Sequence[NumberColumn], rows: int, counts: Sequence[Sequence[ColumnCounts]]) -> PredictedNumbers:
    counted = columns[:MOST_COLUMNS]
    ranges = [range_of(column, rows, [each[place] for each in counts]) for place, column in enumerate(counted)]
    return PredictedNumbers(tuple(ranges), len(columns) - len(counted))
