"""An export that the workers do file by file, where they may (spark.file_export); else Spark renders the records."""

from __future__ import annotations

from pyspark.sql.types import StructType

from batch_transform.core.limits import LARGEST_RECORD_BYTES
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.sending.json_records import are_rendered
from batch_transform.core.sending.object_sizes import LARGE_RECORD_BYTES
from batch_transform.core.sending.record_sizes import ExportedObjects
from batch_transform.exports.port import ToExport
from batch_transform.pipeline.tables.plain_files import plain_files
from batch_transform.spark.explaining import parallelism
from batch_transform.spark.file_export import FileExport, export_files
from batch_transform.spark.file_merge_rules import plain_columns
from batch_transform.spark.object_writer import ObjectWriter, exported_by_tasks
from batch_transform.spark.record_rules import RecordRule


def exported_by_workers(given: ToExport, store: ObjectStore) -> ExportedObjects | None:
    """Returns the objects, once the workers have written them; None: Spark is to render the records.

    Args:
        given: what is exported; the session has the settings of the run's own jobs.
        store: S3, to the driver.
    """
    rule = given.rule
    if not rule.format.is_plain_json or rule.sql is not None or rule.one_object or not _are_rendered(rule):
        return None
    staged = plain_files(given.spark, given.staged, store, given.connect)
    if staged is None:
        return None
    export = FileExport(
        staged=staged,
        columns=rule.columns,
        end="\n" if given.framing.newline else "",
        most=LARGE_RECORD_BYTES if given.staged.is_copied else LARGEST_RECORD_BYTES,
        writer=ObjectWriter(given.rules, given.framing, given.target, given.connect),
    )
    written = export_files(given.spark, export)
    if written is None:
        return None
    return exported_by_tasks(written, parallelism(given.spark), is_copied=given.staged.is_copied)


def _are_rendered(rule: RecordRule) -> bool:
    """Whether the record's columns are such as workers render: asked before a staged file is looked at."""
    columns = plain_columns(rule.kind) if isinstance(rule.kind, StructType) else None
    return columns is not None and are_rendered(columns)
