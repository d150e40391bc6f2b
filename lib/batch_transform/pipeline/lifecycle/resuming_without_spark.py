"""Go on with a recorded run without Spark: from a checked configuration to a driver that counts and cuts by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import pyarrow as pa

from batch_transform.aws.access import AwsAccess
from batch_transform.config.runfile import RunConfig
from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.events import Listener
from batch_transform.core.expectations import Expectation, Previous
from batch_transform.core.ledger import JsonObject
from batch_transform.core.predictions.output_counts import KeyCheck
from batch_transform.core.publishing.file_publication import Kind
from batch_transform.core.run_state import RunState
from batch_transform.core.sending.object_cutting import CuttingRules
from batch_transform.core.sending.record_sizes import ExportedObjects
from batch_transform.core.staged_table import Staged
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.copied_files import FileFormat
from batch_transform.outputs.port import TableFormat
from batch_transform.outputs.written_tables import CommittedTable, WrittenTable
from batch_transform.pipeline.lifecycle.acquiring_run import as_published, context_of, rejoin
from batch_transform.pipeline.loop.driver import Driver
from batch_transform.pipeline.places import places_of
from batch_transform.pipeline.recorded import RecordedRun, check_same, recorded_reader
from batch_transform.pipeline.run_switches import RunSwitches
from batch_transform.pipeline.tables.threaded_work import ThreadedObjectWork
from batch_transform.records.registry import run_framing


def resume_without_spark(
    run: RecordedRun,
    config: RunConfig,
    access: AwsAccess,
    listener: Listener,
    *,
    is_meant: bool,
    switches: RunSwitches,
) -> Driver:
    """Returns the driver of a run whose rows are staged; it holds the run's lease, unless the run is published.

    It looks at jobs once and does not wait for them. With an embedded emulator it waits: that works only as long as
    this process does.

    Args:
        run: as it is recorded.
        config: the checked configuration.
        access: to AWS, or to the emulator.
        listener: is told what happens.
        is_meant: whether whoever asks means to go on with a run that a person has stopped.
        switches: what they say besides.

    Raises:
        ConfigurationError: the run was begun with another configuration.
        RunHeld: another driver is at work on the run.
        RunStopped: a person has stopped it, and going on is not meant.
    """
    state, places = run.state, places_of(config, run.layout, None)
    assert state is not None
    assert state.staged is not None
    check_same(state, config)
    key = config.prediction.key
    check = KeyCheck(key.field, key.column, places.layout.input, run_framing(state)) if key else None
    if config.prediction.ddl != state.settings.prediction.schema:
        raise ConfigurationError(
            f"{run.uri}: prediction.schema can be changed by `resume {run.uri}` alone: Spark reads it"
        )
    reader = recorded_reader(state, config.settings)
    objects = ThreadedObjectWork(run.store, places.layout.input, reader, check)
    tables, waits = NoTables(run.uri), config.emulated
    ctx = context_of(run, config, access, listener, places, tables, objects, waits=waits, switches=switches)
    if state.report is not None:
        return Driver(ctx, as_published(ctx, state))
    return Driver(*rejoin(ctx, is_meant=is_meant))


class NeedsSpark(ServiceFailure):
    """Something of the workspace is to be made again that takes Spark, and this process has none.

    Attributes:
        what: it is.
    """

    def __init__(self, what: str, run: object) -> None:
        self.what = what
        super().__init__(f"{what}, which takes Spark, and nothing is sent before: `resume {run}` does it and goes on")


@dataclass(frozen=True)
class NoTables:
    """No work on whole tables: that needs Spark.

    Attributes:
        run: the run's folder.
    """

    run: S3Uri

    def stage(self, *, copies: bool = True) -> Staged:
        _refuse()

    def export(self, staged: Staged, rules: CuttingRules) -> ExportedObjects:
        _refuse()

    def export_again(self, staged: Staged, orders: pa.Table) -> pa.Table:
        raise NeedsSpark(f"{counted(orders.num_rows, 'input object')} to be exported again", self.run)

    def write(self, state: RunState, kind: Kind, how: FileFormat) -> WrittenTable:
        _refuse()

    def commit(self, state: RunState, kind: Kind, how: TableFormat) -> CommittedTable:
        _refuse()

    def measure(self, state: RunState, previous: Previous | None, written: WrittenTable | None) -> list[Expectation]:
        _refuse()

    def committed(self, state: RunState, config: JsonObject, kind: Kind) -> int | None:
        _refuse()

    def reading(self, ddl: str, staged: Staged) -> NoTables:
        return self

    def keep_dead_letters(self, state: RunState) -> str:
        _refuse()


def _refuse() -> NoReturn:
    raise AssertionError("a step without Spark came to a table")
