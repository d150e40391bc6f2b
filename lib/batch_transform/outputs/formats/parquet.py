"""Parquet: merged by Spark or its workers beside the output, counted by its footers, and copied into place."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from batch_transform.core.errors import GateRefused
from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.core.publishing.prediction_ranges import FooterRange, together
from batch_transform.core.report_histograms import PredictionRange
from batch_transform.outputs.copied_files import FileFormat, file_format
from batch_transform.outputs.file_tree import THREADS, Tree, in_threads
from batch_transform.outputs.parquet_footers import footer_of, open_footer_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

# Each footer is read once more for it, ten at a time: a minute or two of more files is no price for a picture.
_MOST_RANGED = 2_000
_NUMERIC = ("INT32", "INT64", "FLOAT", "DOUBLE")
_SPARKS_SCHEMA = b"org.apache.spark.sql.parquet.row.metadata"


class Parquet(FileFormat):
    """Files that Spark writes into the run's own folder and that are copied into place; their footers count rows."""

    can = file_format("parquet", "Parquet")
    merged_by_workers = True

    def files_hold_all(self, spark: SparkSession, path: str) -> bool:
        """Returns True: there is nothing but the files."""
        return True

    def file_rows(self, tree: Tree, files: Iterable[TreeFile], threads: int = THREADS) -> dict[str, int]:
        """Returns name -> rows by the files' own footers; columns are never read. Memory: one footer for each thread.

        Raises:
            GateRefused: a file is no Parquet.
            StoreFailure: it cannot be read, or is not the version that was listed.
        """
        listed = list(files)
        rows = in_threads(lambda file: footer_of(tree, file).num_rows, listed, threads)
        return {file.name: count for file, count in zip(listed, rows, strict=True)}

    def ranges(self, tree: Tree, files: Iterable[TreeFile], known: Collection[str]) -> list[PredictionRange]:
        """Returns the ranges by the footers; columns are never read. None where a session encrypts what it writes."""
        listed = list(files)
        if len(listed) > _MOST_RANGED:
            return []
        try:
            found = in_threads(lambda file: list(_ranges(open_footer_of(tree, file), known)), listed)
        except GateRefused:
            return []
        return together(each for ranges in found for each in ranges)

    def column_names(self, tree: Tree, file: TreeFile) -> tuple[str, ...]:
        """Returns the columns by the footer, which is all that is read."""
        return tuple(self.arrow_schema(tree, file).names)

    def arrow_schema(self, tree: Tree, file: TreeFile) -> pa.Schema:
        """Returns the columns by the footer, as Arrow reads them; raises as `file_rows`."""
        return footer_of(tree, file).schema.to_arrow_schema()

    def file_schema(self, spark: SparkSession, tree: Tree, file: TreeFile, path: str) -> StructType | None:
        """Returns the columns as Spark wrote them, or as Arrow reads another writer's."""
        from pyspark.errors import PySparkException
        from pyspark.sql.pandas.types import from_arrow_schema
        from pyspark.sql.types import StructType, TimestampNTZType

        metadata = footer_of(tree, file)
        text = (metadata.metadata or {}).get(_SPARKS_SCHEMA)
        if text is not None:
            return StructType.fromJson(json.loads(text))
        try:
            schema = from_arrow_schema(metadata.schema.to_arrow_schema())
        except (PySparkException, pa.ArrowException):
            return None
        # INT96 says nothing of a zone: Arrow takes it for a time without one, Spark for one with.
        return StructType([field for field in schema.fields if not isinstance(field.dataType, TimestampNTZType)])


def _ranges(footer: pq.FileMetaData, known: Collection[str]) -> Iterator[FooterRange]:
    """What a footer tells of its numeric columns and fields, one group of rows after the other."""
    for group in range(footer.num_row_groups):
        rows = footer.row_group(group)
        if not rows.num_rows:
            continue  # of an empty table, which says nothing
        for place in range(rows.num_columns):
            leaf, told = footer.schema.column(place), rows.column(place).statistics
            is_plain = leaf.max_repetition_level == 0 and leaf.logical_type.type in ("NONE", "INT")
            if leaf.path.partition(".")[0] in known or not is_plain or leaf.physical_type not in _NUMERIC:
                continue
            ends = (told.min, told.max) if told is not None and told.has_min_max else (None, None)
            nulls = told.null_count if told is not None and told.has_null_count else None
            yield FooterRange(leaf.path, rows.num_rows, nulls, *ends)


FORMAT = Parquet()
