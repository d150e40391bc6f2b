"""The run of a submitted run file: session, emulator, signals, report and exit code around the driver's loop."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import Any

from batch_transform.aws.access import AwsAccess
from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import (
    BatchTransformError,
    ConfigurationError,
    ErrorBudgetExceeded,
    Interrupted,
    LedgerFenced,
    RunHeld,
    ServiceFailure,
    StopRequested,
)
from batch_transform.core.events import Event
from batch_transform.core.report import run_report
from batch_transform.pipeline.driver import Driver
from batch_transform.pipeline.emulation import embedded_emulator
from batch_transform.pipeline.handshake import Handshake
from batch_transform.pipeline.interrupts import Interrupts
from batch_transform.pipeline.opening import open_run
from batch_transform.pipeline.reaching import access_of
from batch_transform.pipeline.recorded import published_report
from batch_transform.pipeline.renewal import renewed
from batch_transform.pipeline.session import make_session
from batch_transform.spark.failures import first_line
from batch_transform.spark.settings import RUN_SETTINGS, session_settings

# Of a driver in YARN's cluster mode. There an application that ends without ever having had a session counts as failed,
# whatever its exit code (ApplicationMaster.finish).
_IN_YARN = "SPARK_YARN_STAGING_DIR"
_STATUS: Mapping[type[BaseException], str] = {
    ConfigurationError: "refused",
    ErrorBudgetExceeded: "over_budget",
    Interrupted: "interrupted",
    StopRequested: "interrupted",
    RunHeld: "held",
    LedgerFenced: "fenced",
}


def run_job(document: dict[str, Any], handshake: Handshake) -> int:
    """Returns the exit code of the run that a resolved run file describes; its report goes to the handshake."""
    config = RunConfig.from_document(document)
    interrupts = Interrupts()
    job = _Job(config, handshake, interrupts)
    with interrupts.installed():
        try:
            job.run()
        except (BatchTransformError, Interrupted) as err:
            return job.end(err)
        except BaseException as err:
            # With the JVM gone every call of Spark's fails, before or after the signal that says so.
            # A Ctrl-C while the session begins is PySpark's to handle: it raises KeyboardInterrupt.
            gone = interrupts.signal_number or (interrupts.orphaned and signal.SIGTERM)
            number = signal.SIGINT if isinstance(err, KeyboardInterrupt) else gone
            if not number:
                job.end(ServiceFailure(f"{type(err).__name__}: {first_line(err)}"))
                raise
            return job.end(Interrupted(number))
    return 0


def tell_terminal(event: Event) -> None:
    """Writes an event as a line of progress; standard output is the report's alone.

    spark-submit reads the driver's output through a pipe, which is broken once the JVM is dead: then nobody listens,
    and that must not keep the driver from stopping its jobs.
    """
    with suppress(OSError):
        sys.stderr.write(f"[batch-transform] {event.step:<9} {event.text}\n")
        sys.stderr.flush()


class _Job:
    def __init__(self, config: RunConfig, handshake: Handshake, interrupts: Interrupts) -> None:
        self._config = config
        self._interrupts = interrupts
        self._handshake = handshake
        self._driver: Driver | None = None
        self._resources = ExitStack()

    def run(self) -> None:
        """Runs to the end; the emulator lives until `end` or the end of this."""
        url = None
        if self._config.emulator is not None:
            url = self._resources.enter_context(embedded_emulator(self._config.emulator))
        access = access_of(self._config, url, os.environ)
        report = published_report(self._config, access)
        if report is None:
            report = self._drive(access)
        elif os.environ.get(_IN_YARN):
            make_session(self._config.run_id, access).stop()
        self._handshake.report(report)
        self._resources.close()

    def _drive(self, access: AwsAccess) -> dict[str, Any]:
        """Returns the report of a run that was not published before."""
        spark = make_session(self._config.run_id, access)
        self._interrupts.take_over()
        with session_settings(spark, RUN_SETTINGS):
            self._driver = open_run(spark, self._config, access, tell_terminal)
            self._resources.enter_context(renewed(self._driver.ctx.lease))
            state = self._driver.run()
        assert state.report is not None
        self._driver.close(state.report)
        spark.stop()
        return state.report

    def end(self, error: BatchTransformError | Interrupted) -> int:
        """Returns the exit code after an error, when jobs in flight are stopped and the report is written."""
        tell_terminal(Event("end", str(error)))
        status = _STATUS.get(type(error), "failed")
        report: dict[str, Any] = {"run_id": self._config.run_id, "status": status}
        if self._driver is not None:
            if isinstance(error, Interrupted):
                self._stop_jobs(self._driver)
            report = run_report(self._driver.state, status, str(self._driver.ctx.places.run))
        report["error"] = list(error.faults) if isinstance(error, ConfigurationError) else [str(error)]
        self._handshake.report(report)
        if self._driver is not None:
            with suppress(BatchTransformError):
                self._driver.close(report)
        self._resources.close()
        return error.exit_code

    def _stop_jobs(self, driver: Driver) -> None:
        try:
            for name in driver.interrupt():
                tell_terminal(Event("end", f"{name}: stop requested"))
        except BatchTransformError as err:
            tell_terminal(Event("end", str(err)))
