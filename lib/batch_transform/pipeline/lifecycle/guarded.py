"""What is around a driver's work, whoever does it: signals, jobs that are stopped, report and exit code. No Spark."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress

from batch_transform.core.errors import (
    BatchTransformError,
    ConfigurationError,
    ErrorBudgetExceeded,
    Interrupted,
    LedgerFenced,
    RunHeld,
    RunStopped,
    ServiceFailure,
    StopRequested,
    fault_lines,
)
from batch_transform.core.events import Event
from batch_transform.core.publishing.report import run_report
from batch_transform.core.reports import FaultReport
from batch_transform.core.run_state import ASKED, INTERRUPTED
from batch_transform.core.statuses import RunStatus
from batch_transform.core.visible import visible
from batch_transform.pipeline.handshake import Handshake
from batch_transform.pipeline.lifecycle.interrupts import LEAVE_SECONDS, Interrupts
from batch_transform.pipeline.loop.driver import Driver
from batch_transform.spark.chains import is_of_spark, said

_STATUS: Mapping[type[BaseException], RunStatus] = {
    ConfigurationError: RunStatus.REFUSED,
    ErrorBudgetExceeded: RunStatus.OVER_BUDGET,
    Interrupted: RunStatus.INTERRUPTED,
    StopRequested: RunStatus.INTERRUPTED,
    RunStopped: RunStatus.INTERRUPTED,
    RunHeld: RunStatus.HELD,
    LedgerFenced: RunStatus.FENCED,
}


def tell_terminal(event: Event) -> None:
    """Writes an event as a line of progress; standard output is the report's alone.

    spark-submit reads the driver's output through a pipe, which is broken once the JVM is dead: then nobody listens,
    and that must not keep the driver from stopping its jobs.
    """
    with suppress(OSError):
        sys.stderr.write(f"[batch-transform] {event.step:<9} {visible(event.text)}\n")
        sys.stderr.flush()


# Python's own errors that quote what they were given, which may be of a row: Arrow's are of both kinds.
_QUOTING = (ValueError, LookupError)


def fault_of_ours(err: BaseException) -> ServiceFailure:
    """Returns what an error is told as that nobody has named; the run can be resumed.

    Spark's is told with its cause. Of any other one the stack is shown as well, without the words that may quote a row.
    """
    if is_of_spark(err):
        return ServiceFailure(f"Spark: {said(err)}")
    words = f"{type(err).__name__}: {_words(err)}"
    with suppress(OSError):  # the pipe to a dead JVM
        sys.stderr.write(f"{''.join(_stacks(err))}{visible(words)}\n")
    return ServiceFailure(words)


def _words(err: BaseException) -> str:
    if isinstance(err, _QUOTING):
        return "what it says may quote a row, and is left out"
    return str(err).partition("\n")[0]


def _stacks(err: BaseException) -> list[str]:
    """The stack of an error, below those of its causes."""
    before = err.__cause__ or (None if err.__suppress_context__ else err.__context__)
    beneath = [*_stacks(before), f"{type(before).__name__}, and then:\n"] if before is not None else []
    return [*beneath, "Traceback (most recent call last):\n", *traceback.format_tb(err.__traceback__)]


class Guarded:
    """A driver's work, and how it ends.

    Attributes:
        run_id: None: not known yet.
        driver: None until the run is held.
        resources: what lives until the work has ended and its report is written.
    """

    def __init__(self, run_id: str | None, handshake: Handshake, interrupts: Interrupts) -> None:
        self.run_id = run_id
        self.driver: Driver | None = None
        self.resources = ExitStack()
        self.handshake = handshake
        self.interrupts = interrupts
        self._ending = threading.Lock()  # held by whoever ends the work, and never given back
        self._ended = threading.Event()

    def do(self, work: Callable[[], None]) -> int:
        """Returns the exit code of the work; its report goes to the handshake, of the work itself where it succeeds.

        After a signal the process ends within twenty seconds, whatever the work is waiting for: where the main thread
        does not get to the end, another does it in its place.
        """
        with self.interrupts.installed(self._end_in_its_stead, self._leave):
            try:
                work()
                self.resources.close()
            except (BatchTransformError, Interrupted) as err:
                return self._end(err)
            except BaseException as err:
                # With the JVM gone every call of Spark's fails, before or after the signal that says so.
                # A Ctrl-C while the session begins is PySpark's to handle: it raises KeyboardInterrupt.
                number = signal.SIGINT if isinstance(err, KeyboardInterrupt) else self._ended_by()
                if number:
                    return self._end(Interrupted(number))
                code = self._end(fault_of_ours(err))
                if not isinstance(err, Exception):
                    raise
                return code
        return 0

    def _ended_by(self) -> int | None:
        """The signal that has ended the work, or stands for its JVM's end; None for neither."""
        try:
            return self.interrupts.signal_number or (signal.SIGTERM if self.interrupts.orphaned_soon() else None)
        except Interrupted:  # the signal that was waited for
            return self.interrupts.signal_number

    def _end_in_its_stead(self, number: int) -> None:
        """Ends the process, after the signal, for a main thread that does not come back from what it waits for."""
        error = Interrupted(number)
        if self._ending.acquire(blocking=False):
            self._end_once(error)
            self._leave(number)

    def _leave(self, number: int) -> None:
        """Ends the process, with whatever is done."""
        error = Interrupted(number)
        if not self._ended.is_set():
            words = [str(error), "it was not seen to its end in time: jobs may still be in flight; `stop` ends them"]
            self.handshake.report({"run_id": self.run_id, "status": RunStatus.INTERRUPTED.value, "error": words})
        self.handshake.end(error.exit_code)
        os._exit(error.exit_code)

    def _end(self, error: BatchTransformError | Interrupted) -> int:
        """Returns the exit code after an error, when jobs in flight are stopped and the report is written."""
        if not self._ending.acquire(blocking=False):
            threading.Event().wait(LEAVE_SECONDS)  # another thread ends the process
        self._end_once(error)
        self.resources.close()
        return error.exit_code

    def _end_once(self, error: BatchTransformError | Interrupted) -> None:
        words = fault_lines(error)
        tell_terminal(Event("end", str(error)))
        if isinstance(error, Interrupted) and self.driver is None:
            words.append("the run was not held yet: jobs that are in flight go on; `stop` ends them")
            tell_terminal(Event("end", words[-1]))
        status = _STATUS.get(type(error), RunStatus.FAILED)
        if self.driver is None:
            self.handshake.report(FaultReport(run_id=self.run_id, status=status.value, error=words))
            self._ended.set()
            return
        if isinstance(error, Interrupted):
            self._stop_jobs(self.driver, ASKED if isinstance(error, StopRequested) else INTERRUPTED)
        report = run_report(self.driver.state, status, str(self.driver.ctx.places.run))
        report["error"] = words
        self.handshake.report(report)
        self._ended.set()
        with suppress(BatchTransformError):
            self.driver.close(report)

    def _stop_jobs(self, driver: Driver, reason: str) -> None:
        try:
            for name in driver.interrupt(reason):
                tell_terminal(Event("end", f"{name}: stop requested"))
        except BatchTransformError as err:
            tell_terminal(Event("end", str(err)))
