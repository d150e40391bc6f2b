"""An emulator with a state on disk, as a process that can be killed and started again."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import transform_emulator
from support.emulator_aws import Aws

LIB = str(Path(transform_emulator.__file__).parents[1])
SECONDS = 30


class KeptProcess:
    """One process at a time on one directory.

    Attributes:
        state: The directory.
        aws: Clients of the process that runs now; another process has another port, and so other clients.
    """

    aws: Aws

    def __init__(self, state: Path, *arguments: str) -> None:
        self.state = state
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """What is run."""
        return [
            *[sys.executable, "-m", "transform_emulator", "--port", "0", "--state", str(self.state)],
            *["--create-buckets", *self._arguments],
        ]

    def start(self) -> None:
        """Start a process, and wait until it answers."""
        environment = {**os.environ, "PYTHONPATH": LIB}
        self._process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, env=environment)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the emulator did not start"
        self.aws = Aws.of(json.loads(line)["endpoint_url"])

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End the process by a signal."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.communicate(timeout=SECONDS)
            self._process = None

    def restart(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End the process, and start another."""
        self.end(number)
        self.start()


@contextlib.contextmanager
def kept_process(state: Path, *arguments: str) -> Iterator[KeptProcess]:
    """A running process, which is killed in any case."""
    process = KeptProcess(state, *arguments)
    process.start()
    try:
        yield process
    finally:
        process.end()
