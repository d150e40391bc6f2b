"""A result that the workers merge file by file, where they may (spark.file_merge); else Spark merges it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, DoubleType, FloatType, NumericType, StructField, StructType

from batch_transform.core.copied_files import root_and_name
from batch_transform.core.errors import ConfigurationError, GateRefused
from batch_transform.core.object_store import ObjectNotFound, ObjectStore, StoreFailure
from batch_transform.core.publishing.counted_numbers import SAMPLE_ROWS, ColumnCounts, NumberColumn, range_of
from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.core.publishing.merge_tasks import TASK_BYTES, StagedGroups, merge_tasks
from batch_transform.core.publishing.prediction_values import PredictedNumbers
from batch_transform.core.sending.object_sizes import arrow_batch_rows, is_large
from batch_transform.core.spans import StagedFile
from batch_transform.core.staged_table import Staged
from batch_transform.outputs.copied_files import FileFormat
from batch_transform.outputs.file_tree import Tree, in_threads
from batch_transform.outputs.local_tree import LocalTree
from batch_transform.outputs.parquet_footers import open_footer_of
from batch_transform.outputs.s3_tree import S3Tree
from batch_transform.outputs.tree_of_location import open_tree
from batch_transform.outputs.written_tables import WrittenTable
from batch_transform.spark.copy_rules import encrypts_by_itself, is_of_this_machine
from batch_transform.spark.explaining import parallelism
from batch_transform.spark.file_merge import FileMerge, merge_files
from batch_transform.spark.file_merge_rules import are_plain, are_read_alike, plain_codec, plain_columns
from batch_transform.spark.prediction_columns import PredictionShape
from batch_transform.spark.staged_rows import staged_schema
from batch_transform.spark.watched_values import MOST_COLUMNS, uncounted
from batch_transform.spark.zip_merge import MergeSource

_SCHEMA_OF_SPARK, _VERSION_OF_SPARK = "org.apache.spark.sql.parquet.row.metadata", "org.apache.spark.version"

# Columns that are in no record may be larger than it, and texts of a dictionary take their length in each row.
_MOST_BATCH_ROWS = 2_000


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
    target, inputs = _folder_of(given.spark, written.tree), plain_columns(StructType(staged_schema(given.staged)))
    if target is None or inputs is None or not _are_plain(given) or (codec := plain_codec(given.spark)) is None:
        return None
    groups = _row_groups(given, inputs)
    if groups is None:
        return None
    columns = _number_columns(given.shape)
    merge = FileMerge(
        source=given.source,
        reader=given.shape.reader,
        tasks=tuple(merge_tasks(groups, TASK_BYTES, parallelism(given.spark))),
        inputs=inputs,
        numbers=_numbers_of(given.staged),
        column=given.shape.column,
        target=target,
        batch_rows=min(_MOST_BATCH_ROWS, arrow_batch_rows(given.staged.largest)),
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
    found = replace(written, files=_files(written.tree, how, made))
    counts = [json.loads(text) for text in made["counts"].to_pylist()]
    return replace(found, numbers=_numbers(columns, found.rows, counts))


def _folder_of(spark: SparkSession, tree: Tree) -> str | None:
    """Where the workers write; None: they do not reach it, or Spark writes there otherwise than they."""
    if isinstance(tree, LocalTree):
        return tree.root if is_of_this_machine(spark) else None
    if isinstance(tree, S3Tree) and not encrypts_by_itself(spark, tree.location):
        return tree.location
    return None


def _are_plain(given: ToMerge) -> bool:
    """Whether there is nothing that Spark alone computes, and no row that takes much of a worker's memory."""
    shape = given.shape
    if shape.sql or shape.provenance or not are_plain(shape.reader.type):
        return False
    return bool(given.staged.files) and not is_large(given.staged.largest)


def _numbers_of(staged: Staged) -> str | None:
    names = [field["name"] for field in json.loads(staged.schema_json)["fields"]]
    return None if staged.is_copied else str(names[0])


def _row_groups(given: ToMerge, inputs: pa.Schema) -> list[StagedGroups] | None:
    """The staged files; None: some are out of reach, or another reader may find something else in them."""
    number = _numbers_of(given.staged)
    columns = inputs if number is None else inputs.append(pa.field(number, pa.int64()))
    try:
        found = in_threads(lambda file: _looked_at(given, file, columns), given.staged.files)
    except (ConfigurationError, GateRefused, StoreFailure):
        return None
    return None if None in found else [groups for groups in found if groups is not None]


def _looked_at(given: ToMerge, file: StagedFile, columns: pa.Schema) -> StagedGroups | None:
    folder, name = root_and_name(file.path)
    tree = open_tree(folder, given.store)
    now = tree.find(name)
    if now is None or now.etag != file.etag:
        return None
    if isinstance(tree, LocalTree):
        # Hadoop's checksums tell Spark of a file that has rotted; here its digest does.
        if not is_of_this_machine(given.spark) or tree.digest(name) != file.sha256:
            return None
    elif not given.staged.is_copied:
        return None  # Spark wrote it, and may have keys and rights there that the workers' own client has not
    footer = open_footer_of(tree, now)
    if footer.num_rows != file.rows or not are_read_alike(
        columns, footer.schema.to_arrow_schema(), footer.metadata or {}
    ):
        return None
    groups = [footer.row_group(place) for place in range(footer.num_row_groups)]
    sizes = tuple((group.num_rows, group.total_byte_size) for group in groups)
    return StagedGroups(file.path, file.first, sizes, file.etag)


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
