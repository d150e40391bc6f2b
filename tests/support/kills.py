"""Aimed kills: the process whose request is in flight dies of SIGKILL, and the request arrives after its death."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum

import psutil

from support.watching_proxy import Passing, WatchingProxy

PATIENCE_SECONDS = 60.0
_EXECUTOR = "CoarseGrainedExecutorBackend"

Fits = Callable[[Passing, Sequence[Passing]], bool]


class Victim(Enum):
    """Who is killed for a request of a task: the executor's JVM, or the Python worker that sent it."""

    EXECUTOR = "executor"
    WORKER = "worker"


@dataclass(frozen=True)
class Killed:
    """A kill that hit.

    Attributes:
        held: the request that waited meanwhile.
        command: of the process that was killed.
        passed: how many requests had arrived before.
    """

    held: Passing
    command: str
    passed: int


@dataclass
class Kill:
    """Kills at the first request that fits.

    Attributes:
        proxy: whose requests it watches.
        victim: who dies.
        fits: whether a request, with those before it, is of the moment that is meant.
        while_writing: only if the task has a file open that is not committed yet.
        done: the kill, once it hit.
    """

    proxy: WatchingProxy
    victim: Victim
    fits: Fits
    while_writing: bool = False
    done: Killed | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, passing: Passing) -> None:
        """Watches a request for the proxy."""
        with self._lock:
            if self.done or not self.fits(passing, self.proxy.passed):
                return
            worker = psutil.Process(passing.pid)
            executor = executor_of(worker)
            if executor is None or (self.while_writing and not _is_writing(executor)):
                return
            victim = executor if self.victim is Victim.EXECUTOR else worker
            command, passed = " ".join(victim.cmdline()), len(self.proxy.passed)
            victim.kill()
            _, alive = psutil.wait_procs([victim], timeout=PATIENCE_SECONDS)
            assert not alive
            self.done = Killed(passing, command, passed)


def executor_of(process: psutil.Process) -> psutil.Process | None:
    """Returns the executor below which a process works; None if that is not what it does."""
    with suppress(psutil.Error):
        for above in process.parents():
            if any(_EXECUTOR in word for word in above.cmdline()):
                return above
    return None


def _is_writing(executor: psutil.Process) -> bool:
    """Whether it has a file of an uncommitted task open, at once or soon: a task runs ahead of its writer."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        if any("/_temporary/" in found.path for found in executor.open_files()):
            return True
        time.sleep(0.02)
    return False


@dataclass
class Delay:
    """Holds the first request that fits until another process has sent the same, as a speculative task does.

    Attributes:
        proxy: whose requests it watches.
        fits: as in Kill.
        same: whether a request is that of the task that is held, by another attempt.
        held: the request, once it was held.
        overtaken: whether another attempt came by.
    """

    proxy: WatchingProxy
    fits: Fits
    same: Callable[[Passing, Passing], bool]
    held: Passing | None = None
    overtaken: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, passing: Passing) -> None:
        """Watches a request for the proxy."""
        with self._lock:
            if self.held is not None or not self.fits(passing, self.proxy.passed):
                return
            self.held = passing
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.overtaken and time.monotonic() < deadline:
            time.sleep(0.05)
            self.overtaken = any(self.same(passing, other) for other in list(self.proxy.passed))
