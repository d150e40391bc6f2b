"""What the handlers of a run work with: everything outside the core, handed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache

from pyspark.sql import DataFrame, SparkSession

from batch_transform.aws.access import AwsAccess
from batch_transform.config.runfile import RunConfig
from batch_transform.core.events import Event, Listener
from batch_transform.core.objects import ObjectStore
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.locations import open_tree
from batch_transform.outputs.trees import Tree
from batch_transform.pipeline.places import Places
from batch_transform.s3.ledger import Ledger
from batch_transform.s3.store import S3Store
from batch_transform.sagemaker.jobs import TransformJobs
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
    jobs: TransformJobs
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
