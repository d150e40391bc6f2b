"""Signals, and a JVM that has gone: both end the run in the same way."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from batch_transform.core.errors import Interrupted

_LOOK_SECONDS = 0.5
# A JVM gives gigabytes back to a busy machine while it dies.
_DYING_SECONDS = 10.0


class Interrupts:
    """Turns the first SIGTERM or SIGINT into `Interrupted` in the main thread; later ones change nothing.

    SIGTERM to spark-submit ends the JVM, and the Python driver lives on without a signal of its own: it becomes an
    orphan, which a thread sees by its parent's id.
    """

    def __init__(self, *, watch_parent: bool = True) -> None:
        """Handles nothing yet.

        Args:
            watch_parent: whether the death of the process that started this one ends it.
        """
        self.signal_number: int | None = None
        self._watches = watch_parent
        self._parent = os.getppid()

    @property
    def orphaned(self) -> bool:
        """Whether the process that started this one has gone."""
        return self._watches and os.getppid() != self._parent

    def orphaned_soon(self) -> bool:
        """Returns whether the process that started this one has gone, or goes within ten seconds.

        One that is killed closes its connections first, and its children get another parent when all of it is gone.
        """
        deadline = time.monotonic() + _DYING_SECONDS
        while self._watches and not self.orphaned and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.orphaned

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number is None:
            self.signal_number = number
            # Py4J logs the call that this cuts short, with a stack, as if it were a fault.
            logging.disable(logging.ERROR)
            raise Interrupted(number)

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(_LOOK_SECONDS):
            if self.orphaned:
                os.kill(os.getpid(), signal.SIGTERM)
                return

    def take_over(self) -> None:
        """Handles signals from now on: a new SparkContext puts a handler of its own for SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handles signals within the block, and watches the parent."""
        ended = threading.Event()
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        self.take_over()
        watcher = threading.Thread(target=self._watch, args=(ended,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()
            for number, handler in before.items():
                signal.signal(number, handler)
