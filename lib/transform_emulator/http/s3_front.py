"""S3 as clients see it: moto, or the S3 server that the emulator was given, with faults in front of either."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from transform_emulator.control_plane.jobs import Scope
from transform_emulator.faults.model import Kind
from transform_emulator.faults.register import FaultRegister
from transform_emulator.moto import registry as aws_state

WRITING_METHODS = frozenset({"PUT", "POST", "DELETE"})
BUCKET_MAKING_METHODS = frozenset({"PUT", "POST", "HEAD"})
LOCK_COUNT = 256

# S3's error responses (S3 API reference): SlowDown is a 503 "Please reduce your request rate.".
ERRORS = {
    Kind.S3_SLOW_DOWN: (HTTPStatus.SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate."),
    Kind.S3_INTERNAL_ERROR: (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "InternalError",
        "We encountered an internal error. Please try again.",
    ),
}


@dataclass(frozen=True)
class S3Front:
    """Answers S3's requests.

    Attributes:
        server: Moto, or a proxy of another S3 server.
        faults: What is made to go wrong.
        create_buckets: Create a missing bucket, in moto, on its first put or head.
    """

    server: WSGIApplication
    faults: FaultRegister
    create_buckets: bool
    _locks: list[threading.Lock] = field(default_factory=lambda: [threading.Lock() for _ in range(LOCK_COUNT)])

    def __call__(self, scope: Scope, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        bucket, _, key = path.lstrip("/").partition("/")
        # In front of the server behind, so that a fault strikes on any S3.
        fault = self.faults.find(ERRORS, {"method": method, "bucket": bucket, "key": key})
        if fault is not None:
            return _error(start_response, *ERRORS[fault.kind])
        if self.create_buckets and bucket and method in BUCKET_MAKING_METHODS and (key or method == "HEAD"):
            aws_state.ensure_buckets(scope.account, scope.region, [bucket])
        if key and method in WRITING_METHODS:
            # Moto checks If-Match and If-None-Match and then writes, as two steps: two puts must not interleave. The
            # body is in memory by now, so the lock is not held while a slow client sends.
            with self._locks[hash(path) % LOCK_COUNT]:
                return list(self.server(environ, start_response))
        return self.server(environ, start_response)


def _error(start_response: StartResponse, status: HTTPStatus, code: str, message: str) -> Iterable[bytes]:
    text = f"<?xml version='1.0' encoding='UTF-8'?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    start_response(f"{status.value} {status.phrase}", [("Content-Type", "application/xml")])
    return [text.encode()]
