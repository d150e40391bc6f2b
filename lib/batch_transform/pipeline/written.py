"""A table that Spark wrote into the run's own folder: its files, and the rows that their footers count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pyspark.sql import DataFrame

from batch_transform.core.filenames import is_data_file
from batch_transform.core.objects import ObjectStore
from batch_transform.core.publication import TreeFile
from batch_transform.outputs.footers import footer_rows
from batch_transform.outputs.locations import open_tree
from batch_transform.outputs.trees import Tree
from batch_transform.pipeline.places import Places


@dataclass(frozen=True)
class WrittenTable:
    """The files to publish, where they lie and where they go."""

    kind: Literal["result", "dead_letter"]
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
    kind: Literal["result", "dead_letter"],
    writer: str,
) -> WrittenTable:
    """Returns the table once Spark has written it beside `target`; Spark itself never writes into an output."""
    source = places.sibling(target, f"{writer}-{kind}")
    df.write.mode("overwrite").partitionBy(*partition_by).parquet(places.spark_path(source))
    tree = open_tree(source, store)
    listed = [file for file in tree.list() if is_data_file(file.name)]
    rows = footer_rows(tree, listed)
    files = tuple(replace(file, rows=rows[file.name]) for file in listed)
    return WrittenTable(kind, tree, open_tree(target, store), files)
