"""The WSGI application: transform jobs, invocations and faults are answered here, the rest by S3 and by moto."""

import json
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from transform_emulator.control_plane import tags
from transform_emulator.control_plane.errors import ApiError, validation
from transform_emulator.control_plane.jobs import Scope
from transform_emulator.control_plane.models import CREATE_MODEL
from transform_emulator.control_plane.operations import TRANSFORM_CALLS
from transform_emulator.endpoints.invocations import Endpoints, call_of, decode_error
from transform_emulator.faults import api as faults_api
from transform_emulator.faults.model import Kind
from transform_emulator.faults.register import FaultRegister
from transform_emulator.moto import registry as aws_state

Call = Callable[[str, Scope, dict[str, Any]], dict[str, Any]]
Note = Callable[[Scope, str], None]
S3Application = Callable[[Scope, WSGIEnvironment, StartResponse], Iterable[bytes]]

CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d+/([^/]+)/([^/]+)/")
INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")
OURS = TRANSFORM_CALLS | {CREATE_MODEL}
TARGET_PREFIX = "SageMaker."
JSON_TYPE = "application/x-amz-json-1.1"
DEFAULT_REGION = "us-east-1"
FORWARDED_HEADERS = ("Content-Type", "Accept", "X-Amzn-SageMaker-Custom-Attributes")


def note_nothing(scope: Scope, operation: str) -> None:
    """Keep no record of the calls of SageMaker that moto answers."""


@dataclass(frozen=True)
class Gateway:
    """Routes a request by its path, its target and the service it is signed for.

    Attributes:
        call: Answers a transform-job call: operation, scope, request body.
        s3: Answers S3's requests.
        moto: Answers everything that nothing else does.
        models: Made known to moto before a SageMaker call reaches it.
        endpoints: Answers InvokeEndpoint.
        faults: What is made to go wrong.
        note: Told of each call of SageMaker that has changed what moto has, before its client is.
    """

    call: Call
    s3: S3Application
    moto: WSGIApplication
    models: aws_state.ModelRegistry
    endpoints: Endpoints
    faults: FaultRegister
    note: Note = note_nothing

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        service, scope = _signature(environ)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        invocation = INVOCATION.fullmatch(environ["PATH_INFO"])
        # Before anything else: it is not signed, and what is not signed counts as S3's.
        if environ["PATH_INFO"] == faults_api.PATH:
            return self._faults(environ, start_response)
        if target and self._is_throttled(target, environ):
            error = {"__type": "ThrottlingException", "message": "Rate exceeded"}
            payload = json.dumps(error).encode()
            return _answer(start_response, HTTPStatus.BAD_REQUEST, payload, {"Content-Type": JSON_TYPE})
        if target.startswith(TARGET_PREFIX):
            return self._sagemaker(target.removeprefix(TARGET_PREFIX), scope, environ, start_response)
        if invocation and service == "sagemaker":
            return self._invoke(invocation[1], scope, environ, start_response)
        if service == "s3":
            return self.s3(scope, environ, start_response)
        return self.moto(environ, start_response)

    def _is_throttled(self, target: str, environ: WSGIEnvironment) -> bool:
        """Whether a fault throttles a call of SageMaker or CloudWatch Logs, which both name it in X-Amz-Target."""
        name = re.search(rb'"TransformJobName"\s*:\s*"([^"]*)"', _body(environ))
        facts = {"operation": target.rpartition(".")[2], "job": name[1].decode() if name else ""}
        return self.faults.find((Kind.THROTTLING,), facts) is not None

    def _sagemaker(
        self, operation: str, scope: Scope, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        self.models.ensure(scope)
        try:
            ours = operation in OURS or tags.is_for_a_job(operation, _document(environ))
            if ours:
                answer, status = self.call(operation, scope, _document(environ)), HTTPStatus.OK.value
                if operation == CREATE_MODEL:
                    self.note(scope, operation)
        except ApiError as error:
            ours, answer, status = True, {"__type": error.code, "message": error.message}, error.status
        if ours:
            return _answer(start_response, status, json.dumps(answer).encode(), {"Content-Type": JSON_TYPE})
        # Moto forgets the endpoint; the server that was started for it is ours to end.
        if operation == "DeleteEndpoint":
            self.endpoints.stop(scope, str(_document(environ).get("EndpointName")))
        answer_of_moto = self.moto(environ, start_response)
        self.note(scope, operation)
        return answer_of_moto

    def _invoke(
        self, name: str, scope: Scope, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        self.models.ensure(scope)
        keys = {name: name.upper().replace("-", "_") for name in FORWARDED_HEADERS}
        values = {name: environ.get(key) or environ.get(f"HTTP_{key}") for name, key in keys.items()}
        headers = {name: value for name, value in values.items() if value}
        try:
            payload, answered = self.endpoints.invoke(scope, name, _body(environ), call_of(headers))
        except ApiError as error:
            code = {"Content-Type": JSON_TYPE, "x-amzn-ErrorType": error.code}
            return _answer(start_response, error.status, decode_error(error), code)
        return _answer(start_response, HTTPStatus.OK, payload, answered)

    def _faults(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, payload = faults_api.answer(self.faults, environ["REQUEST_METHOD"], _body(environ))
        return _answer(start_response, status, payload, {"Content-Type": "application/json"})


def _answer(start_response: StartResponse, status: int, payload: bytes, headers: dict[str, str]) -> Iterable[bytes]:
    # AWS's answers carry an id, which botocore gives back as RequestId.
    every = {"Content-Length": str(len(payload)), "x-amzn-RequestId": str(uuid.uuid4())}
    start_response(f"{int(status)} {HTTPStatus(status).phrase}", list((headers | every).items()))
    return [payload]


def _signature(environ: WSGIEnvironment) -> tuple[str, Scope]:
    """The service that a request is signed for and whose request it is; what is not signed counts as S3's."""
    match = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if match is None:
        return "s3", Scope(aws_state.account_of(""), DEFAULT_REGION, "")
    access_key, region, service = match.groups()
    return service, Scope(aws_state.account_of(access_key), region, access_key)


def _body(environ: WSGIEnvironment) -> bytes:
    """The request's body, left in place for whoever reads it next."""
    stream = environ["wsgi.input"]
    stream.seek(0)
    text: bytes = stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    stream.seek(0)
    return text


def _document(environ: WSGIEnvironment) -> dict[str, Any]:
    try:
        document = json.loads(_body(environ) or b"{}")
    except ValueError as error:
        raise ApiError("SerializationException", "The request body is not JSON.") from error
    if not isinstance(document, dict):
        raise validation("The request body is not a JSON object.")
    return document
