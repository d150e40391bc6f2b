"""Begin a run, or go on with one: from a checked configuration to a driver."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from pyspark.sql import SparkSession

from batch_transform.aws.access import AwsAccess
from batch_transform.config.runfile import RunConfig
from batch_transform.core.events import Event, Listener
from batch_transform.core.resuming.retried_dead_rows import check_retry
from batch_transform.core.run_state import RunState
from batch_transform.core.staged_table import Staged
from batch_transform.core.state.model_versions import has_scored
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.checks.all_checks import check_pyarrow, check_world
from batch_transform.pipeline.checks.among_runs import check_workspace
from batch_transform.pipeline.checks.collected_faults import Faults, check_bucket, check_price, check_service
from batch_transform.pipeline.checks.input_rows import RunRows, input_of, read_again, rows_of
from batch_transform.pipeline.checks.left_results import check_no_result
from batch_transform.pipeline.checks.model_servers import check_model_servers, needs_model
from batch_transform.pipeline.checks.output_fit import Fit, fit_of
from batch_transform.pipeline.checks.output_over_input import Reading
from batch_transform.pipeline.checks.retargeting import check_uncommitted
from batch_transform.pipeline.checks.same_input import check_source, warn_of_line_breaks
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.lifecycle.acquiring_run import as_published, begin, context_of
from batch_transform.pipeline.local_process import CLOCK
from batch_transform.pipeline.loop.driver import Driver
from batch_transform.pipeline.places import Places, places_of
from batch_transform.pipeline.recorded import RecordedRun, check_same, read_run
from batch_transform.pipeline.remedies import scored_is_kept
from batch_transform.pipeline.run_switches import NO_SWITCHES, RunSwitches
from batch_transform.pipeline.tables.object_work import SparkObjectWork
from batch_transform.pipeline.tables.source import Source, settings_of
from batch_transform.pipeline.tables.spark_tables import SparkTables
from batch_transform.pipeline.worker_store import WorkerStore
from batch_transform.pipeline.world.aws_access import jobs_of
from batch_transform.s3.store import S3Store
from batch_transform.sagemaker.models import ensure_model
from batch_transform.spark.input_settings import input_session
from batch_transform.spark.s3_probe import WorkersReach
from batch_transform.spark.settings import session_settings
from batch_transform.spark.user_session import user_session


def open_run(
    spark: SparkSession,
    config: RunConfig,
    access: AwsAccess,
    listener: Listener,
    source: Source | None = None,
    *,
    names_input: bool = True,
    switches: RunSwitches = NO_SWITCHES,
    begins: Callable[[], None] = lambda: None,
) -> Driver:
    """Returns the driver of a run that is new, or that its ledger knows; it holds the run's lease.

    Args:
        spark: the session; what it says holds for the input and for the expressions over it.
        config: the checked configuration.
        access: to AWS, or to the emulator.
        listener: is told what happens.
        source: the input if it is at hand; else it is read as the configuration says, unless it is staged already.
        names_input: whether the input is named anew, and must be the one that was staged; a run that is resumed by
            its folder goes on with what it has.
        switches: what whoever opens it says besides.
        begins: is called when all is checked, before the first that is recorded of a new run.

    Raises:
        OtherRows: the run has staged other rows.
        ConfigurationError: anything about the configuration is wrong; nothing was written, created or paid for.
        RunHeld: another driver is at work on the run.
    """
    check_pyarrow()
    with WorkersReach(spark, WorkerStore(access)) as reach:
        opening = _Opening.of(spark, config.named(), access, listener, switches)
        faults = Faults()
        opening.check_without_rows(faults)
        if opening.is_checked and not faults.found:
            reach.ask(opening.places.layout.probe(uuid.uuid4().hex))
        rows = opening.rows_of(source, faults, names_input=names_input)
        return opening.opened(rows, reach, faults, begins)


@dataclass(frozen=True)
class _Opening:
    """A run that is opened: what was asked for, and what its ledger knows. What it checks, it checks in this order.

    Attributes:
        run: as it is recorded, or that it is new.
        places: of the run.
    """

    spark: SparkSession
    config: RunConfig
    access: AwsAccess
    listener: Listener
    switches: RunSwitches
    run: RecordedRun
    places: Places

    @classmethod
    def of(
        cls, spark: SparkSession, config: RunConfig, access: AwsAccess, listener: Listener, switches: RunSwitches
    ) -> _Opening:
        """Reads what is recorded of the run."""
        assert config.run_id is not None
        run = read_run(S3Uri.parse(config.workspace), config.run_id, S3Store(access.client("s3")))
        places = places_of(config, run.layout, spark.version)
        return cls(spark, config, access, listener, switches, run, places)

    @property
    def recorded(self) -> RunState | None:
        """What the ledger says; None: the run is new."""
        return self.run.state

    @property
    def staged(self) -> Staged | None:
        """The rows that it has staged."""
        return None if self.recorded is None else self.recorded.staged

    @property
    def sends(self) -> bool:
        """Whether it may yet send records."""
        return needs_model(self.recorded, retry_dead=self.switches.retry_dead)

    @property
    def is_new_to_the_model(self) -> bool:
        """Whether nothing was scored: else what is recorded of the model is held against it before each job."""
        return self.recorded is None or not has_scored(self.recorded)

    @property
    def goes_elsewhere(self) -> bool:
        """Whether it is published otherwise than it was to be."""
        return self.recorded is not None and self.recorded.settings.published != self.config.settings.published

    @property
    def is_checked(self) -> bool:
        """Whether outputs are checked: those of a run that publishes already were."""
        recorded = self.recorded
        return recorded is None or (recorded.report is None and (recorded.publication is None or self.goes_elsewhere))

    def reading(self) -> AbstractContextManager[None]:
        """Options of the input that are settings of the session hold within the block."""
        return input_session(self.spark, *settings_of(self.config.input))

    def check_without_rows(self, faults: Faults) -> None:
        """Checks the run itself, and what the service says of what is asked of it."""
        config, access = self.config, self.access
        if self.recorded is None:
            faults.of(lambda: check_bucket(self.run.store, self.run.layout.workspace, access.console_region))
        _check_run(self.run, config, self.places, self.switches, faults)
        faults.of(lambda: check_price(config, access.console_region))
        if self.sends:
            faults.of(lambda: check_model_servers(config, CLOCK, lambda words: self.listener(Event("warning", words))))
            jobs = jobs_of(access)
            check_service(config, jobs, faults, access.console_region, is_new=self.is_new_to_the_model)

    def rows_of(self, source: Source | None, faults: Faults, *, names_input: bool) -> RunRows:
        """Returns input, record and predictions; refuses with all faults that were found, here or before."""
        recorded, store = self.recorded, self.run.store
        if self.staged is not None:
            self.places.close_to_others()  # an earlier version left that to the umask
        with user_session(self.spark, self.staged), self.reading():
            rows = rows_of(self.spark, self.config, self.places, store, source, recorded, faults)
            if source is None and self.staged is None:
                warn_of_line_breaks(self.spark, self.config.input, self.places, self.listener)
            if recorded is not None and self.staged is not None and names_input:
                check_source(self.spark, self.config, self.places, store, source, recorded, self.listener)
        return rows

    def opened(self, rows: RunRows, reach: WorkersReach, faults: Faults, begins: Callable[[], None]) -> Driver:
        """Returns the driver, once the rest is checked: where the tables go, and the way to them."""
        spark, config, recorded = self.spark, self.config, self.recorded
        inferred = recorded.inferred if recorded is not None else None
        fit = fit_of(spark, config, self.places, self.run.store, rows.schema, rows.shape, inferred)
        ctx = self._context(rows, tables := self._tables(rows, fit))
        if recorded is not None and recorded.report is not None:
            return Driver(ctx, as_published(ctx, recorded))
        if self.is_checked:
            with user_session(spark, self.staged), session_settings(spark, fit.targets.format.settings), self.reading():
                reading = Reading(config.input, partial(input_of, tables), rows.shape.names)
                with scored_is_kept(ctx, recorded):
                    check_world(ctx, tables, fit, reading, reach, faults)
        if recorded is not None and recorded.staged is not None and self.goes_elsewhere:
            check_uncommitted(tables, recorded, config)
            fit.check_rows(recorded.staged)
        return Driver(ctx, _begun(ctx, self._make_model, begins, is_known=recorded is not None))

    def _make_model(self) -> None:
        if self.sends and (parts := self.config.model.parts) is not None:
            client, name = self.access.client("sagemaker"), self.config.model.name
            ensure_model(client, name, parts, compare=self.is_new_to_the_model)

    def _tables(self, rows: RunRows, fit: Fit) -> SparkTables:
        run = self.run
        return SparkTables(
            spark=self.spark,
            config=self.config,
            source=rows.source,
            rule=rows.rule,
            shape=rows.shape,
            places=self.places,
            connect=WorkerStore(self.access),
            store=run.store,
            ledger=run.ledger,
            writer=run.ledger.writer,
            sleep=CLOCK.sleep,
            read_again=lambda: read_again(self.spark, self.config, self.recorded, self.places, run.store),
            fit=fit,
        )

    def _context(self, rows: RunRows, tables: SparkTables) -> RunContext:
        run, connect = self.run, WorkerStore(self.access)
        objects = SparkObjectWork(self.spark, connect, run.store, self.places.layout.input, rows.shape.reader, rows.key)
        return context_of(
            run, self.config, self.access, self.listener, self.places, tables, objects, switches=self.switches
        )


def _begun(ctx: RunContext, make_model: Callable[[], None], begins: Callable[[], None], *, is_known: bool) -> RunState:
    """Returns the state of a run once this driver holds it.

    A refused run creates nothing. So a new one's store is asked first, without whose word nothing is fenced, and the
    model is made last of all.
    """
    if not is_known:
        ctx.ledger.probe()
    make_model()
    begins()
    return begin(ctx)


def _check_run(run: RecordedRun, config: RunConfig, places: Places, switches: RunSwitches, faults: Faults) -> None:
    if run.state is None:
        faults.of(lambda: check_workspace(run.store, places.layout.workspace))
        if not faults.found:
            # At once, as what is known of a run: another run_id is another run.
            check_no_result(config, places, run.store)
    else:
        check_same(run.state, config)
    if switches.retry_dead:
        check_retry(run.state, places.run)
