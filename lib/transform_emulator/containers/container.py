"""The HTTP side of a model container: ping, execution parameters, invocations over kept connections."""

import base64
import http.client
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from transform_emulator.containers.compression import CompressionError, gunzip
from transform_emulator.containers.connections import Connections, arrived, response_until, set_time_left
from transform_emulator.containers.payload import InMemory, Payload, Spooled
from transform_emulator.service import json_texts
from transform_emulator.service.limits import PING_INTERVAL_SECONDS, PING_REQUEST_TIMEOUT_SECONDS

READ_BYTES = 2**20
USER_AGENT = "Go-http-client/1.1"  # in access logs of containers (FACTS.md, 2.2)
HTTP_OK = 200
GZIP = "gzip"
INPUT_OBJECT = "X-Amzn-Sagemaker-Input-Object"
NOT_IN_HEADERS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]|^\s|\s$")


@dataclass(frozen=True)
class Call:
    """How /invocations is called, the same for every request of a job.

    Attributes:
        content_type: The Content-Type header; None leaves it out.
        accept: The Accept header; None leaves it out, as "it is not specified in the header" (xgboost-container#122).
        timeout_seconds: How long a whole request may take.
        custom_attributes: X-Amzn-SageMaker-Custom-Attributes, which only real-time endpoints send.
        chunked: Whether also a body whose length is known is sent with chunked encoding (MaxPayloadInMB=0).
        input_object: The object that a job's request is of, `<bucket>/<key>`; None for a real-time endpoint.
        unpacks_gzip: Whether an answer that is gzip, for which jobs ask, is unpacked.
    """

    content_type: str | None
    accept: str | None
    timeout_seconds: float
    custom_attributes: str | None = None
    chunked: bool = False
    input_object: str | None = None
    unpacks_gzip: bool = True

    def headers(self) -> dict[str, bytes]:
        """Returns the headers of a request, without those that its body asks for."""
        named = {
            "Content-Type": self.content_type,
            "Accept": self.accept,
            "X-Amzn-SageMaker-Custom-Attributes": self.custom_attributes,
        }
        given = {name: value.encode() for name, value in named.items() if value is not None}
        return {"User-Agent": USER_AGENT.encode()} | given | self._headers_of_jobs()

    def _headers_of_jobs(self) -> dict[str, bytes]:
        """What an executed notebook of AWS's shows of a job's request (FACTS.md, 2.2)."""
        if self.input_object is None:
            return {}
        name = self.input_object.encode()
        headers = {"Accept-Encoding": GZIP.encode(), f"{INPUT_OBJECT}-Base64": base64.b64encode(name)}
        # A header cannot hold the others, which keys of S3 may have; for them there is the second one.
        return headers | ({} if NOT_IN_HEADERS.search(name) else {INPUT_OBJECT: name})


@dataclass(frozen=True)
class Answer:
    """A response of /invocations.

    Attributes:
        status: Its HTTP status.
        body: Its body.
        headers: Its headers.
        sender: Which container of a pipeline it is of; empty for a model of one container.
    """

    status: int
    body: Payload
    headers: Mapping[str, str]
    sender: str = ""

    @property
    def content_type(self) -> str | None:
        """Its Content-Type; None for none."""
        return self.header("content-type")

    def header(self, name: str) -> str | None:
        """Returns a header's value, by its name in lower case; None for none."""
        return next((value for each, value in self.headers.items() if each.lower() == name), None)


class Container:
    """A model server, seen through HTTP. Any number of threads may invoke it."""

    def __init__(self, url: str, unreached_seconds: float = math.inf) -> None:
        """Takes a server at a URL; one that runs already and is not reached for so many seconds is taken for gone."""
        parts = urlsplit(url)
        self._connections = Connections(parts.hostname or "127.0.0.1", parts.port, is_tls=parts.scheme == "https")
        self._path = parts.path.rstrip("/")
        self._unreached_seconds = unreached_seconds
        self.last_ping = ""

    def wait_until_healthy(self, deadline_seconds: float, given_up: Callable[[float], bool]) -> bool:
        """Returns whether /ping answered 200 before the deadline.

        Args:
            deadline_seconds: How long to go on asking.
            given_up: Waits for so many seconds, or less; True if asking on is pointless (job stopped, process gone).
        """
        end = time.monotonic() + deadline_seconds
        unreached_end = time.monotonic() + self._unreached_seconds
        while time.monotonic() < min(end, unreached_end):
            status, body = self._get("/ping")
            self.last_ping = f"GET {self._path}/ping: {status or body.decode(errors='replace')}"
            if status == HTTP_OK:
                return True
            unreached_end = math.inf if status else unreached_end
            if given_up(PING_INTERVAL_SECONDS if status else PING_INTERVAL_SECONDS / 5):
                return False
        return False

    def execution_parameters(self) -> dict[str, Any]:
        """Returns what GET /execution-parameters advertises; `{}` for any answer but a 200 with a JSON object."""
        status, body = self._get("/execution-parameters")
        if status != HTTP_OK:
            return {}
        try:
            document = json_texts.read(body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    def invoke(self, body: Payload, call: Call) -> Answer:
        """Returns the response to one POST /invocations, whatever its status.

        Raises:
            TimeoutError: No complete answer in time.
            OSError: The connection was refused or closed without one.
            http.client.HTTPException: The answer was not HTTP, or ended early.
            CancelledError: `cancel` was called.
        """
        end = time.monotonic() + call.timeout_seconds
        with self._connections.connected(call.timeout_seconds) as exchange:
            connection = exchange.connection
            response = self._exchange(connection, body, call, end)
            pieces = _received(response)
            payload = InMemory(b"".join(pieces)) if isinstance(body, InMemory) else _spooled(pieces)
            if not response.will_close:
                exchange.keep()
        answer = Answer(response.status, payload, dict(response.headers.items()))
        return _unpacked(answer) if call.input_object is not None and call.unpacks_gzip else answer

    def cancel(self) -> None:
        """Breaks every request in flight off and refuses further ones."""
        self._connections.cancel()

    def close(self) -> None:
        """Closes the kept connections."""
        self._connections.close()

    def _get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a GET, with status 0 for no answer, and then why as the body."""
        connection = self._connections.fresh(PING_REQUEST_TIMEOUT_SECONDS)
        end = time.monotonic() + PING_REQUEST_TIMEOUT_SECONDS
        try:
            connection.request("GET", self._path + path, headers={"User-Agent": USER_AGENT})
            response = response_until(connection, end)
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            return 0, (str(error) or type(error).__name__).encode()
        finally:
            connection.close()

    def _exchange(
        self, connection: http.client.HTTPConnection, body: Payload, call: Call, end: float
    ) -> http.client.HTTPResponse:
        # Without Accept-Encoding: http.client's own "identity" is nothing that the service sends.
        connection.putrequest("POST", self._path + "/invocations", skip_accept_encoding=True)
        for name, value in call.headers().items():
            connection.putheader(name, value)
        try:
            if isinstance(body, InMemory) and not call.chunked:
                connection.putheader("Content-Length", str(len(body.data)))
                connection.endheaders(body.data)
            else:
                connection.putheader("Transfer-Encoding", "chunked")
                connection.endheaders(_sent(body, connection, end), encode_chunked=True)
        except (BrokenPipeError, ConnectionResetError):
            # A server may answer 413 and close before it has read the body; that status is what the data-log of
            # sagemaker-python-sdk#1882 shows. If there is no answer either, getresponse raises.
            response = response_until(connection, end)
            response.will_close = True
            return response
        return response_until(connection, end)


def _unpacked(answer: Answer) -> Answer:
    """An answer that is gzip as what it holds, as Go's client gives it that has asked for gzip itself (FACTS.md, 2.2).

    Raises:
        http.client.HTTPException: It says that it is gzip, and is not.
    """
    if (answer.header("content-encoding") or "").strip().lower() != GZIP:
        return answer
    try:
        spooled = _spooled(gunzip(answer.body.chunks()))
    except CompressionError as error:
        raise http.client.HTTPException(f"an answer with Content-Encoding gzip: {error}") from error
    body = InMemory(b"".join(spooled.chunks())) if isinstance(answer.body, InMemory) else spooled
    dropped = {"content-encoding", "content-length"}
    return replace(answer, body=body, headers={k: v for k, v in answer.headers.items() if k.lower() not in dropped})


def _sent(body: Payload, connection: http.client.HTTPConnection, end: float) -> Iterator[bytes]:
    """Yields the body, within what is left of the request's time."""
    for chunk in body.chunks():
        if connection.sock is not None:
            set_time_left(connection.sock, end)
        yield chunk


def _spooled(pieces: Iterator[bytes]) -> Spooled:
    spooled = Spooled()
    for piece in pieces:
        spooled.append(piece)
    return spooled


def _received(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Yields the body."""
    while piece := arrived(response, READ_BYTES):
        yield piece
    if response.length:  # http.client reports a body that ends early only where no amount was asked for
        raise http.client.IncompleteRead(b"", response.length)
