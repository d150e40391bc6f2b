"""The WSGI application: transform jobs, invocations and faults are answered here, the rest by S3 and by moto."""

from __future__ import annotations

import io
import json
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from transform_emulator.control_plane import models as model_calls
from transform_emulator.control_plane import request_validation as shapes
from transform_emulator.control_plane import tags
from transform_emulator.control_plane.errors import ApiError, validation
from transform_emulator.control_plane.jobs import Scope
from transform_emulator.control_plane.operations import TRANSFORM_CALLS
from transform_emulator.control_plane.rules import NOT_EMULATED
from transform_emulator.endpoints.invocations import Endpoints, call_of, decode_error
from transform_emulator.faults import api as faults_api
from transform_emulator.faults.model import REFUSALS
from transform_emulator.faults.register import FaultRegister
from transform_emulator.http import s3_requests
from transform_emulator.http.protocol_errors import CREDENTIAL, JSON_TYPE, Failure, refused
from transform_emulator.moto import registry as aws_state
from transform_emulator.service.allowed_callers import Doors

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")
OURS = TRANSFORM_CALLS | {model_calls.CREATE_MODEL, model_calls.LIST_MODELS}
SAGEMAKER_SERVICE = "SageMaker"
LOGS_SERVICE = "Logs_20140328"
# As moto's dispatcher has it: what begins so is moto's own interface, which runs, records and changes anything.
MOTO_PREFIX = "/moto-api"
S3_CONTROL = "/v20180820/"
RESET_PATH = "/moto-api/reset"
DEFAULT_REGION = "us-east-1"
FORWARDED_HEADERS = ("Content-Type", "Accept", "X-Amzn-SageMaker-Custom-Attributes")
# Headers that choose who answers, or how. An id of the request's own does neither.
INVOCATION_KEYS = "HTTP_X_AMZN_SAGEMAKER_"
ACTED_ON = ("HTTP_X_AMZN_SAGEMAKER_CUSTOM_ATTRIBUTES", "HTTP_X_AMZN_SAGEMAKER_INFERENCE_ID")


def note_nothing(scope: Scope, operation: str) -> None:
    """Keeps no record of the calls of SageMaker that moto answers."""


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
        doors: Which hosts name a bucket.
        knows: Whether moto has the service that a request is for.
        reset: Makes the emulator what it was when it started, with an empty state.
        note: Told of each call of SageMaker that has changed what moto has, before its client is.
    """

    call: Callable[[str, Scope, dict[str, Any]], dict[str, Any]]
    s3: Callable[[Scope, WSGIEnvironment, StartResponse], Iterable[bytes]]
    moto: WSGIApplication
    models: aws_state.ModelRegistry
    endpoints: Endpoints
    faults: FaultRegister
    doors: Doors
    knows: Callable[[WSGIEnvironment], bool]
    reset: Callable[[], None]
    note: Callable[[Scope, str], None]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        service, scope = _signature(environ)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        path = environ["PATH_INFO"]
        # Before anything else: they are not signed, and what is not signed counts as S3's.
        if path == faults_api.PATH:
            return self._faults(environ, start_response)
        if path == RESET_PATH and environ["REQUEST_METHOD"] == "POST":
            self.reset()
            return _answer(start_response, HTTPStatus.OK, b'{"status": "ok"}', {"Content-Type": "application/json"})
        if target:
            return self._target(target, scope, environ, start_response)
        invocation = INVOCATION.fullmatch(path)
        if invocation and service == "sagemaker":
            return self._invoke(invocation[1], scope, environ, start_response)
        failure = self._unanswered(service, environ)
        if failure is not None:
            return refused(failure, environ, start_response)
        if service == "s3":
            return self.s3(scope, environ, start_response)
        return self.moto(environ, start_response)

    def _unanswered(self, service: str, environ: WSGIEnvironment) -> Failure | None:
        """Why nobody is asked; a request of S3's is in path style after that."""
        # S3 Control is signed for S3 too; its calls begin with a version.
        of_s3 = service == "s3" and not environ["PATH_INFO"].startswith(S3_CONTROL)
        authorization = environ.get("HTTP_AUTHORIZATION")
        if authorization is not None and len(authorization.split(",")[0].split()) < 2:
            return Failure(HTTPStatus.BAD_REQUEST, "InvalidArgument", "Unsupported Authorization Type")
        if not self.knows(environ):
            text = f"the emulator has no service {service}"
            return Failure(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", text)
        try:
            if of_s3:
                s3_requests.in_path_style(environ, self.doors)
        except UnicodeDecodeError:
            return Failure(HTTPStatus.BAD_REQUEST, "InvalidURI", "Couldn't parse the specified URI.")
        if environ["PATH_INFO"].startswith(MOTO_PREFIX):
            text = f"of moto's own interface the emulator answers POST {RESET_PATH} alone"
            return Failure(HTTPStatus.FORBIDDEN, "AccessDenied", text)
        return s3_requests.fault_of(environ, _body(environ)) if of_s3 else None

    def _target(
        self, target: str, scope: Scope, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answers a call of a service that names it in X-Amz-Target, and has a JSON object for its body."""
        service, _, operation = target.rpartition(".")
        try:
            document = _document(environ)
            self._refuse(operation, document)
            if service == SAGEMAKER_SERVICE:
                return self._sagemaker(operation, scope, document, environ, start_response)
            if service == LOGS_SERVICE:
                self.models.check_region(scope)
                shapes.check_types("logs", operation, document)
            elif not self.knows(environ):
                raise ApiError("UnknownOperationException", f"The emulator has no service {service}.")
        except ApiError as error:
            return _refused(start_response, error)
        return self.moto(environ, start_response)

    def _refuse(self, operation: str, document: dict[str, Any]) -> None:
        """Raises ApiError for a call of SageMaker or CloudWatch Logs that a fault refuses."""
        facts = {"operation": operation, "job": str(document.get("TransformJobName", ""))}
        if fault := self.faults.find(REFUSALS, facts):
            raise ApiError(*REFUSALS[fault.kind])

    def _sagemaker(
        self,
        operation: str,
        scope: Scope,
        document: dict[str, Any],
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        self.models.ensure(scope)
        if operation in OURS or tags.is_for_a_job(operation, document):
            answer = json.dumps(self.call(operation, scope, document)).encode()
            if operation == model_calls.CREATE_MODEL:
                self.note(scope, operation)
            return _answer(start_response, HTTPStatus.OK, answer, {"Content-Type": JSON_TYPE})
        shapes.check_types("sagemaker", operation, document)
        if operation == model_calls.CREATE_ENDPOINT_CONFIG:
            model_calls.check_endpoint_config(document)
        # Moto forgets the endpoint; the server that was started for it is ours to end.
        if operation == "DeleteEndpoint":
            self.endpoints.stop(scope, str(document.get("EndpointName")))
        answer_of_moto = self.moto(environ, start_response)
        self.note(scope, operation)
        return answer_of_moto

    def _invoke(
        self, name: str, scope: Scope, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        keys = {name: name.upper().replace("-", "_") for name in FORWARDED_HEADERS}
        values = {name: environ.get(key) or environ.get(f"HTTP_{key}") for name, key in keys.items()}
        headers = {name: value for name, value in values.items() if value}
        others = [key for key in environ if key.startswith(INVOCATION_KEYS) and key not in ACTED_ON]
        try:
            self.models.ensure(scope)
            if others:
                header = others[0].removeprefix("HTTP_").replace("_", "-").title()
                raise validation(f"{header} {NOT_EMULATED}: the endpoint would answer as if it were not there.")
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
    """The request's JSON object, without its nulls: AWS reads a member that is null as one that is not there.

    Raises:
        ApiError: The body is no such object.
    """
    try:
        document = json.loads(_body(environ) or b"{}")
        if not isinstance(document, dict):
            raise validation("The request body is not a JSON object.")
        filled: dict[str, Any] = _without_nulls(document)
        text = json.dumps(filled, ensure_ascii=False).encode()
    except ValueError as error:  # not JSON, not UTF-8, or halves of surrogate pairs
        raise ApiError("SerializationException", "The request body is not JSON.") from error
    except RecursionError as error:
        raise ApiError("SerializationException", "The request body is nested too deeply.") from error
    if filled != document:
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(text), str(len(text))
    return filled


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    return [_without_nulls(member) for member in value] if isinstance(value, list) else value


def _refused(start_response: StartResponse, error: ApiError) -> Iterable[bytes]:
    document = {"__type": error.code, "message": error.message}
    headers = {"Content-Type": JSON_TYPE, "x-amzn-ErrorType": error.code}
    return _answer(start_response, error.status, json.dumps(document).encode(), headers)
