"""The embedded emulator: a process beside the driver that ends with it, whatever ends it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

from batch_transform.aws.unusable_settings import KEYS
from batch_transform.config.surroundings import Emulator
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.events import Event
from batch_transform.pipeline.telling import Tell, tell_terminal
from batch_transform.pipeline.world.own_modules import module_command

_LAST_WORDS_BYTES = 2000
# It imports moto and opens a port; its models start with their jobs. A busy machine takes ten times what it takes here.
_START_SECONDS = 120.0
# It stops its models, and writes what it keeps.
_END_SECONDS = 10.0


class StateInUse(ConfigurationError):
    """Another emulator has the folder in which this one is to keep what it holds.

    Attributes:
        endpoint_url: where that one answers; '': it has not begun to.
    """

    def __init__(self, fault: str, endpoint_url: str) -> None:
        super().__init__(fault)
        self.endpoint_url = endpoint_url


def _tell_terminal(text: str) -> None:
    tell_terminal(Event("emulator", text))


@contextmanager
def embedded_emulator(
    config: Emulator, wait_seconds: float | None = None, tell: Tell = _tell_terminal
) -> Iterator[str]:
    """Yields the endpoint of an emulator that serves the models of `config`, once it is up; as `beginning_emulator`.

    Args:
        config: the emulator.
        wait_seconds: how long to wait for another one to leave its folder; None: as long as it does by itself.
        tell: is told that it waits.
    """
    with beginning_emulator(config, wait_seconds) as beginning:
        yield beginning.endpoint(tell)


@contextmanager
def beginning_emulator(config: Emulator, wait_seconds: float | None = None) -> Iterator[BeginningEmulator]:
    """Yields an emulator that serves the models of `config` and makes missing buckets; it is coming up meanwhile.

    It is reached through its command line only, and ends when its standard input is closed: also when this process is
    killed. In a session of its own, Ctrl-C does not reach it before the driver has stopped the jobs.
    """
    command = module_command("transform_emulator", "--port", "0", "--create-buckets", "--exit-with-stdin")
    if config.state is not None:
        command += ["--state", config.state]
        command += [] if wait_seconds is None else ["--state-wait-seconds", str(wait_seconds)]
    for name in config.pass_env:
        command += ["--pass-env", name]
    for name, server in config.models.items():
        command += ["--model", f"{name}={server}"]
    environ = _environment(os.environ, config.pass_env)
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            env=environ,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield BeginningEmulator(process.stdin, process.stdout, errors, config.state or "", wait_seconds or 0.0)
        finally:
            process.stdin.close()
            _end(process)
            process.stdout.close()


def _environment(environ: Mapping[str, str], passed: Sequence[str]) -> dict[str, str]:
    """The environment without settings of AWS's SDKs, of no use to it, and any of which may be wrong.

    Keys stay: by their values the emulator knows copies of them, which it passes to no model; as does what is passed.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith("AWS_") or name in passed}
    keys = {name: value for name, value in environ.items() if KEYS.fullmatch(name)}
    return kept | keys | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


@dataclass(frozen=True)
class BeginningEmulator:
    """An emulator's process, of which it is not known yet that it is up.

    Attributes:
        state: the folder in which it keeps what it holds; '': it keeps nothing.
        wait_seconds: how long it was told to wait for another one to leave that folder.
    """

    stdin: IO[bytes]
    stdout: IO[bytes]
    errors: IO[bytes]
    state: str
    wait_seconds: float

    def let_end(self) -> None:
        """Lets it end while something else is done: nobody asks it any more."""
        self.stdin.close()

    def endpoint(self, tell: Tell = _tell_terminal) -> str:
        """Returns its endpoint, once it is up; to be asked for once. That it waits for another one is told.

        Raises:
            StateInUse: another one has its folder.
            ConfigurationError: it did not start; with its last words.
        """
        seconds = _START_SECONDS + self.wait_seconds
        for line in _lines(self.stdout, seconds):
            said: Mapping[str, str] = json.loads(line)
            if "endpoint_url" in said:
                return said["endpoint_url"]
            if "state_error" in said:
                raise _of_the_state(self.state, said["state_error"], said["state_owner"], said["state_endpoint_url"])
            tell(
                f"emulator.state: {self.state} is in use by process {said['state_waits_for']}, the emulator of another "
                f"run or command; waits until that has ended, {float(said['state_wait_seconds']):g} seconds at most"
            )
        self.errors.seek(-min(self.errors.tell(), _LAST_WORDS_BYTES), 2)
        words = _without_stack(self.errors.read().decode(errors="replace").strip())
        raise ConfigurationError(f"emulator: it did not start: {words or f'it said nothing for {seconds:.0f} seconds'}")


def _without_stack(words: str) -> str:
    """The last line alone where there are lines of Python's stack, whose begin may be cut off."""
    lines = words.split("\n")
    stack = any(line.startswith(("Traceback (", '  File "')) for line in lines)
    return lines[-1] if stack else words


def _of_the_state(folder: str, words: str, owner: str, endpoint_url: str) -> ConfigurationError:
    """What is told of a folder that the emulator cannot use, which a run's user knows by its key alone."""
    if not owner:
        return ConfigurationError(f"emulator.state: {words}")
    return StateInUse(
        f"emulator.state: {folder} is in use by process {owner}, the emulator of a run or a command that is still at "
        "work with it, and one at a time can be. Wait until that has ended (the terminal in which it was started shows "
        "how far it is, and Ctrl-C ends it there), or give this one another folder; what that run has is not there",
        endpoint_url,
    )


def _lines(stdout: IO[bytes], seconds: float) -> Iterator[bytes]:
    """Yields the whole lines that are written until its end, or until the time is over."""
    deadline, begun = time.monotonic() + seconds, b""
    while (left := deadline - time.monotonic()) > 0:
        if select.select([stdout], [], [], left)[0]:
            read = os.read(stdout.fileno(), 1024)
            if not read:
                return
            *lines, begun = (begun + read).split(b"\n")
            yield from lines


def _end(process: subprocess.Popen[bytes]) -> None:
    """Waits for its end; one that hangs is killed, with the models that it has started."""
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
