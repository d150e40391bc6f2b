"""The model server of the tests: the container contract around a function, on a thread of its own or as a process.

`python model_server.py NAME [ARGUMENT]` serves one of MODELS on SAGEMAKER_BIND_TO_PORT, else on any port, which it
tells. It needs the standard library only and no other file, so that the conformance suite can send it to a real
account in an image: `FROM python:3-slim`, `COPY model_server.py /opt/`, `ENTRYPOINT ["python",
"/opt/model_server.py", "mirror"]`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DROP = 0  # a "status" that closes the connection without an answer
_SERVICE_PORT = 8080  # where SageMaker expects a container to listen


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    client_port: int


# Status, body and, where it matters, Content-Type.
Answered = tuple[int, bytes] | tuple[int, bytes, str | None]
Handle = Callable[[Seen], Answered]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # As many connections wait as several instances open at once; the default, 5, refuses some.
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handle: Handle) -> None:
        self.handle = handle
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            self._answer(b"".join(self._chunks()))
        else:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _answer(self, body: bytes) -> None:
        seen = Seen(self.command, self.path, dict(self.headers), body, self.client_address[1])
        status, answer, *kinds = self.server.handle(seen)
        if status == DROP:
            self.close_connection = True
            return
        with contextlib.suppress(ConnectionError):  # a client that timed out or was stopped is gone
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            for kind in filter(None, kinds):
                self.send_header("content-type", kind)
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def server_of(handle: Handle, address: tuple[str, int] = ("127.0.0.1", 0)) -> ThreadingHTTPServer:
    """Returns a server that answers as `handle` says, and does not serve yet."""
    return _Server(address, handle)


def lines_of(body: bytes) -> list[bytes]:
    """Returns the records of a request of JSON Lines."""
    return [line for line in body.split(b"\n") if line]


def echo(seen: Seen) -> Answered:
    """The records as they came, without a newline at the end, which AssembleWith=Line adds again."""
    return 200, seen.body.removesuffix(b"\n")


def keys(seen: Seen) -> Answered:
    """The record's `key` as `echo`."""
    return 200, b"\n".join(json.dumps({"echo": json.loads(line)["key"]}).encode() for line in lines_of(seen.body))


def lengths(seen: Seen) -> Answered:
    """The length of each line: `{"bytes": 123}`. As cheap as Python's own server allows."""
    return 200, b"\n".join([b'{"bytes": %d}' % len(line) for line in seen.body.removesuffix(b"\n").split(b"\n")])


def churn(seen: Seen) -> Answered:
    """The model of the README's examples: a hundredth of the age; it knows age and plan, in this order."""
    records = [json.loads(line) for line in lines_of(seen.body)]
    if any(list(record) != ["age", "plan"] for record in records):
        return 400, b"the record is not age and plan"
    return 200, "\n".join(json.dumps({"p": record["age"] / 100}) for record in records).encode()


def picky(seen: Seen) -> Answered:
    """The record's `id` as `echo`; the status that the command names for a body that holds a bad record."""
    if b'"bad":true' in seen.body:
        return int(sys.argv[2]), b"bad record"
    return 200, b"\n".join([b'{"echo": %d}' % json.loads(line)["id"] for line in lines_of(seen.body)])


def slow(seen: Seen) -> Answered:
    """Nothing, for ten minutes."""
    time.sleep(600)
    return echo(seen)


class Mirror:
    """Answers with what it was asked, so that outputs show the requests. The job's Environment tells it what to do.

    MIRROR=echo (default) answers the body without its last newline; MIRROR=describe answers one line of JSON about the
    request. MIRROR_SECONDS delays every answer. A body that holds `status=NNN` is answered with that status.
    """

    def __init__(self) -> None:
        self._in_flight: list[int] = []

    def __call__(self, seen: Seen) -> Answered:
        """Answers a request."""
        self._in_flight.append(threading.get_ident())
        together = len(self._in_flight)
        time.sleep(float(os.environ.get("MIRROR_SECONDS", "0")))
        together = max(together, len(self._in_flight))
        self._in_flight.pop()
        refused = re.search(rb"status=(\d+)", seen.body)
        if refused:
            return int(refused[1]), b"first\nsecond"
        if os.environ.get("MIRROR") == "describe":
            return 200, json.dumps(_description(seen, together)).encode()
        return echo(seen)


def _description(seen: Seen, together: int) -> dict[str, object]:
    return {
        "bytes": len(seen.body),
        "lines": seen.body.count(b"\n"),
        "body": seen.body[:1000].decode("latin-1"),
        "headers": {name.lower(): value for name, value in seen.headers.items()},
        "environment": {k: v for k, v in os.environ.items() if k.startswith(("SAGEMAKER_", "MIRROR"))},
        "in_flight": together,
        "server": os.getpid() if os.getpid() > 1 else os.environ.get("HOSTNAME"),
    }


def _tell_and_echo() -> Handle:
    # A worker, as gunicorn and its like have them, that outlives a parent which is simply killed.
    worker = subprocess.Popen(["sleep", "600"])
    print(json.dumps({"pids": [os.getpid(), worker.pid], "environment": dict(os.environ)}), flush=True)
    return echo


def _say_and_answer_keys() -> Handle:
    print("the model is loaded", flush=True)
    return keys


# What makes each model when it is started. `telling` tells its environment and its processes on standard output,
# `logging` that it began, so that its instance has a log stream.
MODELS: Mapping[str, Callable[[], Handle]] = {
    "echo": lambda: echo,
    "lengths": lambda: lengths,
    "churn": lambda: churn,
    "picky": lambda: picky,
    "slow": lambda: slow,
    "mirror": Mirror,
    "telling": _tell_and_echo,
    "logging": _say_and_answer_keys,
    "crashing": lambda: sys.exit("no model here"),
}


def model_command(name: str, *arguments: object) -> str:
    """Returns the command that serves one of MODELS."""
    return " ".join([sys.executable, __file__, name, *map(str, arguments)])


def _contract(answer: Handle) -> Handle:
    parameters = os.environ.get("MIRROR_PARAMETERS", "").encode()

    def handle(seen: Seen) -> Answered:
        if seen.method == "POST":
            return answer(seen)
        if seen.path == "/execution-parameters" and parameters:
            return 200, parameters
        return (200 if seen.path == "/ping" else 404), b""

    return handle


def _address() -> tuple[str, int]:
    if "SAGEMAKER_BIND_TO_PORT" in os.environ:
        return "127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])
    return ("0.0.0.0", _SERVICE_PORT) if os.getpid() == 1 else ("127.0.0.1", 0)


if __name__ == "__main__":
    running = server_of(_contract(MODELS[sys.argv[1]]()), _address())
    if "SAGEMAKER_BIND_TO_PORT" not in os.environ:
        print(json.dumps({"url": f"http://127.0.0.1:{running.server_port}"}), flush=True)
    running.serve_forever()
