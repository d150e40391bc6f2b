"""The embedded emulator: a process beside the driver that ends with it, whatever ends it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from batch_transform.config.surroundings import Emulator
from batch_transform.core.errors import ConfigurationError

_LAST_WORDS_BYTES = 2000


@contextmanager
def embedded_emulator(config: Emulator) -> Iterator[str]:
    """Yields the endpoint of an emulator that serves the models of `config` and makes missing buckets.

    It is reached through its command line only, and ends when its standard input is closed: also when this process is
    killed. In a session of its own, Ctrl-C does not reach it before the driver has stopped the jobs.

    Raises:
        ConfigurationError: it did not start; with its last words.
    """
    command = [sys.executable, "-m", "transform_emulator", "--port", "0", "--create-buckets", "--exit-with-stdin"]
    if config.state is not None:
        command += ["--state", config.state]
    for name, server in config.models.items():
        command += ["--model", f"{name}={server}"]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                errors.seek(-min(errors.tell(), _LAST_WORDS_BYTES), 2)
                raise ConfigurationError(
                    f"emulator: it did not start: {errors.read().decode(errors='replace').strip()}"
                )
            yield json.loads(line)["endpoint_url"]
        finally:
            process.stdin.close()
            process.wait()
            process.stdout.close()
