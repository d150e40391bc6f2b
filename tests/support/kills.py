"""Aimed kills: the process whose request is in flight dies of SIGKILL, and the request arrives after its death."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import psutil

from support.watching_proxy import GONE, Passing, WatchingProxy

PATIENCE_SECONDS = 60.0
# A second attempt begins late on a busy machine.
OVERTAKEN_SECONDS = 240.0
WRITING_SECONDS = 5.0
_EXECUTOR = "CoarseGrainedExecutorBackend"

Fits = Callable[[Passing, Sequence[Passing]], bool]


class Victim(Enum):
    """Who is killed for a request of a task: the executor's JVM, or the Python worker that sent it."""

    EXECUTOR = "executor"
    WORKER = "worker"


@dataclass(frozen=True)
class Aim:
    """When to kill.

    Attributes:
        fits: whether a request, after those before it, is of the moment that is meant.
        writing_below: kill only while the task has a file open below a folder of this name; "": whatever is open.
    """

    fits: Fits
    writing_below: str = ""


@dataclass(frozen=True)
class Killed:
    """A kill that hit.

    Attributes:
        held: the request that waited meanwhile.
        command: of the process that was killed.
        writing: the file that its task was writing; None if that was not asked for.
        passed: how many requests had arrived before.
    """

    held: Passing
    command: str
    writing: str | None
    passed: int


@dataclass
class Kills:
    """Kills once for each aim, whom `victims` says, at the first request that fits; watches for the proxy."""

    proxy: WatchingProxy
    victims: Mapping[str, Victim]
    aims: Mapping[str, Aim]
    done: dict[str, Killed] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, passing: Passing) -> None:
        """Lets a request wait until what it was meant for is done."""
        with self._lock:
            for name, aim in self.aims.items():
                if name in self.done or passing.pid == GONE or not aim.fits(passing, self.proxy.passed):
                    continue
                with suppress(psutil.NoSuchProcess):
                    killed = self._kill(passing, aim, self.victims[name])
                    if killed is not None:
                        self.done[name] = killed

    def _kill(self, passing: Passing, aim: Aim, whom: Victim) -> Killed | None:
        worker = psutil.Process(passing.pid)
        executor = executor_of(worker)
        writing = _written_file(executor, aim.writing_below) if executor and aim.writing_below else None
        if executor is None or (aim.writing_below and writing is None):
            return None
        victim = executor if whom is Victim.EXECUTOR else worker
        command, passed = " ".join(victim.cmdline()), len(self.proxy.passed)
        victim.kill()
        _, alive = psutil.wait_procs([victim], timeout=PATIENCE_SECONDS)
        return None if alive else Killed(passing, command, writing, passed)


def executor_of(process: psutil.Process) -> psutil.Process | None:
    """Returns the executor below which a process works; None if that is not what it does."""
    with suppress(psutil.Error):
        for above in process.parents():
            if any(_EXECUTOR in word for word in above.cmdline()):
                return above
    return None


def _written_file(executor: psutil.Process, folder: str) -> str | None:
    """A file of a task that is not committed yet, waited for: a Python worker runs ahead of the task's writer."""
    deadline = time.monotonic() + WRITING_SECONDS
    while time.monotonic() < deadline:
        if found := _uncommitted(executor, folder):
            return found
        time.sleep(0.02)
    return None


def _uncommitted(executor: psutil.Process, folder: str) -> str | None:
    """A file that it has open now; by /proc, as psutil's `open_files` takes longer than a small file is open."""
    with suppress(OSError):
        for descriptor in Path(f"/proc/{executor.pid}/fd").iterdir():
            with suppress(OSError):
                target = os.readlink(descriptor)
                if f"{folder}/_temporary/" in target and target.endswith(".parquet"):
                    return target
    return None


class WritingKill:
    """Kills an executor while it writes below a folder, where no request tells of it; watches from a thread.

    The process is stopped first, and killed only if its file is still open then.
    """

    def __init__(self, driver: psutil.Process, folder: str, after_files: int) -> None:
        self.written: str | None = None
        self._driver, self._folder, self._after_files = driver, folder, after_files
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> WritingKill:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        seen: set[str] = set()
        executors: list[psutil.Process] = []
        while not self._ended.wait(0.002) and self.written is None:
            executors = [found for found in executors if found.is_running()]
            executors = executors if len(executors) > 1 else executors_below(self._driver)
            for executor in executors:
                found = _uncommitted(executor, self._folder)
                if found and len(seen - {found}) >= self._after_files:
                    self._strike(executor, found)
                seen |= {found} if found else set()

    def _strike(self, executor: psutil.Process, file: str) -> None:
        executor.suspend()
        if _uncommitted(executor, self._folder) == file:
            executor.kill()
            self.written = file
        else:
            executor.resume()


def executors_below(driver: psutil.Process) -> list[psutil.Process]:
    """Returns the executors that a driver's cluster runs now."""
    found = []
    for process in driver.children(recursive=True):
        with suppress(psutil.Error):
            if any(_EXECUTOR in word for word in process.cmdline()):
                found.append(process)
    return found


@dataclass
class Delay:
    """Holds the first request that fits until the same one of another attempt has arrived; watches for the proxy.

    Attributes:
        fits: as of an Aim.
        same: whether another request is that of the task that is held, by another attempt.
        held: the request, once one was held.
        overtaken_by: the other attempt's.
    """

    proxy: WatchingProxy
    fits: Fits
    same: Callable[[Passing, Passing], bool]
    held: Passing | None = None
    overtaken_by: Passing | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, passing: Passing) -> None:
        """Lets a request wait if it is the one, or if its sender was tired of waiting and sends it again."""
        with self._lock:
            if self.held is None and self.fits(passing, self.proxy.passed):
                self.held = passing
        if self.held is None or (passing.path, passing.pid) != (self.held.path, self.held.pid):
            return
        deadline = time.monotonic() + OVERTAKEN_SECONDS
        while self.overtaken_by is None and time.monotonic() < deadline:
            time.sleep(0.05)
            others = [other for other in list(self.proxy.passed) if self.same(self.held, other)]
            self.overtaken_by = others[0] if others else None
