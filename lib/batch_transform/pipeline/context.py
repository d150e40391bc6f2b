"""What the handlers of a run work with: everything outside the core, handed in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, Protocol

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from batch_transform.aws.access import AwsAccess
from batch_transform.config.runfile import RunConfig
from batch_transform.core.data_log import JobLogs
from batch_transform.core.events import Event, Listener
from batch_transform.core.objects import ObjectStore
from batch_transform.core.output_counts import OutputObject
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.locations import open_tree
from batch_transform.outputs.trees import Tree
from batch_transform.pipeline.places import Places
from batch_transform.s3.ledger import Ledger
from batch_transform.s3.store import S3Store
from batch_transform.sagemaker.jobs import JobDescription
from batch_transform.spark.merging import PredictionShape


@dataclass(frozen=True)
class WorkerStore:
    """Opens the object store, one client in each process; goes to the workers with the credentials' source only."""

    access: AwsAccess

    def __call__(self) -> ObjectStore:
        """Returns this process's store."""
        return _store(self.access)


@lru_cache(maxsize=4)
def _store(access: AwsAccess) -> ObjectStore:
    return S3Store(access.client("s3"))


@dataclass(frozen=True)
class Source:
    """The input table: `is_scan` if reading it again gives the same rows."""

    df: DataFrame
    is_scan: bool


@dataclass(frozen=True)
class Clock:
    """Time as a run sees it."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]
    sleep: Callable[[float], None]

    def now(self) -> datetime:
        """Returns the time of day, with its zone."""
        return datetime.fromtimestamp(self.wall(), timezone.utc)


class ObjectWork(Protocol):
    """Work on many objects at once, by whatever a run has for it."""

    def count(self, outputs: Sequence[OutputObject]) -> pa.Table:
        """Returns what each output holds (verdicts.OUTPUT_SCHEMA)."""

    def cut(self, cuts: pa.Table) -> pa.Table:
        """Returns the parts (rounds.PART_SCHEMA) of spans (rounds.CUT_SCHEMA), written where they are to be sent."""


class DataLogs(Protocol):
    """What CloudWatch has of a job."""

    def read(
        self, job_name: str, bucket: str, folder: str, names: Collection[str], *, patiently: bool = True
    ) -> JobLogs:
        """Returns the failures of those objects; never raises for logs that are not there."""


class Jobs(Protocol):
    """Amazon SageMaker, as far as transform jobs go."""

    def create(self, request: dict[str, Any]) -> None:
        """Creates the job of a recorded request, or finds that it is there already."""

    def describe(self, name: str) -> JobDescription:
        """Returns a job's status and times."""

    def stop(self, name: str) -> None:
        """Asks for the end of a job; one that has ended is no error."""


@dataclass(frozen=True)
class RunContext:
    """A run's outside world.

    Attributes:
        writer: random for each process; part of the names of what it writes.
        shape: of the predictions.
        columns: of the record, in order.
        jitter: a random number in [0, 1).
    """

    config: RunConfig
    run_id: str
    writer: str
    spark: SparkSession
    source: Source
    shape: PredictionShape
    columns: tuple[str, ...]
    places: Places
    connect: WorkerStore
    store: ObjectStore
    ledger: Ledger
    jobs: Jobs
    logs: DataLogs
    objects: ObjectWork
    clock: Clock
    jitter: Callable[[], float]
    listener: Listener

    def tell(self, step: str, text: str) -> None:
        """Tells the listeners what happens."""
        self.listener(Event(step, text))

    def uri(self, *names: str) -> S3Uri:
        """Returns a location in the run's folder on S3."""
        return self.places.run.join(*names)

    def open_tree(self, location: str) -> Tree:
        """Returns the folder at a location as publishing sees it."""
        return open_tree(location, self.store)
