"""A proxy before the emulator that knows which process sent a request, and how far its run had come by then."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import psutil

GATE = "/_gate/"  # answered by the proxy itself: a way for a test's own code in a worker to be seen and held
GONE = 0  # the process of a sender that had ended before it could be looked for
_OBJECT = re.compile(r"/input/s(?P<start>\d+)-\d+-(?P<token>[0-9a-f]+)\.jsonl$")
_PER_CONNECTION = frozenset({"connection", "expect", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True)
class Passing:
    """A request on its way.

    Attributes:
        step: the kind of the last step that the run's driver had put into the ledger.
        pid: the process that sent it, or GONE.
    """

    step: str
    method: str
    path: str
    pid: int

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


def let_pass(passing: Passing) -> None:
    """Watches nothing."""


class WatchingProxy:
    """The proxy, on threads of its own.

    Attributes:
        passed: the requests that arrived at the emulator, in the order in which they did.
        watch: is called with each request before it is sent on, and may take its time.
    """

    def __init__(self, target: str) -> None:
        self.passed: list[Passing] = []
        self.watch: Callable[[Passing], None] = let_pass
        self.step = ""
        self._target = urlsplit(target).netloc
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def reset(self) -> None:
        """Forgets the last run."""
        self.passed, self.watch, self.step = [], let_pass, ""

    def close(self) -> None:
        """Ends the proxy."""
        self._server.shutdown()
        self._server.server_close()

    def _note(self, passing: Passing, body: bytes, status: int) -> None:
        self.passed.append(passing)
        if passing.method == "PUT" and "/ledger/" in passing.path and status < 300:
            self.step = json.loads(body)["kind"]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                self._behind = http.client.HTTPConnection(proxy._target, timeout=300)
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
                self._pid = self._pid or owner(self.client_address[1])
                passing = Passing(proxy.step, self.command, self.path.partition("?")[0], self._pid)
                proxy.watch(passing)
                status, headers, answer = (200, [], b"") if self.path.startswith(GATE) else self._ask(body)
                proxy._note(passing, body, status)
                self._answer(status, headers, answer)

            do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = do_any

            def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
                kept = {name: value for name, value in self.headers.items() if name.lower() not in _PER_CONNECTION}
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
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@contextmanager
def watching(target: str) -> Iterator[WatchingProxy]:
    """Runs a proxy before a server."""
    with closing(WatchingProxy(target)) as proxy:
        yield proxy


def owner(port: int) -> int:
    """Returns the process below this one whose end of a connection has this port, or GONE."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if any(found.laddr.port == port for found in process.net_connections("tcp") if found.status != "LISTEN"):
                return process.pid
    return GONE
