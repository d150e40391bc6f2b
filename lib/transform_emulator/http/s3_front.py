"""S3 as clients see it: moto, or the S3 server that the emulator was given, with faults in front of either."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote_to_bytes

from werkzeug.test import run_wsgi_app

from transform_emulator.control_plane.jobs import Scope
from transform_emulator.faults.model import Kind
from transform_emulator.faults.register import FaultRegister
from transform_emulator.http.protocol_errors import Failure, refused

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

WRITING_METHODS = frozenset({"PUT", "POST", "DELETE"})
BUCKET_MAKING_METHODS = frozenset({"PUT", "POST", "HEAD"})
LOCK_COUNT = 256

# S3's error responses (S3 API reference): SlowDown is a 503 "Please reduce your request rate.".
ERRORS = {
    Kind.S3_ACCESS_DENIED: Failure(HTTPStatus.FORBIDDEN, "AccessDenied", "Access Denied"),
    Kind.S3_SLOW_DOWN: Failure(HTTPStatus.SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate."),
    Kind.S3_INTERNAL_ERROR: Failure(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "InternalError",
        "We encountered an internal error. Please try again.",
    ),
}


CHANGED = Failure(
    HTTPStatus.PRECONDITION_FAILED,
    "PreconditionFailed",
    "At least one of the pre-conditions you specified did not hold",
)
MORE_READS = 9
OF_CLOSED_BYTES = "closed file"  # "I/O operation on closed file.", "read of closed file", "seek of closed file"
MISSING = Failure(HTTPStatus.NOT_FOUND, "NoSuchKey", "The specified key does not exist.")
NOT_SO = ("304", "412")
COPY_SOURCE = "HTTP_X_AMZ_COPY_SOURCE"
OF_SOURCE = f"{COPY_SOURCE}_IF_"
QUOTE = '"'

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class S3Front:
    """Answers S3's requests.

    Attributes:
        server: Moto, or a proxy of another S3 server.
        faults: What is made to go wrong.
        make_bucket: Makes a missing bucket on its first put or head; None for nobody.
    """

    server: WSGIApplication
    faults: FaultRegister
    make_bucket: Callable[[Scope, str], None] | None
    _locks: list[threading.Lock] = field(default_factory=lambda: [threading.Lock() for _ in range(LOCK_COUNT)])

    def __call__(self, scope: Scope, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        bucket, _, key = path.lstrip("/").partition("/")
        # In front of the server behind, so that a fault strikes on any S3.
        fault = self.faults.find(ERRORS, {"method": method, "bucket": bucket, "key": key, **_asked(environ)})
        if fault is not None:
            return refused(ERRORS[fault.kind], environ, start_response)
        if _source_has_changed(environ, self.server):
            return refused(CHANGED, environ, start_response)
        if self.make_bucket and bucket and method in BUCKET_MAKING_METHODS and (key or method == "HEAD"):
            self.make_bucket(scope, bucket)
        if key and method in WRITING_METHODS:
            # Moto checks If-Match and If-None-Match and then writes, as two steps: two puts must not interleave. The
            # body is in memory by now, so the lock is not held while a slow client sends.
            with self._locks[hash(path) % LOCK_COUNT]:
                if (failure := _changed_target(environ, self.server)) is not None:
                    return refused(failure, environ, start_response)
                if COPY_SOURCE in environ:
                    return _read_again(lambda: list(self.server(environ, start_response)))
                return list(self.server(environ, start_response))
        return _read_again(lambda: self.server(environ, start_response))


def _read_again(ask: Callable[[], Answer]) -> Answer:
    """What Moto answers who reads an object, whose bytes it closes where that is replaced or deleted meanwhile."""
    for _ in range(MORE_READS):
        with _closed_bytes():
            return ask()
    return ask()


@contextlib.contextmanager
def _closed_bytes() -> Iterator[None]:
    """Passes over what Python says who reads bytes that are closed, and nothing else."""
    try:
        yield
    except ValueError as err:
        if OF_CLOSED_BYTES not in str(err):
            raise


def _asked(environ: WSGIEnvironment) -> dict[str, object]:
    """The headers of a request by their names in lower case, and whether it begins an object."""
    query, method = environ.get("QUERY_STRING", ""), environ["REQUEST_METHOD"]
    headers = {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
    puts = method == "PUT" and (not query or query.startswith("x-id="))  # an SDK's own name for the operation
    return {"headers": headers, "begins_object": puts or (method == "POST" and "uploads" in query.split("&")[0])}


def _source_has_changed(environ: WSGIEnvironment, server: WSGIApplication) -> bool:
    """Whether a copy is to be made of a source under conditions that no longer hold, for which moto does not look."""
    asked = {name: environ[name] for name in environ if name.startswith(OF_SOURCE)}
    if not asked:
        return False
    path, _, query = environ.get(COPY_SOURCE, "").lstrip("/").partition("?")
    asked = {name.replace(OF_SOURCE, "HTTP_IF_"): _quoted(name, value) for name, value in asked.items()}
    status, _ = _look(environ, server, f"/{path}", query, asked)
    return status.startswith(NOT_SO)


def _changed_target(environ: WSGIEnvironment, server: WSGIApplication) -> Failure | None:
    """Why a copy, or an upload that is completed, may not replace what is there: moto looks for puts alone."""
    query = environ.get("QUERY_STRING", "")
    copies = COPY_SOURCE in environ and "partNumber=" not in query
    completes = environ["REQUEST_METHOD"] == "POST" and "uploadId=" in query
    wanted = environ.get("HTTP_IF_MATCH") if copies or completes else None
    # Of an upload moto looks for it, and takes one that is completed again for what it is.
    if wanted is None and not (copies and "HTTP_IF_NONE_MATCH" in environ):
        return None
    status, etag = _look(environ, server, environ["RAW_URI"].partition("?")[0], "", {})
    if wanted is None:
        return CHANGED if status.startswith("200") else None
    if status.startswith("404"):
        return MISSING
    return CHANGED if etag.strip('"') != wanted.strip('"') else None


def _look(
    environ: WSGIEnvironment, server: WSGIApplication, path: str, query: str, conditions: dict[str, str]
) -> tuple[str, str]:
    """The status and the ETag of an object, for whoever asks for something else."""
    look = {name: value for name, value in environ.items() if not name.startswith(("HTTP_X_AMZ_COPY", "HTTP_IF_"))}
    look |= {"REQUEST_METHOD": "HEAD", "QUERY_STRING": query, "CONTENT_LENGTH": "0", "wsgi.input": io.BytesIO()}
    look |= {"PATH_INFO": unquote_to_bytes(path).decode("latin-1"), "RAW_URI": path, "REQUEST_URI": path}
    _, status, headers = _read_again(lambda: run_wsgi_app(server, look | conditions))
    return status, headers.get("ETag", "")


def _quoted(name: str, value: str) -> str:
    return f'"{value.strip(QUOTE)}"' if name.endswith("MATCH") else value  # as moto compares it
