"""What a command costs, with all processes that come of it: seconds, CPU seconds, memory.

    python -m benchmarks.peers.measuring MARK COMMAND ...     prints one JSON line

CPU is the kernel's own sum: the process adopts what its descendants leave behind (Linux) and waits for all of them. Of
children that nobody waits for, as Ray's, the kernel forgets it, so what was sampled counts where it is more. Memory is
sampled: what each process has for itself, and the largest shared part once.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import IO

import psutil

_SET_CHILD_SUBREAPER = 36  # prctl(2)
_SAMPLE_SECONDS = 0.2
_END_SECONDS = 10.0


@dataclass(frozen=True)
class Measured:
    """What a command took.

    Attributes:
        code: its exit code.
        wall_seconds: until the command itself ended.
        cpu_seconds: user and system, of all its processes.
        peak_mb: of the memory of all its processes at once.
        said: its last line of JSON on standard output; '' where there is none.
        marked_seconds: until its first line on standard error that begins with the mark; None: there was none.
        peaks_mb: of the largest process of each kind (`kind_of`), with what it shares with others.
    """

    code: int
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    said: str
    marked_seconds: float | None
    peaks_mb: dict[str, float] = field(default_factory=dict)


DRIVER, WORKER, JVM, OTHER = "driver", "worker", "JVM", "other"


def kind_of(command: Sequence[str]) -> str:
    """Returns what a process of ours is by its command: Spark's driver in Python, a worker of it, a JVM, or another."""
    if command and command[0].endswith("java"):
        return JVM  # which has the script's name as well
    if any(word.endswith(("daemon", "daemon.py")) for word in command):
        return WORKER
    return DRIVER if any(word.endswith("score.py") for word in command) else OTHER


def measured(command: list[str], environment: dict[str, str], log: str, mark: str) -> Measured:
    """Returns what a command took, measured in a process of its own; what it says on standard error goes to `log`."""
    with open(log, "ab") as errors:
        asked = [sys.executable, "-m", "benchmarks.peers.measuring", mark, *command]
        return Measured(**json.loads(output_of(asked, environment, errors)))


def output_of(command: list[str], environment: dict[str, str], errors: IO[bytes]) -> str:
    """Returns the standard output of a command, which is asked to end if this process is.

    Raises:
        RuntimeError: it failed.
    """
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
        try:
            said, _ = process.communicate()
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise RuntimeError(f"{shlex.join(command)}: exit code {process.returncode}")
    return said


def end_by_signals() -> None:
    """Lets SIGTERM end this process as Ctrl-C does: what it has begun is ended, its folders are removed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def cpu_seconds() -> float:
    """Returns what this process and all that came of it have used so far, those that ended included."""
    me, used = psutil.Process(), 0.0
    for process in [me, *me.children(recursive=True)]:
        with suppress(psutil.Error):
            used += sum(process.cpu_times()[:4])  # its own, and of children that ended
    return used


class _Sampler(threading.Thread):
    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self.done = threading.Event()
        self.peaks_mb: dict[str, float] = {}
        self._cpu: dict[psutil.Process, float] = {}

    @property
    def cpu_seconds(self) -> float:
        """Of each process when it was last seen."""
        return sum(self._cpu.values())

    def run(self) -> None:
        me = psutil.Process()
        while not self.done.wait(_SAMPLE_SECONDS):
            own, shared = 0, 0
            for process in me.children(recursive=True):
                with suppress(psutil.Error):
                    told, times = process.memory_info(), process.cpu_times()
                    part = getattr(told, "shared", 0)
                    own, shared = own + told.rss - part, max(shared, part)
                    kind = kind_of(process.cmdline())
                    self.peaks_mb[kind] = max(self.peaks_mb.get(kind, 0.0), told.rss / 1e6)
                    self._cpu[process] = times.user + times.system
            self.peak_bytes = max(self.peak_bytes, own + shared)


class _Listener(threading.Thread):
    """Passes on what a command says on standard error, and notes when it first says the mark."""

    def __init__(self, said: IO[str], mark: str) -> None:
        super().__init__(daemon=True)
        self.marked_at: float | None = None
        self._said, self._mark = said, mark

    def run(self) -> None:
        for line in self._said:
            if self.marked_at is None and line.startswith(self._mark):
                self.marked_at = time.monotonic()
            sys.stderr.write(line)


def _reap() -> None:
    """Ends what the command has left behind, and waits for it."""
    end = time.monotonic() + _END_SECONDS
    left = psutil.Process().children(recursive=True)
    for process in left:
        with suppress(psutil.Error):
            process.terminate()
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        if time.monotonic() > end:
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    process.kill()
        time.sleep(0.05)


def _told_in(lines: Sequence[str]) -> str:
    """The last line of JSON: what a library says there as it ends is nobody's report."""
    return next((line for line in reversed(lines) if line.startswith("{")), "")


def main(mark: str, command: list[str]) -> None:
    """Runs the command and prints what it took."""
    end_by_signals()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    sampler = _Sampler()
    sampler.start()
    try:
        began = time.monotonic()
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, **pipes, text=True, errors="replace")
        listener = _Listener(process.stderr, mark)
        listener.start()
        lines = process.stdout.read().rstrip("\n").split("\n")
        code = process.wait()
        seconds = time.monotonic() - began
    finally:
        sampler.done.set()
        sampler.join()
        _reap()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = max(used.ru_utime + used.ru_stime, sampler.cpu_seconds)
    listener.join(1)  # a daemon that was left behind may have held its pipe
    marked = None if listener.marked_at is None else listener.marked_at - began
    told = Measured(code, seconds, cpu, sampler.peak_bytes / 1e6, _told_in(lines), marked, sampler.peaks_mb)
    print(json.dumps(asdict(told)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
