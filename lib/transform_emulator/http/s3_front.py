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
COPY_SOURCE = "HTTP_X_AMZ_COPY_SOURCE"

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
        if _is_of_another_source(environ, self.server):
            return refused(CHANGED, environ, start_response)
        if self.make_bucket and bucket and method in BUCKET_MAKING_METHODS and (key or method == "HEAD"):
            self.make_bucket(scope, bucket)
        if key and method in WRITING_METHODS:
            # Moto checks If-Match and If-None-Match and then writes, as two steps: two puts must not interleave. The
            # body is in memory by now, so the lock is not held while a slow client sends.
            with self._locks[hash(path) % LOCK_COUNT]:
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


def _is_of_another_source(environ: WSGIEnvironment, server: WSGIApplication) -> bool:
    """Whether a copy is to be made of an ETag that its source no longer has, for which moto does not look."""
    wanted = environ.get("HTTP_X_AMZ_COPY_SOURCE_IF_MATCH")
    if wanted is None:
        return False
    path, _, query = environ.get(COPY_SOURCE, "").lstrip("/").partition("?")
    conditions = ("HTTP_X_AMZ_COPY", "HTTP_IF_")
    look = {name: value for name, value in environ.items() if not name.startswith(conditions)}
    look |= {"REQUEST_METHOD": "HEAD", "QUERY_STRING": query, "CONTENT_LENGTH": "0", "wsgi.input": io.BytesIO()}
    look |= {
        "PATH_INFO": unquote_to_bytes(f"/{path}").decode("latin-1"),
        "RAW_URI": f"/{path}",
        "REQUEST_URI": f"/{path}",
    }
    _, status, headers = _read_again(lambda: run_wsgi_app(server, look))
    return status.startswith("200") and headers.get("ETag", "").strip('"') != wanted.strip('"')
