"""A proxy before the emulator: it knows which process sent a request and how far its run had come, and can strike."""

from __future__ import annotations

import http.client
import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

GATE = "/_gate/"  # answered by the proxy itself: a way for a test's own code in a worker to be seen and held
GONE = 0  # the process of a sender that had ended before it could be looked for
SHORT_BYTES = 2**20
_OBJECT = re.compile(r"/input/s(?P<start>\d+)-\d+-(?P<token>[0-9a-f]+)\.jsonl$")
_PER_CONNECTION = frozenset({"connection", "expect", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True)
class Passing:
    """A request on its way.

    Attributes:
        step: the kind of the last step that the run's driver had put into the ledger.
        pid: the process that sent it, or GONE.
        operation: of a JSON service, such as `SageMaker.CreateTransformJob`; '' for S3.
        query: of the URL.
        headers: by their names in lower case.
        text: the body of a POST, if it is short.
    """

    step: str
    method: str
    path: str
    pid: int
    operation: str = ""
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    text: str = field(default="", compare=False, repr=False)

    @property
    def mutates(self) -> bool:
        """Whether it changes the world."""
        if self.operation:
            return self.operation.endswith((".CreateTransformJob", ".StopTransformJob"))
        return self.method in ("PUT", "DELETE") or (self.method == "POST" and bool(self.query))

    def __str__(self) -> str:
        return f"{self.operation or self.method} {self.path}{'?' * bool(self.query)}{self.query}"

    @property
    def start(self) -> int | None:
        """The first row of the input object that is put; None for any other request."""
        return int(self._object["start"]) if self._object else None

    @property
    def token(self) -> str | None:
        """What its writer, one attempt of a task, put into the object's name; None for any other request."""
        return self._object["token"] if self._object else None

    @cached_property
    def _object(self) -> re.Match[str] | None:
        return _OBJECT.search(self.path) if self.method == "PUT" else None


# Status, headers and body.
Answer = tuple[int, list[tuple[str, str]], bytes]


class Cut(Exception):
    """The connection ends here, without an answer."""


def let_pass(passing: Passing) -> Answer | None:
    """Watches nothing."""
    return None


class WatchingProxy:
    """The proxy, on threads of its own.

    Attributes:
        passed: the requests that arrived at the emulator, in the order in which they did.
        watch: is called with each request before it is sent on, and may take its time, raise Cut, or answer instead.
        answered: is called with each request when the emulator has answered it, and may take its time or raise Cut.
        created: the requests of jobs that the emulator accepted.
        port: where it listens.
    """

    def __init__(self, target: str, *, ask_who: bool = True) -> None:
        self.passed: list[Passing] = []
        self.created: list[dict[str, Any]] = []
        self.watch: Callable[[Passing], Answer | None] = let_pass
        self.answered: Callable[[Passing], Answer | None] = let_pass
        self._ask_who = ask_who
        self.step = ""
        self._target = urlsplit(target).netloc
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def reset(self) -> None:
        """Forgets the last run."""
        self.passed, self.created, self.step = [], [], ""
        self.watch = self.answered = let_pass

    def close(self) -> None:
        """Ends the proxy."""
        self._server.shutdown()
        self._server.server_close()

    def _note(self, passing: Passing, body: bytes, status: int) -> None:
        self.passed.append(passing)
        if passing.method == "PUT" and "/ledger/" in passing.path and status < 300:
            self.step = json.loads(body)["kind"]
        if passing.operation.endswith(".CreateTransformJob") and status < 300:
            self.created.append(json.loads(body))

    def _serve(self, passing: Passing, body: bytes, ask: Callable[[bytes], Answer]) -> Answer:
        made_up = self.watch(passing)
        if made_up is not None:
            return made_up
        answer = (200, [], b"") if passing.path.startswith(GATE) else ask(body)
        self._note(passing, body, answer[0])
        self.answered(passing)
        return answer


class _Server(ThreadingHTTPServer):
    proxy: WatchingProxy


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, and one to the server behind."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        assert isinstance(self.server, _Server)
        self._proxy = self.server.proxy
        self._behind = http.client.HTTPConnection(self._proxy._target, timeout=300)
        self._pid = GONE

    def handle(self) -> None:
        with suppress(ConnectionError):  # who asked was killed
            super().handle()

    def finish(self) -> None:
        self._behind.close()
        with suppress(ConnectionError):
            super().finish()

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._pid = self._pid or (owner(self.client_address[1], self._proxy.port) if self._proxy._ask_who else GONE)
        path, _, query = self.path.partition("?")
        operation = self.headers.get("X-Amz-Target", "")
        sent = {name.lower(): value for name, value in self.headers.items()}
        text = body.decode(errors="replace") if self.command == "POST" and len(body) <= SHORT_BYTES else ""
        passing = Passing(self._proxy.step, self.command, path, self._pid, operation, query, sent, text)
        try:
            status, headers, answer = self._proxy._serve(passing, body, self._ask)
        except Cut:
            self.close_connection = True
        else:
            self._answer(status, headers, answer)

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = do_any

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _PER_CONNECTION}
        try:
            self._behind.request(self.command, self.path, body, kept)
            response = self._behind.getresponse()
        except ConnectionError:  # kept too long, and closed from the other side meanwhile
            self._behind.close()
            self._behind.request(self.command, self.path, body, kept)
            response = self._behind.getresponse()
        return response.status, response.getheaders(), response.read()

    def _answer(self, status: int, headers: list[tuple[str, str]], answer: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _PER_CONNECTION and (name.lower() != "content-length"):
                self.send_header(name, value)
        length = {name.lower(): value for name, value in headers}.get("content-length", len(answer))
        self.send_header("Content-Length", str(length if self.command == "HEAD" else len(answer)))
        self.end_headers()
        if self.command != "HEAD":  # whose answer has a length and no body
            self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def watching(target: str, *, ask_who: bool = True) -> Iterator[WatchingProxy]:
    """Runs a proxy before a server; `ask_who`: whether it finds out who sends a request, which takes its time."""
    with closing(WatchingProxy(target, ask_who=ask_who)) as proxy:
        yield proxy


def owner(port: int, to: int) -> int:
    """Returns the process below this one that has the connection from one port to another, or GONE.

    A port alone says nothing: the kernel gives it again to a connection to elsewhere.
    """
    link = next((f"socket:[{inode}]" for inode in _inodes(port, to)), None)
    if link is None or _has(os.getpid(), link):
        return GONE
    below = (process.pid for process in psutil.Process().children(recursive=True))
    return next((pid for pid in below if _has(pid, link)), GONE)


def _inodes(port: int, to: int) -> Iterator[str]:
    """Read once for each connection: psutil reads both tables again for each process."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, remote, *_, inode = line.split()[:10]
            if local.endswith(f":{port:04X}") and remote.endswith(f":{to:04X}") and inode != "0":
                yield inode


def _has(pid: int, link: str) -> bool:
    with suppress(OSError):  # it has ended meanwhile
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                if os.readlink(entry.path) == link:
                    return True
    return False
