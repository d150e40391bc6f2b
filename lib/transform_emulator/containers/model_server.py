"""Model servers: a command that is started for each instance, or the URL of one that runs already."""

import contextlib
import secrets
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from importlib import resources

# As source, not as a path: the package may lie in a zip, as spark-submit carries it.
LAUNCHER = resources.files(__package__).joinpath("launcher.py").read_text(encoding="utf-8")
LOOPBACK = "127.0.0.1"
READY_TO_DIE_SECONDS = 10.0  # the launcher's grace and some more
PORTS = range(10_000, 32_768)
PORT_TRIES = 100
SAFE_PORTS = 10
URL_SCHEMES = ("http://", "https://")


def is_url(command_or_url: str) -> bool:
    """Returns whether a model is served at a URL rather than by a command to start."""
    return command_or_url.startswith(URL_SCHEMES)


class ModelServer:
    """A model server process of one instance, and its end.

    Attributes:
        url: Where it will listen.
    """

    def __init__(self, command: str, environment: Mapping[str, str], on_output: Callable[[bytes], None]) -> None:
        """Starts the command.

        Args:
            command: Split like a shell would, but run without one. A leading `python` is the emulator's interpreter.
            environment: All its variables, but for the port.
            on_output: Called with each line of standard output and standard error, from another thread.
        """
        port = _free_port()
        self.url = f"http://{LOOPBACK}:{port}"
        words = shlex.split(command)
        if words[0] in {"python", "python3"}:
            words[0] = sys.executable
        # -I hides PYTHONPATH from the launcher only; the command itself has it.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", LAUNCHER, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**environment, "SAGEMAKER_BIND_TO_PORT": str(port)},
            start_new_session=True,  # Ctrl-C at a terminal reaches the emulator, which then ends its servers itself
        )
        self._reader = threading.Thread(target=self._read, args=(on_output,), daemon=True)
        self._reader.start()

    @property
    def running(self) -> bool:
        """Whether the command is still there."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Ends the command and everything it started; returns when they are gone."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(READY_TO_DIE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(READY_TO_DIE_SECONDS)

    def _read(self, on_output: Callable[[bytes], None]) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                on_output(line.rstrip(b"\r\n"))


def safe_port_range() -> str:
    """Returns ports that nobody listens on, for a container that needs several: `12000-12009`, both ends included."""
    for _ in range(PORT_TRIES):
        start = secrets.choice(PORTS[:-SAFE_PORTS])
        with contextlib.suppress(OSError), contextlib.ExitStack() as listening:
            for port in range(start, start + SAFE_PORTS):
                listening.enter_context(socket.create_server((LOOPBACK, port)))
            return f"{start}-{start + SAFE_PORTS - 1}"
    raise OSError(f"no {SAFE_PORTS} free ports in a row among {PORT_TRIES} places")


def _free_port() -> int:
    """A port that nobody listens on.

    It is one that a 16-bit signed number can hold, as AWS's Multi Model Server refuses others ("Invalid port number"),
    and below the range from which the kernel gives ports to clients, so none of them takes it before the server does.
    """
    for _ in range(PORT_TRIES):
        port = secrets.choice(PORTS)
        with contextlib.suppress(OSError), socket.create_server((LOOPBACK, port)):
            return port
    raise OSError(f"no free port among {PORT_TRIES} between {PORTS.start} and {PORTS.stop}")
