"""Errors in the form of the protocol that a client speaks: S3's XML, the query services' XML, or JSON with `__type`."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from werkzeug.datastructures import Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

JSON_TYPE = "application/x-amz-json-1.1"
XML_TYPE = "application/xml"
FORM_TYPE = "application/x-www-form-urlencoded"
CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d+/([^/]+)/([^/]+)/")
DECLARATION = "<?xml version='1.0' encoding='UTF-8'?>\n"
S3_FORM = DECLARATION + "<Error><Code>{}</Code><Message>{}</Message><RequestId>{}</RequestId></Error>"
QUERY_FORM = (
    "<ErrorResponse><Error><Code>{}</Code><Message>{}</Message></Error><RequestId>{}</RequestId></ErrorResponse>"
)
# XML 1.0 has no way to write these, escaped or not.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Failure:
    """Why a request has no answer.

    Attributes:
        status: The HTTP status.
        code: S3's word for it; JSON's services add "Exception" to some (`JSON_CODES`).
        message: What is wrong, and what to do.
    """

    status: HTTPStatus
    code: str
    message: str


# The names that SageMaker's and CloudWatch Logs' service models have for what S3 calls otherwise (botocore).
JSON_CODES = {
    "AccessDenied": "AccessDeniedException",
    "InternalError": "InternalFailure",
    "InvalidRequest": "SerializationException",
    "InvalidURI": "ValidationException",
}


def answer_of(failure: Failure, headers: Headers) -> tuple[dict[str, str], bytes]:
    """Returns headers and body of an error, in the form that the sender of a request with these headers reads."""
    request_id = str(uuid.uuid4())
    content_type, signed = headers.get("Content-Type", ""), CREDENTIAL.search(headers.get("Authorization", ""))
    service = signed[3] if signed else "s3"
    if "X-Amz-Target" in headers or (service != "s3" and not content_type.startswith(FORM_TYPE)):
        code = JSON_CODES.get(failure.code, failure.code)
        document = {"__type": code, "message": failure.message, "Message": failure.message}
        return {"Content-Type": JSON_TYPE, "x-amzn-ErrorType": code, "x-amzn-RequestId": request_id}, json.dumps(
            document
        ).encode()
    form = S3_FORM if service == "s3" else QUERY_FORM
    words = [escape(NOT_XML.sub("\ufffd", word)) for word in (failure.code, failure.message, request_id)]
    return {"Content-Type": XML_TYPE, "x-amz-request-id": request_id}, form.format(*words).encode()


def refused(failure: Failure, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Returns the same as the answer of a WSGI application."""
    keys = {"Content-Type": "CONTENT_TYPE", "Authorization": "HTTP_AUTHORIZATION", "X-Amz-Target": "HTTP_X_AMZ_TARGET"}
    sent = Headers({name: environ[key] for name, key in keys.items() if key in environ})
    headers, payload = answer_of(failure, sent)
    start_response(f"{failure.status.value} {failure.status.phrase}", list(headers.items()))
    return [payload]
