"""The run of a submitted run file: session, emulator, signals, report and exit code around the driver's loop."""

from __future__ import annotations

import gc
import importlib
import os
import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from batch_transform.aws.access import AwsAccess
from batch_transform.config.runfile import RunConfig
from batch_transform.core.events import Event, EventKind
from batch_transform.core.ledger import JsonObject
from batch_transform.core.publishing.report import already_published
from batch_transform.core.report_keys import RunReport
from batch_transform.core.resuming.retried_dead_rows import check_retry, has_no_dead_rows
from batch_transform.core.secret_values import secrets_of
from batch_transform.pipeline.checks.model_servers import check_model_servers, needs_model
from batch_transform.pipeline.commands.command_options import COLLECT, PREPARE, RUN, STEPS
from batch_transform.pipeline.handshake import Handshake, seconds_before
from batch_transform.pipeline.lifecycle.guarded_process import Guarded
from batch_transform.pipeline.lifecycle.interrupts import Interrupts
from batch_transform.pipeline.local_process import CLOCK
from batch_transform.pipeline.run_switches import RunSwitches
from batch_transform.pipeline.telling import tell_terminal, telling_now_and_then
from batch_transform.pipeline.world.aws_access import access_of
from batch_transform.pipeline.world.emulation import BeginningEmulator, beginning_emulator
from batch_transform.pipeline.world.session import reaching_s3, run_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from batch_transform.pipeline.loop.driver import Driver

# What takes longest to import, in the order in which it is needed: that is done while the JVM begins Spark.
_IMPORTED = ("batch_transform.pipeline.lifecycle.opening_run", "sagemaker.core.transformer")
# Of a driver in YARN's cluster mode. There an application that ends without ever having had a session counts as failed,
# whatever its exit code (ApplicationMaster.finish).
_IN_YARN = "SPARK_YARN_STAGING_DIR"


def run_job(
    document: JsonObject,
    handshake: Handshake,
    command: str,
    switches: RunSwitches,
) -> int:
    """Returns the exit code of the run that a resolved run file describes; its report goes to the handshake.

    Args:
        document: the resolved run file.
        handshake: with the wrapper.
        command: RUN; RESUME goes on with the rows that are staged, whatever became of the input; or the step that
            this is: PREPARE ends when the jobs of the first round are recorded.
        switches: what whoever begins it, or goes on with it, says besides.
    """
    config = RunConfig.from_document(document)
    job = _Job(config, handshake, command, switches)
    return job.do(job.run)


class _Job(Guarded):
    def __init__(self, config: RunConfig, handshake: Handshake, command: str, switches: RunSwitches) -> None:
        super().__init__(config.run_id, handshake, Interrupts(alive_file=handshake.alive_file))
        self.secrets = secrets_of(config.to_document()).values()
        self._config = config
        self.place = str(config.layout.run) if config.run_id is not None and not config.ephemeral else None
        self.is_new = self.place is None  # as its name is made now, or nothing of an earlier one is kept
        self._command = command
        self._switches = switches
        self._began = CLOCK.monotonic() - seconds_before(os.environ, CLOCK.wall())

    def run(self) -> None:
        """Runs to the end; the emulator lives until then, and comes up while Spark does."""
        self.resources.enter_context(telling_now_and_then(self._began))
        tell_terminal(Event("spark", kind=EventKind.BEGINS))
        emulator = self._config.emulator
        if self._config.ephemeral:  # what an emulator keeps may be scored, and need no model
            check_model_servers(self._config, CLOCK)
        beginning = self.resources.enter_context(beginning_emulator(emulator)) if emulator is not None else None
        access = None
        # In an emulator that keeps nothing no run is published, and nobody waits for it.
        if emulator is None or emulator.state is not None:
            from batch_transform.pipeline.recorded import known_run

            access = self._access(beginning)
            state = known_run(self._config, access)
            self.is_new = state is None
            if emulator is not None and self.is_new and self._command in (RUN, PREPARE):
                from batch_transform.pipeline.checks.before_spark import check_unheard_of

                check_unheard_of(self._config, os.environ)
            report = state.report if state is not None else None
            if report is not None and (not self._switches.retry_dead or has_no_dead_rows(report)):
                self._tell_published(report)
                return
            if self._switches.retry_dead:
                check_retry(state, self._config.layout.run)
            if needs_model(state, retry_dead=self._switches.retry_dead):
                check_model_servers(self._config, CLOCK)
        threading.Thread(target=_import_meanwhile, daemon=True).start()
        with run_session(self._config.run_id) as spark:
            access = access or self._access(beginning)
            with reaching_s3(spark, access, self._config):
                report = self._drive(spark, access)
            if beginning is not None:
                beginning.let_end()  # while Spark does
        self.handshake.report(report)

    def _access(self, beginning: BeginningEmulator | None) -> AwsAccess:
        return access_of(self._config, beginning.endpoint() if beginning else None, os.environ)

    def _tell_published(self, report: RunReport) -> None:
        tell_terminal(Event("publish", already_published(report)))
        if os.environ.get(_IN_YARN):
            with run_session(self._config.run_id):
                pass
        self.handshake.report(report)

    def _drive(self, spark: SparkSession, access: AwsAccess) -> RunReport:
        """Returns the report of a run that was not published before."""
        from batch_transform.pipeline.commands.step_work import prepare
        from batch_transform.pipeline.lifecycle.acquiring_run import renewed
        from batch_transform.pipeline.lifecycle.opening_run import open_run

        self.interrupts.take_over()
        tell_terminal(Event("checks", kind=EventKind.BEGINS))
        anew = self._command in (RUN, PREPARE)
        self.driver = open_run(
            spark,
            self._config,
            access,
            tell_terminal,
            names_input=anew,
            switches=self._switches,
            begins=self._begins,
        )
        self.resources.enter_context(renewed(self.driver.ctx.lease))
        # As `collect`: what was hurt is made again here, and sent: nobody holds a cluster until that is scored.
        waits = self._command != COLLECT or self._config.emulated
        self.driver.ctx = replace(self.driver.ctx, began=self._began, waits=waits)
        if self._command == PREPARE:
            prepare(self.driver)
        else:
            self.driver.run()
        report = self._report(self.driver)
        return self.driver.close(report)

    def _begins(self) -> None:
        self.is_new = self._config.ephemeral  # of which nothing is kept

    def _report(self, driver: Driver) -> RunReport:
        if self._command in STEPS:
            from batch_transform.pipeline.commands.step_work import step_report
            from batch_transform.pipeline.remedies import next_step

            run = str(driver.ctx.places.run)
            return step_report(driver, self._command, lambda step: next_step(step, run))
        assert driver.state.report is not None
        return driver.state.report


def _import_meanwhile() -> None:
    """Imports it, and lets garbage be collected from then on, but not among what was imported."""
    for name in _IMPORTED:
        with suppress(Exception):  # whoever needs it finds what is wrong with it
            importlib.import_module(name)
    if not gc.isenabled():  # in a process of the run's own (`submit.job`)
        gc.freeze()
        gc.enable()
