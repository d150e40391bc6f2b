"""A table that Spark wrote into the run's own folder: its files, and the rows that their footers count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame

from batch_transform.core.filenames import is_data_file
from batch_transform.core.objects import ObjectStore
from batch_transform.core.publication import Kind, TreeFile
from batch_transform.outputs.footers import footer_rows
from batch_transform.outputs.locations import open_tree
from batch_transform.outputs.trees import Tree
from batch_transform.pipeline.places import Places
from batch_transform.spark.settings import large_record_settings, session_settings, writer_options


@dataclass(frozen=True)
class WrittenTable:
    """The files to publish, where they lie and where they go."""

    kind: Kind
    tree: Tree
    target: Tree
    files: tuple[TreeFile, ...]

    @property
    def rows(self) -> int:
        """Rows by the files' own footers."""
        return sum(file.rows or 0 for file in self.files)


def write_parquet(
    df: DataFrame,
    places: Places,
    store: ObjectStore,
    target: str,
    partition_by: Sequence[str],
    kind: Kind,
    writer: str,
    largest_record_bytes: int,
) -> WrittenTable:
    """Returns the table once Spark has written it beside `target`; Spark itself never writes into an output."""
    source = places.sibling(target, f"{writer}-{kind}")
    with session_settings(df.sparkSession, large_record_settings(largest_record_bytes)):
        writing = df.write.mode("overwrite").partitionBy(*partition_by)
        writing.options(**writer_options(largest_record_bytes)).parquet(places.spark_path(source))
    tree = open_tree(source, store)
    listed = [file for file in tree.list() if is_data_file(file.name)]
    rows = footer_rows(tree, listed)
    files = tuple(replace(file, rows=rows[file.name]) for file in listed)
    return WrittenTable(kind, tree, open_tree(target, store), files)
