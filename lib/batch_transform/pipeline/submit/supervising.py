"""spark-submit under a console script: signals go to the Python driver, and its report and exit code come back.

What `spark-submit.sh` does in a shell (the handshake says why it must be done), for whoever has the wheel alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from batch_transform.pipeline.handshake import (
    ALIVE_FILE_VARIABLE,
    EXIT_FILE_VARIABLE,
    PID_FILE_VARIABLE,
    REPORT_FILE_VARIABLE,
)
from batch_transform.pipeline.lifecycle.interrupts import meant_signals
from batch_transform.pipeline.submit import watching
from batch_transform.pipeline.submit.watching import CODE, EVENTS, SHOWN
from batch_transform.pipeline.telling import EVENTS_FILE_VARIABLE
from batch_transform.pipeline.world.own_modules import module_command

_CODES = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGHUP: 129}
_OURS = (0, 2, 3, *_CODES.values())
_LOOK_SECONDS, _WATCHER_SECONDS = 0.2, 5.0


@dataclass
class Supervised:
    """One spark-submit, whose files lie in a folder of its own."""

    work: Path
    environ: Mapping[str, str]
    sleep: Callable[[float], None] = time.sleep
    _interrupted: int | None = None
    _child: subprocess.Popen[bytes] | None = None

    def run(self, described: Path) -> int:
        """Returns the exit code of the driver that the described command starts; its report is `work/report`."""
        files = {
            PID_FILE_VARIABLE: "pid",
            REPORT_FILE_VARIABLE: "report",
            EXIT_FILE_VARIABLE: "exit",
            ALIVE_FILE_VARIABLE: "alive",
            EVENTS_FILE_VARIABLE: EVENTS,
        }
        names = {variable: str(self.work / name) for variable, name in files.items()}
        (self.work / EVENTS).touch()
        os.mkfifo(self.work / "alive")
        # Open for writing in this process alone: when it ends, however that is, the driver sees that nobody writes.
        alive = os.open(self.work / "alive", os.O_RDWR)
        before = {number: signal.signal(number, self._forward) for number in meant_signals()}
        with _signals_held():
            watcher = subprocess.Popen(
                module_command(watching.__name__, str(self.work)), stdin=subprocess.PIPE, stdout=sys.stderr
            )
        code = 4
        try:
            if self._interrupted is not None:
                code = self._interrupted
                return code
            launcher = str(Path(__file__).with_name("exec_command.py"))
            self._child = subprocess.Popen(
                [sys.executable, "-I", launcher, str(described)],
                stdin=subprocess.DEVNULL,
                stdout=watcher.stdin,
                stderr=watcher.stdin,
                env={**self.environ, **names},
            )
            if self._interrupted is not None:  # before the child was known
                self._pass_on(signal.SIGTERM)
            code = self._child.wait()
            while self._driver_runs():
                self.sleep(_LOOK_SECONDS)
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGKILL)
            code = self._exit_code(code)
            return code
        finally:
            os.close(alive)
            self._tell_over(watcher, code)
            for number, handler in before.items():
                signal.signal(number, handler)

    def is_without_word(self, code: int) -> bool:
        """Returns whether a signal has ended what should have reported; a cluster that was asked may go on."""
        asked = self._child is not None and (self.work / SHOWN).exists()
        return code in _CODES.values() and not (self.work / "report").exists() and not asked

    def _tell_over(self, watcher: subprocess.Popen[bytes], code: int) -> None:
        """Lets the watcher show the end; whatever holds its pipe beyond that is not waited for."""
        (self.work / CODE).write_text(str(code), encoding="utf-8")
        assert watcher.stdin is not None
        watcher.stdin.close()
        try:
            watcher.wait(_WATCHER_SECONDS)
        except subprocess.TimeoutExpired:
            watcher.kill()
            watcher.wait()

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        self._interrupted = self._interrupted or _CODES[signal.Signals(number)]
        self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            if driver := self._driver():
                os.kill(driver, number)
            elif self._child is not None:
                try:
                    os.killpg(self._child.pid, signal.SIGTERM)
                except ProcessLookupError:  # it has no session of its own yet
                    self._child.terminate()

    def _driver(self) -> int | None:
        with suppress(FileNotFoundError, ValueError):
            return int((self.work / "pid").read_text(encoding="utf-8"))
        return None

    def _driver_runs(self) -> bool:
        driver = self._driver()
        if driver is None or (self.work / "exit").exists():
            return False
        said = subprocess.run(["ps", "-o", "stat=", "-p", str(driver)], check=False, capture_output=True, text=True)
        return bool(said.stdout.strip()) and not said.stdout.strip().startswith("Z")  # an orphan that nobody reaps

    def _exit_code(self, of_spark_submit: int) -> int:
        with suppress(FileNotFoundError, ValueError):
            code = int((self.work / "exit").read_text(encoding="utf-8"))
            # Of a driver that was told of Ctrl-C by what ends Spark.
            return self._interrupted or code if code == _CODES[signal.SIGTERM] else code
        if self._interrupted is not None:
            return self._interrupted
        return of_spark_submit if of_spark_submit in _OURS else 4


@contextmanager
def _signals_held() -> Iterator[None]:
    """Signals wait until the block has ended, and for good in a process that it starts.

    A terminal sends Ctrl-C to all processes, also to one that has yet to say that it does not mean it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _CODES)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
