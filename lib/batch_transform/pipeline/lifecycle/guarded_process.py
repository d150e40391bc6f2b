"""What is around a driver's work, whoever does it: signals, jobs that are stopped, report and exit code. No Spark."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Collection
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from batch_transform.core.errors import BatchTransformError, Interrupted, StopRequested
from batch_transform.core.escaping import hidden
from batch_transform.core.events import Event
from batch_transform.core.progress.event_lines import ERROR
from batch_transform.core.run_state import ASKED, INTERRUPTED
from batch_transform.pipeline.ending.exits import exit_of
from batch_transform.pipeline.handshake import Handshake
from batch_transform.pipeline.lifecycle.interrupts import LEAVE_SECONDS, Interrupts
from batch_transform.pipeline.telling import tell_terminal

if TYPE_CHECKING:  # it imports much, and Spark begins before that
    from batch_transform.pipeline.loop.driver import Driver

_NOTHING_BEGUN = "nothing was begun and nothing is paid; the same command begins it"


class Guarded:
    """A driver's work, and how it ends.

    Attributes:
        run_id: None: not known yet.
        secrets: what nothing that is told may quote.
        driver: None until the run is held.
        resources: what lives until the work has ended and its report is written.
        unheld: what is told of a signal that comes before the run is held, where that is no run's.
        is_new: whether nobody has begun a run of this name, as far as was looked: there is nothing to be stopped.
        place: the run's folder, once it is known.
    """

    unheld = ""
    is_new = False
    place: str | None = None

    def __init__(self, run_id: str | None, handshake: Handshake, interrupts: Interrupts) -> None:
        self.run_id = run_id
        self.secrets: Collection[str] = ()
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
                return self._done(work)
            except Interrupted as err:  # in the moment between an error and its end
                return self._end(err)

    def _done(self, work: Callable[[], None]) -> int:
        try:
            work()
            self.interrupts.work_is_over()  # and reported: a signal takes nothing back
            self.resources.close()
        except (BatchTransformError, Interrupted) as err:
            return self._end(err)
        except BaseException as err:
            # With the JVM gone every call of Spark's fails, before or after the signal that says so.
            # A Ctrl-C while the session begins is PySpark's to handle: it raises KeyboardInterrupt.
            number = signal.SIGINT if isinstance(err, KeyboardInterrupt) else self._ended_by()
            if number:
                return self._end(Interrupted(number))
            code = self._end(err)
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
            try:
                self._end_once(error)
            finally:
                self._leave(number)

    def _leave(self, number: int) -> None:
        """Ends the process, with whatever is done."""
        unseen = f"it was not seen to its end in time: jobs may still be in flight{self._to_stop}"
        found = exit_of(Interrupted(number), unseen if self.driver is not None else self._unheld())
        if not self._ended.is_set():
            self.handshake.report(found.report(self.run_id))
        self.handshake.end(found.code)
        os._exit(found.code)

    def _end(self, error: BaseException) -> int:
        """Returns the exit code after an error, when jobs in flight are stopped and the report is written."""
        self.interrupts.work_is_over()
        if not self._ending.acquire(blocking=False):
            threading.Event().wait(LEAVE_SECONDS)  # another thread ends the process
        code = self._end_once(error)
        self.resources.close()
        return code

    def _end_once(self, error: BaseException) -> int:
        is_interrupted = isinstance(error, Interrupted)
        found = exit_of(
            error,
            *(self._of_interruption() if is_interrupted else ()),
            is_begun=self.driver is not None,
            secrets=self.secrets,
        )
        found.tell()
        if self.driver is None:
            self.handshake.report(found.report(self.run_id))
            self._ended.set()
            return found.code
        if is_interrupted:
            self._stop_jobs(self.driver, ASKED if isinstance(error, StopRequested) else INTERRUPTED)
        from batch_transform.pipeline.ending.reporting import report_of_end

        report = report_of_end(self.driver.ctx, self.driver.state, found, error)
        self.handshake.report(report)
        self._ended.set()
        with suppress(BatchTransformError):
            self.handshake.report(self.driver.close(report))  # once more, since it now has a page
        return found.code

    @property
    def _to_stop(self) -> str:
        """What ends jobs in flight."""
        return f"; `stop {self.place}` ends them" if self.place is not None else ", until it is stopped"

    def _of_interruption(self) -> list[str]:
        if self.driver is None:
            return [self._unheld()]
        return [] if self.driver.ctx.config.ephemeral else ["the run can be resumed"]

    def _unheld(self) -> str:
        if self.unheld or self.is_new:
            return self.unheld or _NOTHING_BEGUN
        return f"if the run was begun before, its jobs go on{self._to_stop}; if not, {_NOTHING_BEGUN}"

    def _stop_jobs(self, driver: Driver, reason: str) -> None:
        try:
            for name in driver.interrupt(reason):
                tell_terminal(Event("end", f"{name}: stop requested"))
        except BatchTransformError as err:
            tell_terminal(Event(ERROR, hidden(str(err), self.secrets)))
