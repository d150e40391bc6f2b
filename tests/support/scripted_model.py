"""A model server that does what a test tells it to, and remembers what it was asked."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from support.model_server import Answered, Seen, server_of

Answer = Callable[[bytes], tuple[int, bytes]]


def echo(body: bytes) -> tuple[int, bytes]:
    """The records as they came, without a newline at the end, which AssembleWith=Line adds again."""
    return 200, body.removesuffix(b"\n")


@dataclass
class Script:
    """What the server answers; a test assigns to the fields."""

    answer: Answer = echo
    content_type: str | None = None
    ping_status: int = 200
    parameters: bytes | None = None


class _AtOnce:
    """The invocations of one test that are in flight; one that outlives its test ends where it began."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def one_more(self) -> Iterator[None]:
        """Counts an invocation for as long as it takes."""
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1


class ScriptedModel:
    """The server, on a thread of its own; a test changes its `script`."""

    def __init__(self) -> None:
        self.script = Script()
        self.seen: list[Seen] = []
        self._at_once = _AtOnce()
        self._lock = threading.Lock()
        self._server = server_of(self.handle)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def invocations(self) -> list[Seen]:
        """All invocations, in order of arrival."""
        return [seen for seen in self.seen if seen.path == "/invocations"]

    @property
    def most_in_flight(self) -> int:
        """How many invocations were answered at the same time, at most."""
        return self._at_once.most

    @property
    def bodies(self) -> list[bytes]:
        """Their bodies."""
        return [seen.body for seen in self.invocations]

    def reset(self) -> None:
        """Forget the last test, and what it left in flight."""
        self.script, self.seen, self._at_once = Script(), [], _AtOnce()

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()

    def handle(self, seen: Seen) -> Answered:
        """Status and body for a request."""
        script = self.script
        with self._lock:
            self.seen.append(seen)
        if seen.path == "/ping":
            return script.ping_status, b""
        if seen.path == "/execution-parameters":
            return (404, b"") if script.parameters is None else (200, script.parameters)
        with self._at_once.one_more():
            return *script.answer(seen.body), script.content_type
