"""The tables of a run, tried where they go: what is refused there, who reaches it, and how Spark reads it again."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from pyspark.sql import SparkSession
from pyspark.sql.types import (
    StructField,
    StructType,
)

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.near_names import no_such
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.plain_paths import colon_fault, escaped
from batch_transform.core.publishing.file_publication import Kind
from batch_transform.core.reserved_columns import free, names_not_in
from batch_transform.outputs.registry import format_named
from batch_transform.outputs.tree_of_location import open_tree
from batch_transform.pipeline.checks.before_spark import check_staging
from batch_transform.pipeline.checks.collected_faults import Faults
from batch_transform.pipeline.checks.output_over_input import Reading, overlaps
from batch_transform.pipeline.places import Places, Targets
from batch_transform.pipeline.worker_store import WorkerStore
from batch_transform.spark.dead_letters import ERROR_TYPE
from batch_transform.spark.error_chains import said
from batch_transform.spark.input_reading import check_storable, column_faults
from batch_transform.spark.merge_way import DEFAULT
from batch_transform.spark.prediction_columns import PredictionShape
from batch_transform.spark.s3_probe import WorkersReach
from batch_transform.spark.settings import STAGED_FORMAT, is_case_sensitive
from batch_transform.spark.spark_errors import SPARK_ERRORS


@dataclass(frozen=True)
class Tables:
    """The columns of the input and of the two tables that are published."""

    input: tuple[str, ...]
    result: tuple[str, ...]
    dead_letter: tuple[str, ...]


def check_targets(
    spark: SparkSession,
    targets: Targets,
    places: Places,
    store: ObjectStore | None,
    tables: Tables,
    reading: Reading,
    faults: Faults,
    *,
    probes: bool,
) -> None:
    """Checks that result and dead letters can be published where they shall be; without `probes` nothing is written."""
    partition_by, case_sensitive = targets.output.partition_by, is_case_sensitive(spark)
    if missing := names_not_in(partition_by, tables.input, case_sensitive=case_sensitive):
        faults.add([f"output.partition_by: {no_such('column', missing, 'the input', tables.input)}"])
    faults.add(faults.of(lambda: overlaps(spark, targets, places, store, reading)) or [])
    columns: dict[Kind, tuple[str, ...]] = {"result": tables.result, "dead_letter": tables.dead_letter}
    checks = (
        partial(targets.format.preflight if probes else targets.format.look_at, spark, store, table, columns[kind])
        for kind, table in targets.tables(places).items()
    )
    faults.of_tables(checks, are_one=targets.are_one)


def check_table(
    spark: SparkSession,
    schema: StructType,
    shape: PredictionShape,
    places: Places,
    connect: WorkerStore,
    targets: Targets,
    reach: WorkersReach,
) -> list[str]:
    """Returns what is wrong with names and types of the tables to be written, or with the workers' way to S3.

    Writes probes, and deletes them where the driver reaches them.
    """
    faults = Faults()
    errors = targets.dead_letter.error_column
    faults.add(column_faults(schema, shape, errors, case_sensitive=is_case_sensitive(spark)))
    # Both tables in one: a prediction may have a field of the name that dead letters give their errors.
    (apart,) = free([errors], [*schema.names, *shape.names])
    added = {"result": shape.columns, "dead_letter": [StructField(apart, ERROR_TYPE)]}
    probe = f"probe-{uuid.uuid4().hex}"
    tables = targets.tables(places)
    written = [("staging", places.scratch), *((table.key, table.path) for table in tables.values() if table.path)]
    faults.add([fault for key, path in written if (fault := colon_fault(key, path)) is not None])
    faults.of(partial(check_staging, places.scratch))
    if not faults.found:
        # A table that is there has been asked itself.
        new = [kind for kind, table in tables.items() if not targets.format.is_there(spark, table)]
        asked = ({targets.format.can.name: new} if new else {}) | {STAGED_FORMAT: list(added)}
        for name, kinds in sorted(asked.items()):
            format = format_named(name)
            final = StructType([*schema.fields, *(field for kind in kinds for field in added[kind])])
            if odd := format.name_faults(final):
                faults.add(odd)
                continue
            by = targets.output.partition_by if format.can.partition_types else ()
            try:
                read = faults.of(partial(check_storable, spark, final, f"{places.scratch}/{probe}-{name}", name, by))
            finally:  # a signal cuts it short as well
                _forget(f"{places.scratch}/{probe}-{name}", connect())
            if read is not None:
                faults.add(format.type_faults(final, read))
        faults.of(reach.check)  # which Python workers start for meanwhile
    return list(faults.found)


def check_spark_reads(spark: SparkSession, places: Places, store: ObjectStore, way: str) -> None:
    """Has Spark read an object of the workspace, as this way to merge reads the jobs' outputs; deletes it.

    Raises:
        ConfigurationError: it cannot.
    """
    uri = places.layout.probe(f"{uuid.uuid4().hex}.out")
    path = places.spark_path(str(uri))
    store.put(uri, b"probe\n")
    try:
        spark.read.text([escaped(path)], wholetext=True).collect()
    except SPARK_ERRORS as err:
        raise ConfigurationError(
            f"merge: {way} has Spark read the jobs' outputs, and it cannot read {path}: {said(err)}; set merge: "
            f"{DEFAULT} (the default, which needs no such file system), or give Spark the file system (hadoop-aws for "
            "s3a://)"
        ) from None
    finally:
        store.delete([uri])


def _forget(location: str, store: ObjectStore) -> None:
    """Deletes a probe; on a file system that only Spark reaches an empty table stays."""
    with suppress(ConfigurationError):
        open_tree(location, store).clear()
