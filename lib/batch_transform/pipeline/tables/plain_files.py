"""Staged files that the workers may read themselves, as Spark would (spark.file_merge_rules)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from batch_transform.core.copied_files import root_and_name
from batch_transform.core.errors import ConfigurationError, GateRefused
from batch_transform.core.object_store import ObjectStore, StoreFailure
from batch_transform.core.sending.file_tasks import TASK_BYTES, StagedGroups, file_tasks
from batch_transform.core.sending.object_sizes import arrow_batch_rows, is_large
from batch_transform.core.spans import StagedFile
from batch_transform.core.staged_table import Staged
from batch_transform.outputs.file_tree import in_threads
from batch_transform.outputs.local_tree import LocalTree
from batch_transform.outputs.parquet_footers import plain_footer_of
from batch_transform.outputs.tree_of_location import open_tree
from batch_transform.spark.copy_rules import is_of_this_machine
from batch_transform.spark.explaining import parallelism
from batch_transform.spark.file_merge_rules import are_read_alike, plain_columns
from batch_transform.spark.staged_groups import StagedReading
from batch_transform.spark.staged_rows import staged_schema

# Columns that are in no record may be larger than it, and texts of a dictionary take their length in each row.
_MOST_BATCH_ROWS = 2_000


def plain_files(
    spark: SparkSession, staged: Staged, store: ObjectStore, connect: Callable[[], ObjectStore]
) -> StagedReading | None:
    """Returns how workers read the staged files; None: Spark is to read them.

    Some are out of reach then, another reader may find something else in them, or a row takes much of a worker.

    Args:
        spark: the session, under the settings of the run's own jobs.
        staged: the rows.
        store: S3, to the driver.
        connect: opens it in a worker; picklable.
    """
    inputs = plain_columns(StructType(staged_schema(staged)))
    if inputs is None or not staged.files or is_large(staged.largest):
        return None
    numbers = _numbers_of(staged)
    columns = inputs if numbers is None else inputs.append(pa.field(numbers, pa.int64()))
    try:
        found = in_threads(lambda file: _looked_at(spark, staged, store, file, columns), staged.files)
    except (ConfigurationError, GateRefused, StoreFailure):
        return None
    groups = [each for each in found if each is not None]
    if len(groups) < len(found):
        return None
    batch_rows = min(_MOST_BATCH_ROWS, arrow_batch_rows(staged.largest))
    tasks = tuple(file_tasks(groups, TASK_BYTES, parallelism(spark)))
    return StagedReading(tasks, inputs, numbers, batch_rows, connect)


def _numbers_of(staged: Staged) -> str | None:
    names = [field["name"] for field in json.loads(staged.schema_json)["fields"]]
    return None if staged.is_copied else str(names[0])


def _looked_at(
    spark: SparkSession, staged: Staged, store: ObjectStore, file: StagedFile, columns: pa.Schema
) -> StagedGroups | None:
    folder, name = root_and_name(file.path)
    tree = open_tree(folder, store)
    now = tree.find(name)
    if now is None or now.etag != file.etag:
        return None
    if isinstance(tree, LocalTree):
        # Hadoop's checksums tell Spark of a file that has rotted; here its digest does, and of a copy, which may have
        # rotted before it was one, those checksums.
        if not is_of_this_machine(spark) or tree.digest(name) != file.sha256:
            return None
        if staged.is_copied and not tree.is_as_summed(name):
            return None
    elif not staged.is_copied:
        return None  # Spark wrote it, and may have keys and rights there that the workers' own client has not
    footer = plain_footer_of(tree, now)
    if footer.num_rows != file.rows or not are_read_alike(
        columns, footer.schema.to_arrow_schema(), footer.metadata or {}
    ):
        return None
    groups = [footer.row_group(place) for place in range(footer.num_row_groups)]
    sizes = tuple((group.num_rows, group.total_byte_size) for group in groups)
    return StagedGroups(file.path, file.first, sizes, file.etag)
