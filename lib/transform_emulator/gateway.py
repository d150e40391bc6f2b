"""The WSGI application: transform-job calls are answered here, everything else goes to moto."""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from transform_emulator import aws_state
from transform_emulator.control_plane.errors import ApiError, validation
from transform_emulator.control_plane.jobs import Scope
from transform_emulator.control_plane.operations import TRANSFORM_CALLS

Call = Callable[[str, Scope, dict[str, Any]], dict[str, Any]]

CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d+/([^/]+)/([^/]+)/")
TARGET_PREFIX = "SageMaker."
JSON_TYPE = "application/x-amz-json-1.1"
WRITING_METHODS = frozenset({"PUT", "POST", "DELETE"})
BUCKET_MAKING_METHODS = frozenset({"PUT", "POST", "HEAD"})
DEFAULT_REGION = "us-east-1"
LOCK_COUNT = 256


class Gateway:
    """Routes a request by its target and by the service it is signed for."""

    def __init__(
        self, call: Call, moto: WSGIApplication, models: aws_state.ModelRegistry, create_buckets: bool
    ) -> None:
        """Make the application.

        Args:
            call: Answers a transform-job call: operation, scope, request body.
            moto: Answers everything else.
            models: Made known to moto before a SageMaker call reaches it.
            create_buckets: Create a missing S3 bucket on its first put or head.
        """
        self._call = call
        self._moto = moto
        self._models = models
        self._create_buckets = create_buckets
        self._locks = [threading.Lock() for _ in range(LOCK_COUNT)]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        service, scope = _signature(environ)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target.startswith(TARGET_PREFIX):
            self._models.ensure(scope)
            operation = target.removeprefix(TARGET_PREFIX)
            if operation in TRANSFORM_CALLS:
                return self._answer(operation, scope, environ, start_response)
        elif service == "s3":
            return self._s3(scope, environ, start_response)
        return self._moto(environ, start_response)

    def _answer(
        self, operation: str, scope: Scope, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        try:
            answer, status = self._call(operation, scope, _body(environ)), HTTPStatus.OK.value
        except ApiError as error:
            answer, status = {"__type": error.code, "message": error.message}, error.status
        payload = json.dumps(answer).encode()
        headers = [
            ("Content-Type", JSON_TYPE),
            ("Content-Length", str(len(payload))),
            ("x-amzn-RequestId", str(uuid.uuid4())),
        ]
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [payload]

    def _s3(self, scope: Scope, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        bucket, _, key = path.lstrip("/").partition("/")
        if self._create_buckets and bucket and method in BUCKET_MAKING_METHODS and (key or method == "HEAD"):
            aws_state.ensure_buckets(scope.account, scope.region, [bucket])
        if key and method in WRITING_METHODS:
            # Moto checks If-Match and If-None-Match and then writes, as two steps: two puts must not interleave. The
            # body is in memory by now, so the lock is not held while a slow client sends.
            with self._locks[hash(path) % LOCK_COUNT]:
                return list(self._moto(environ, start_response))
        return self._moto(environ, start_response)


def _signature(environ: WSGIEnvironment) -> tuple[str, Scope]:
    """The service that a request is signed for and whose request it is; what is not signed counts as S3's."""
    match = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if match is None:
        return "s3", Scope(aws_state.account_of(""), DEFAULT_REGION, "")
    access_key, region, service = match.groups()
    return service, Scope(aws_state.account_of(access_key), region, access_key)


def _body(environ: WSGIEnvironment) -> dict[str, Any]:
    text = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    try:
        document = json.loads(text or b"{}")
    except ValueError as error:
        raise ApiError("SerializationException", "The request body is not JSON.") from error
    if not isinstance(document, dict):
        raise validation("The request body is not a JSON object.")
    return document
