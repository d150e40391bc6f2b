"""What the handlers of a run work with: everything outside the core, handed in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Protocol

import pyarrow as pa

from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import StopRequested
from batch_transform.core.events import Event, Listener
from batch_transform.core.expectations import Expectation, Previous
from batch_transform.core.framing import Framing
from batch_transform.core.isolation.data_log_evidence import JobLogs
from batch_transform.core.ledger import JsonObject
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.predictions.answer_form import AnswerForm
from batch_transform.core.predictions.output_counts import OutputObject
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.publishing.file_publication import Kind
from batch_transform.core.publishing.report import Took
from batch_transform.core.run_state import RunState
from batch_transform.core.sending.job_request import JobSettings
from batch_transform.core.sending.object_cutting import CuttingRules
from batch_transform.core.sending.record_sizes import ExportedObjects
from batch_transform.core.service_shapes import TransformJobRequest
from batch_transform.core.staged_table import Staged
from batch_transform.core.statuses import JobStatus
from batch_transform.outputs.copied_files import FileFormat
from batch_transform.outputs.file_tree import Tree
from batch_transform.outputs.port import TableFormat
from batch_transform.outputs.tree_of_location import open_tree
from batch_transform.outputs.written_tables import CommittedTable, WrittenTable
from batch_transform.pipeline.places import Places
from batch_transform.pipeline.run_switches import NO_SWITCHES, RunSwitches
from batch_transform.s3.lease import RunLease, is_stop_requested
from batch_transform.s3.ledger import Ledger
from batch_transform.sagemaker.jobs import JobDescription
from batch_transform.sagemaker.model_lookup import ModelFound


@dataclass(frozen=True)
class Clock:
    """Time as a run sees it.

    Attributes:
        monotonic: seconds for durations.
        wall: seconds since 1970.
        sleep: waits so many seconds.
        boot: seconds that also pass while the machine sleeps.
    """

    monotonic: Callable[[], float]
    wall: Callable[[], float]
    sleep: Callable[[float], None]
    boot: Callable[[], float]

    def now(self) -> datetime:
        """Returns the time of day, with its zone."""
        return datetime.fromtimestamp(self.wall(), timezone.utc)


class TableWork(Protocol):
    """Work on whole tables, by whatever engine a run has for it."""

    def stage(self, *, copies: bool = True) -> Staged:
        """Returns the input once it is written with row numbers; or copies of its files, if they may be."""

    def export(self, staged: Staged, rules: CuttingRules) -> ExportedObjects:
        """Returns the objects that were written, and how large their records are."""

    def export_again(self, staged: Staged, orders: pa.Table) -> pa.Table:
        """Returns what was written (repair.MADE_SCHEMA) of objects that were to be (repair.ORDER_SCHEMA)."""

    def write(self, state: RunState, kind: Kind, how: FileFormat) -> WrittenTable:
        """Returns a table of a gated run once it is merged beside its output."""

    def measure(self, state: RunState, previous: Previous | None, written: WrittenTable | None) -> list[Expectation]:
        """Returns what `expect` is found to be of the result of a gated run.

        Args:
            state: of the run.
            previous: what an earlier run has kept, where `expect` compares with one.
            written: the result, where it is merged already; else it is merged for this, and written nowhere.
        """

    def commit(self, state: RunState, kind: Kind, how: TableFormat) -> CommittedTable:
        """Returns what is committed of a table of a gated run, once all of it is."""

    def committed(self, state: RunState, config: JsonObject, kind: Kind) -> int | None:
        """Returns the rows of this run's commits in the table of a configuration; None: there is no commit."""

    def reading(self, ddl: str, staged: Staged) -> TableWork:
        """Returns the same work for predictions of this schema; ConfigurationError: the output takes none such."""

    def keep_dead_letters(self, state: RunState) -> str:
        """Returns where the dead letters of a gated run now lie that has too many of them, as Parquet."""


class ObjectWork(Protocol):
    """Work on many objects at once, by whatever a run has for it."""

    @property
    def reader(self) -> PredictionReader:
        """Of the predictions, as they are counted."""

    def count(self, outputs: Sequence[OutputObject]) -> pa.Table:
        """Returns what each output holds (output_counts.OUTPUT_SCHEMA)."""

    def reading(self, schema: pa.Schema | None, form: AnswerForm | None = None) -> ObjectWork:
        """Returns the same work, for predictions of this schema and, where it is given, this form."""

    def cut(self, cuts: pa.Table, framing: Framing) -> pa.Table:
        """Returns the parts (spans.PART_SCHEMA) of spans (spans.CUT_SCHEMA), written where they are to be sent."""


class DataLogs(Protocol):
    """What CloudWatch has of a job."""

    def read(
        self, job_name: str, bucket: str, folder: str, names: Collection[str], *, patiently: bool = True
    ) -> JobLogs:
        """Returns the failures of those objects; never raises for logs that are not there."""


class Jobs(Protocol):
    """Amazon SageMaker, as far as transform jobs go."""

    def request(self, job: JobSettings) -> TransformJobRequest:
        """Returns the request of a job that is planned, for the ledger to hold and `create` to send."""

    def create(self, request: TransformJobRequest) -> None:
        """Creates the job of a recorded request, or finds that it is there already."""

    def is_there(self, request: TransformJobRequest) -> bool:
        """Returns whether the service knows the job of a recorded request."""

    def describe(self, name: str) -> JobDescription:
        """Returns a job's status and times."""

    def stop(self, name: str) -> bool:
        """Asks for the end of a job; returns False of one that has ended, which is no error."""


class Models(Protocol):
    """What a model is, as far as the caller may know."""

    def look(self, name: str, nonce: str) -> ModelFound:
        """Returns what a model is now; the run's nonce salts what is secret in it."""


class NoModels:
    """Looks at no model, and says nothing of it."""

    def look(self, name: str, nonce: str) -> ModelFound:
        """Returns that nothing is known."""
        return ModelFound(None)


@dataclass
class Progress:
    """What was told of how far a run is, so that it is told no more often than a person can read it.

    Attributes:
        told_at: when it was last told.
        step: that was last told to begin.
        flying: when each job was first seen in flight, by its name.
        listed: how many outputs of a job in flight were last seen, by the job's name.
        listings: when each of a job's listings was made, by its name.
        statuses: of jobs in flight, as they were last told, by the job's name.
    """

    told_at: float = float("-inf")
    step: str = ""
    flying: dict[str, float] = field(default_factory=dict)
    listed: dict[str, int] = field(default_factory=dict)
    listings: dict[str, list[float]] = field(default_factory=dict)
    statuses: dict[str, JobStatus] = field(default_factory=dict)


@dataclass(frozen=True)
class RunContext:
    """A run's outside world.

    Attributes:
        writer: random for each process; part of the names of what it writes.
        jitter: a random number in [0, 1).
        poll_seconds: between two looks at the jobs.
        waits: whether this process waits for jobs to end and for quotas; a step looks once and ends.
        models: where the run's model is looked at before each Create.
        switches: what whoever began the run, or goes on with it, says besides.
        region: where AWS's console shows the run; None: an emulator's, which has none.
        last_words: the last lines that a container of a job wrote, by its name; they may quote a row.
        looked: when this process has last looked at each job, by name.
        progress: what was told of how far the run is.
        began: when this process began with the run, by the clock for durations; None: when it took the run.
        ended: jobs that such a look has found to have ended and of which the ledger does not say so yet, by name.
    """

    config: RunConfig
    run_id: str
    writer: str
    places: Places
    store: ObjectStore
    lease: RunLease
    ledger: Ledger
    jobs: Jobs
    logs: DataLogs
    tables: TableWork
    objects: ObjectWork
    clock: Clock
    jitter: Callable[[], float]
    poll_seconds: float
    listener: Listener
    waits: bool = True
    models: Models = field(default_factory=NoModels)
    switches: RunSwitches = NO_SWITCHES
    region: str | None = None
    last_words: Callable[[str], Sequence[str]] = lambda _job: ()
    looked: dict[str, float] = field(default_factory=dict)
    ended: dict[str, JobDescription] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    began: float | None = None

    def took(self, state: RunState) -> Took:
        """Returns what this driver of the run has taken so far."""
        now = self.clock.now()
        if self.began is None:
            return Took.until(now, datetime.fromisoformat(state.driver_at), state)
        return Took.until(now, now - timedelta(seconds=self.clock.monotonic() - self.began), state)

    def tell(self, step: str, text: str) -> None:
        """Tells the listeners what happens."""
        self.listener(Event(step, text))

    def refuse_if_asked_to_stop(self) -> None:
        """Raises StopRequested if a person has asked this driver to stop."""
        if is_stop_requested(self.store, self.places.layout, self.lease.epoch):
            raise StopRequested

    def open_tree(self, location: str) -> Tree:
        """Returns the folder at a location as publishing sees it."""
        return open_tree(location, self.store)
