"""The files of a table, which Spark writes beside its output, and reads again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from batch_transform.core.object_names import is_data_file
from batch_transform.core.sending.object_sizes import is_large
from batch_transform.core.staged_table import Staged
from batch_transform.outputs.copied_files import FileFormat
from batch_transform.outputs.file_tree import Tree
from batch_transform.outputs.port import OutputTable
from batch_transform.outputs.written_tables import WrittenTable
from batch_transform.pipeline.places import Places
from batch_transform.spark.empty_tables import write_empty
from batch_transform.spark.exact_reading import read_exactly
from batch_transform.spark.job_settings import own_job
from batch_transform.spark.settings import writer_options
from batch_transform.spark.user_session import zone_of
from batch_transform.spark.watched_values import Watched


@dataclass(frozen=True)
class MergedFiles:
    """The files of one table of a run.

    Attributes:
        spark: the session.
        staged: the staged rows.
        table: where the table goes.
        how: its format.
        places: of the run.
    """

    spark: SparkSession
    staged: Staged
    table: OutputTable
    how: FileFormat
    places: Places

    @property
    def settings(self) -> Mapping[str, str]:
        """What a session is told in which they are written, or read."""
        return {**self.how.settings, **self.how.writer_settings(large=is_large(self.staged.largest))}

    @property
    def may_be_merged_by_workers(self) -> bool:
        """Whether the format has files that they could write, which lie in one folder."""
        return self.how.merged_by_workers and not self.table.partition_by

    def write(self, rows: DataFrame, tree: Tree, place: str) -> None:
        """Writes rows into a folder of the run's own, which is `place` to Spark."""
        more, name = self.how.writer_options(large=is_large(self.staged.largest)), self.how.can.name
        options = {**writer_options(self.staged.largest), **more, "timeZone": zone_of(self.staged)}
        writing = rows.write.format(name).mode("overwrite").options(**options)
        writing.partitionBy(*self.table.partition_by).save(place)
        if self.table.partition_by and not any(is_data_file(file.name) for file in tree.list()):
            write_empty(rows, self.table.partition_by, name, place, options)

    def found(self, written: WrittenTable, counted: Watched) -> WrittenTable:
        """Returns the table with the files that Spark has written, and what was counted of its numbers."""
        every = replace(written, files=self.how.data_files(written.tree))
        with own_job(self.spark, self.staged, self.settings):
            schema, name = counted.rows.schema, self.how.can.name
            again = partial(written_rows, self.spark, schema, every, name, self.places, self.staged)
            return replace(every, numbers=counted.found(every.rows, again))


def written_rows(
    spark: SparkSession, schema: StructType, written: WrittenTable, format: str, places: Places, staged: Staged
) -> DataFrame:
    """Returns the rows of merged files; of their columns those are read that are used."""
    root = places.spark_path(written.tree.location)
    files = [f"{root}/{file.name}" for file in written.files]
    if not files:
        return spark.createDataFrame([], schema)
    return read_exactly(spark, schema, files, format, timeZone=zone_of(staged), basePath=root)
