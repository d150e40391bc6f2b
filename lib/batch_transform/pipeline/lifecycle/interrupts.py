"""Signals, a JVM that has gone, and a wrapper that has gone: all end the run in the same way, and in time."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from batch_transform.core.errors import Interrupted

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LOOK_SECONDS = 0.5
# A JVM gives gigabytes back to a busy machine while it dies.
_DYING_SECONDS = 10.0
# An orchestrator kills what is there 30 seconds after SIGTERM (Kubernetes, Airflow). After the first of these another
# thread does what the main thread should have done; after the second the process ends, whatever hangs.
HELP_SECONDS = 8.0
LEAVE_SECONDS = 17.0


def meant_signals() -> tuple[signal.Signals, ...]:
    """The signals that end a run. A terminal that is closed sends SIGHUP, which `nohup` has ignored."""
    return tuple(each for each in _SIGNALS if each != signal.SIGHUP or signal.getsignal(each) != signal.SIG_IGN)


class Interrupts:
    """Turns the first SIGTERM, SIGINT or SIGHUP into `Interrupted` in the main thread; later ones change nothing.

    SIGTERM to spark-submit ends the JVM, and the Python driver lives on without a signal of its own: it becomes an
    orphan, which a thread sees by its parent's id. That the wrapper has gone it sees by a named pipe whose only writer
    the wrapper is: whatever ends a process closes its files, also one that nobody has reaped.

    A signal reaches that thread even while the main thread is in a call that does not come back to Python.
    """

    def __init__(self, *, watch_parent: bool = True, alive_file: Path | None = None) -> None:
        """Handles nothing yet.

        Args:
            watch_parent: whether the death of the process that started this one ends it.
            alive_file: the wrapper's named pipe; None: there is no wrapper to watch.
        """
        self.signal_number: int | None = None
        self._is_over = False
        self._watches = watch_parent
        self._parent = os.getppid()
        self._alive: int | None = None
        with suppress(OSError):
            self._alive = os.open(alive_file, os.O_RDONLY | os.O_NONBLOCK) if alive_file is not None else None

    @property
    def orphaned(self) -> bool:
        """Whether the process that started this one has gone, or the wrapper that had it started."""
        return self._watches and (os.getppid() != self._parent or self._wrapper_gone())

    def _wrapper_gone(self) -> bool:
        if self._alive is None:
            return False
        with suppress(BlockingIOError):  # there is a writer, which writes nothing
            return not os.read(self._alive, 1)
        return False

    def orphaned_soon(self) -> bool:
        """Returns whether the process that started this one has gone, or goes within ten seconds.

        One that is killed closes its connections first, and its children get another parent when all of it is gone.
        """
        deadline = time.monotonic() + _DYING_SECONDS
        while self._watches and not self.orphaned and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.orphaned

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number is None and not self._is_over:
            self.signal_number = number
            raise Interrupted(number)

    def work_is_over(self) -> None:
        """From now on a signal cuts nothing short: what is left is the end, which the watching thread hurries."""
        self._is_over = True

    def take_over(self) -> None:
        """Handles signals from now on: a new SparkContext puts a handler of its own for SIGINT."""
        if not _in_main_thread():
            return
        for number in meant_signals():
            signal.signal(number, self._handle)

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Handles signals within the block, and watches nobody: of a process that has not begun its work."""
        before = {number: signal.getsignal(number) for number in meant_signals()}
        self.take_over()
        try:
            yield
        finally:
            if _in_main_thread():
                for number, handler in before.items():
                    signal.signal(number, handler)

    @contextmanager
    def installed(
        self, help: Callable[[int], None] = lambda _number: None, leave: Callable[[int], None] | None = None
    ) -> Iterator[None]:
        """Handles signals within the block, and watches parent and wrapper.

        Outside the main thread it does neither: Python handles signals there alone, and the process, with its end, is
        whoever's began the thread.

        Args:
            help: is called in a thread of its own, with the signal's number, if the block is still not left eight
                seconds after a signal.
            leave: ends the process if it is not left after seventeen; None: with no other word.
        """
        if not _in_main_thread():
            self._watches = False
            with _py4j_silenced():
                yield
            return
        told, ended = socket.socketpair()
        told.setblocking(False)
        wakeup = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        watch = _Watch(self, ended, help, leave or _leave)
        watcher = threading.Thread(target=watch.run, name="interrupts", daemon=True)
        with told, ended, self.raised():
            watcher.start()
            try:
                with _py4j_silenced():
                    yield
            finally:
                told.send(bytes([_Watch.END]))
                watcher.join()
                signal.set_wakeup_fd(wakeup)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _leave(number: int) -> None:
    os._exit(128 + number)


class _Watch:
    """The thread beside the work: sees signals, and who has gone, and that the end does not take for ever."""

    END = 0

    def __init__(
        self,
        interrupts: Interrupts,
        told: socket.socket,
        help: Callable[[int], None],
        leave: Callable[[int], None],
    ) -> None:
        self._interrupts, self._told, self._help, self._leave = interrupts, told, help, leave
        self._since: float | None = None
        self._number = int(signal.SIGTERM)
        self._helped = False

    def run(self) -> None:
        """Watches until it is told that the work has ended."""
        while True:
            readable, _, _ = select.select([self._told], [], [], _LOOK_SECONDS)
            for number in self._told.recv(64) if readable else b"":
                if number == self.END:
                    return
                self._seen(number)
            if self._since is None and self._interrupts.orphaned:
                self._seen(signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGTERM)
            self._hurry()

    def _seen(self, number: int) -> None:
        if self._since is None and number in _SIGNALS:
            self._since, self._number = time.monotonic(), number

    def _hurry(self) -> None:
        waited = time.monotonic() - self._since if self._since is not None else 0.0
        if waited > HELP_SECONDS and not self._helped:
            self._helped = True
            threading.Thread(target=self._help, args=(self._number,), name="ending", daemon=True).start()
        if waited > LEAVE_SECONDS:
            self._leave(self._number)


@contextmanager
def _py4j_silenced() -> Iterator[None]:
    """Py4J logs a call that a signal cuts short, with a stack, as if it were a fault; partly by the root logger."""

    def is_anothers(record: logging.LogRecord) -> bool:
        return f"{os.sep}py4j{os.sep}" not in record.pathname

    root, own = logging.getLogger(), logging.getLogger("py4j")
    level = own.level
    own.setLevel(logging.CRITICAL)
    root.addFilter(is_anothers)
    try:
        yield
    finally:
        root.removeFilter(is_anothers)
        own.setLevel(level)
