"""Checks of the configuration against the world, all of them before anything is written, created or paid for."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.objects import ObjectStore
from batch_transform.outputs import delta
from batch_transform.outputs.locations import open_tree
from batch_transform.outputs.parquet import preflight
from batch_transform.pipeline.context import Source, WorkerStore
from batch_transform.pipeline.places import Places
from batch_transform.pipeline.targets import Targets
from batch_transform.sagemaker.jobs import TransformJobs
from batch_transform.spark.dead_letters import ERROR, ERROR_TYPE
from batch_transform.spark.merging import PredictionShape
from batch_transform.spark.reach import check_workers_reach
from batch_transform.spark.reading import check_storable, column_faults

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Tables:
    """The columns of the input and of the two tables that are published."""

    input: tuple[str, ...]
    result: tuple[str, ...]
    dead_letter: tuple[str, ...]


class Faults:
    """Collects what is wrong, so that a person sees all of it at once."""

    def __init__(self) -> None:
        self._faults: list[str] = []

    def of(self, check: Callable[[], Answer]) -> Answer | None:
        """Returns what `check` returns, or keeps the faults that it raises and returns None."""
        try:
            return check()
        except ConfigurationError as err:
            self._faults += err.faults
            return None

    def add(self, faults: list[str]) -> None:
        """Keeps faults."""
        self._faults += faults

    def refuse(self) -> None:
        """Raises ConfigurationError if there is any fault."""
        if self._faults:
            raise ConfigurationError(self._faults)


def check_services(config: RunConfig, store: ObjectStore, jobs: TransformJobs, bucket: str, faults: Faults) -> None:
    """Checks that the model and the workspace's bucket exist."""
    faults.of(lambda: jobs.check_model(config.model.name))
    faults.of(lambda: _check_bucket(store, bucket))


def _check_bucket(store: ObjectStore, bucket: str) -> None:
    if not store.bucket_exists(bucket):
        raise ConfigurationError(f"workspace: there is no bucket {bucket}, or it may not be looked at")


def check_targets(
    spark: SparkSession, targets: Targets, places: Places, store: ObjectStore, tables: Tables, faults: Faults
) -> None:
    """Checks that result and dead letters can be published where they shall be."""
    names = {name.lower() for name in tables.input}
    missing = [name for name in targets.output.partition_by if name.lower() not in names]
    if missing:
        faults.add([f"output.partition_by: no column {', '.join(missing)} in the input"])
    if targets.is_delta:
        result, dead_letter = targets.delta(places)
        faults.of(lambda: delta.preflight(spark, result, tables.result))
        faults.of(lambda: delta.preflight(spark, dead_letter, tables.dead_letter))
    else:
        faults.of(lambda: _check_parquet(targets, targets.output.path, store))
        faults.of(lambda: _check_parquet(targets, targets.dead_letter.path, store))


def _check_parquet(targets: Targets, path: str | None, store: ObjectStore) -> None:
    preflight(targets.mode, open_tree(path or "", store), targets.output.partition_by)


def check_table(
    spark: SparkSession, source: Source, shape: PredictionShape, places: Places, connect: WorkerStore, faults: Faults
) -> None:
    """Checks names and types of the tables to be written, and that workers reach S3; writes only probes."""
    schema = source.df.schema
    faults.add(column_faults(schema, shape.names))
    faults.refuse()
    fields = [*schema.fields, *shape.struct.fields]
    final = StructType([*schema.fields]).add(shape.column, shape.struct) if shape.column else StructType(fields)
    final = StructType(final.fields).add(ERROR, ERROR_TYPE)
    probe = uuid.uuid4().hex
    # Only when all else is well is anything written where a refused run should leave nothing.
    faults.of(lambda: check_workers_reach(spark, places.run.join("probe", probe), connect))
    faults.refuse()
    faults.of(lambda: _check_storable(spark, final, f"{places.scratch}/probe-{probe}", connect()))


def _check_storable(spark: SparkSession, final: StructType, probe: str, store: ObjectStore) -> None:
    check_storable(spark, final, probe, "input and prediction")
    with suppress(ConfigurationError):  # a file system that only Spark reaches keeps an empty table
        open_tree(probe, store).clear()
