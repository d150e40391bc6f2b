"""Parquet: merged by Spark beside the output, counted by its footers, and copied into place."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.outputs.copied_files import FileFormat, file_format
from batch_transform.outputs.file_tree import THREADS, Tree
from batch_transform.outputs.footers import footer_rows, read_metadata

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

_SPARKS_SCHEMA = b"org.apache.spark.sql.parquet.row.metadata"


class Parquet(FileFormat):
    """Files that Spark writes into the run's own folder and that are copied into place; their footers count rows."""

    can = file_format("parquet", "Parquet")

    def file_rows(self, tree: Tree, files: Iterable[TreeFile], threads: int = THREADS) -> dict[str, int]:
        """Returns name -> rows by the files' own footers."""
        return footer_rows(tree, files, threads)

    def file_schema(self, spark: SparkSession, tree: Tree, file: TreeFile, path: str) -> StructType | None:
        """Returns the columns as Spark wrote them, or as Arrow reads another writer's."""
        import pyarrow as pa
        from pyspark.errors import PySparkException
        from pyspark.sql.pandas.types import from_arrow_schema
        from pyspark.sql.types import StructType, TimestampNTZType

        metadata = read_metadata(tree, file)
        text = (metadata.metadata or {}).get(_SPARKS_SCHEMA)
        if text is not None:
            return StructType.fromJson(json.loads(text))
        try:
            schema = from_arrow_schema(metadata.schema.to_arrow_schema())
        except (PySparkException, pa.ArrowException):
            return None
        # INT96 says nothing of a zone: Arrow takes it for a time without one, Spark for one with.
        return StructType([field for field in schema.fields if not isinstance(field.dataType, TimestampNTZType)])


FORMAT = Parquet()
