"""What a command costs, with all processes that come of it: seconds, CPU seconds, memory.

    python -m benchmarks.peers.measuring COMMAND ...     prints one JSON line

CPU is the kernel's own sum: the process adopts what its descendants leave behind (Linux) and waits for all of them. Of
children that nobody waits for, as Ray's, the kernel forgets it, so what was sampled counts where it is more. Memory is
sampled: what each process has for itself, and the largest shared part once.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass

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
        said: its last line of standard output.
    """

    code: int
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    said: str


def measured(command: list[str], environment: dict[str, str], log: str) -> Measured:
    """Returns what a command took, measured in a process of its own; what it says on standard error goes to `log`."""
    with open(log, "ab") as errors:
        asked = [sys.executable, "-m", "benchmarks.peers.measuring", *command]
        done = subprocess.run(asked, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True, check=True)
    return Measured(**json.loads(done.stdout))


class _Sampler(threading.Thread):
    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self.done = threading.Event()
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
                    self._cpu[process] = times.user + times.system
            self.peak_bytes = max(self.peak_bytes, own + shared)


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


def main(command: list[str]) -> None:
    """Runs the command and prints what it took."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    sampler = _Sampler()
    sampler.start()
    began = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = process.stdout.read().rstrip("\n").split("\n")
        code = process.wait()
    seconds = time.monotonic() - began
    sampler.done.set()
    sampler.join()
    _reap()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = max(used.ru_utime + used.ru_stime, sampler.cpu_seconds)
    print(json.dumps(asdict(Measured(code, seconds, cpu, sampler.peak_bytes / 1e6, lines[-1]))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
