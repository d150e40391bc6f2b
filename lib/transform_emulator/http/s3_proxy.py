"""Pass S3 requests on to another server, signed anew.

A signature covers the host name, so what a client signed for the emulator means nothing to the server behind it. The
request is signed again with the credentials of the default chain, the same with which jobs read and write there.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from transform_emulator.service.limits import READ_CHUNK_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# Headers of the old signature or of one connection.
DROPPED_HEADERS = frozenset(
    {
        "authorization",
        "connection",
        "expect",
        "host",
        "te",
        "transfer-encoding",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-sdk-checksum-algorithm",
        "x-amz-security-token",
    }
)
HOP_HEADERS = frozenset({"connection", "keep-alive", "transfer-encoding"})
TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True)
class S3Proxy:
    """A WSGI application.

    Attributes:
        endpoint: The server's URL.
        credentials: What requests are signed with; None sends them unsigned.
        region: What they are signed for.
    """

    endpoint: str
    credentials: Credentials | None
    region: str

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request with the server's answer, streamed."""
        parts = urlsplit(self.endpoint)
        # RAW_URI is the request line's own: an encoded path must arrive as it was sent, or the key is another one.
        raw = environ.get("RAW_URI") or environ["REQUEST_URI"]
        body = environ["wsgi.input"].read()
        headers = _headers(environ)
        request = AWSRequest(environ["REQUEST_METHOD"], f"{self.endpoint.rstrip('/')}{raw}", headers=headers, data=body)
        if self.credentials is not None:
            S3SigV4Auth(self.credentials.get_frozen_credentials(), "s3", self.region).add_auth(request)
        secure = parts.scheme == "https"
        connect: Any = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = connect(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
        signed = dict(request.headers.items()) | {"Content-Length": str(len(body))}
        connection.request(environ["REQUEST_METHOD"], parts.path.rstrip("/") + raw, body, signed)
        response = connection.getresponse()
        kept = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP_HEADERS]
        start_response(f"{response.status} {response.reason}", kept)
        return _chunks(connection, response)


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    named = {
        key.removeprefix("HTTP_").replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_") or key == "CONTENT_TYPE"
    }
    return {name: value for name, value in named.items() if value and name not in DROPPED_HEADERS}


def _chunks(connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> Iterable[bytes]:
    try:
        while chunk := response.read(READ_CHUNK_BYTES):
            yield chunk
    finally:
        connection.close()
