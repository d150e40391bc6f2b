"""`export: arrow`: staged rows become objects of records on S3, written by Python workers from Arrow buffers.

The JVM renders the records; a worker never looks into one (`spark.object_writer`). Where files and values are plain the
workers do all of it without the JVM (`takes_files`, `spark.file_export`).

An executor's JVM needs about 15 times its largest record (lib/README.md, What is promised, 6).
"""

from __future__ import annotations

from batch_transform.core.sending.object_sizes import LARGE_RECORD_BYTES
from batch_transform.core.sending.record_sizes import WRITTEN_SCHEMA, ExportedObjects
from batch_transform.exports.port import ExportWay, ToExport
from batch_transform.spark.arrow_types import fetched, spark_schema
from batch_transform.spark.copied_input import read_whole
from batch_transform.spark.explaining import parallelism
from batch_transform.spark.object_writer import ObjectWriter, exported_by_tasks


class ArrowExport(ExportWay):
    """The default: the Arrow form of `mapPartitions`, without Python for a row."""

    measures_copies = True
    takes_files = True

    def export(self, given: ToExport) -> ExportedObjects:
        """Returns the objects, which the JVM has rendered and the workers written; of copies, how even tasks were."""
        writer = ObjectWriter(given.rules, given.framing, given.target, given.connect)
        at_most = LARGE_RECORD_BYTES if given.staged.is_copied else None
        lines = given.rule.lines(read_whole(given.spark, given.staged, given.rule), given.framing, at_most)
        written = fetched(lines.mapInArrow(writer, spark_schema(WRITTEN_SCHEMA)), WRITTEN_SCHEMA)
        return exported_by_tasks(written, parallelism(given.spark), is_copied=given.staged.is_copied)


WAY = ArrowExport()
