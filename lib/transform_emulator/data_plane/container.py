"""The HTTP side of a model container: ping, execution parameters, invocations over kept connections."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from transform_emulator.data_plane import data_log
from transform_emulator.data_plane.data_log import FileFailure
from transform_emulator.job_request import JobRequest
from transform_emulator.limits import PING_INTERVAL_SECONDS, PING_REQUEST_TIMEOUT_SECONDS
from transform_emulator.switches import Switches

READ_BYTES = 2**20
USER_AGENT = "Go-http-client/1.1"  # seen in access logs of containers
HTTP_OK = 200


class CancelledError(Exception):
    """The job was told to stop while a request was in flight."""


class InvocationError(Exception):
    """A request failed for good; `failure` says how the service would put it."""

    def __init__(self, failure: FileFailure) -> None:
        super().__init__(failure.headline)
        self.failure = failure


@dataclass(frozen=True)
class InvocationSettings:
    """How /invocations is called, the same for every request of a job."""

    content_type: str | None
    accept: str | None
    timeout_seconds: int
    max_retries: int
    chunked: bool
    switches: Switches

    @classmethod
    def of(cls, request: JobRequest, chunked: bool, switches: Switches) -> "InvocationSettings":
        """The settings of a job; `chunked` is for MaxPayloadInMB=0."""
        return cls(
            request.content_type, request.accept, request.timeout_seconds, request.max_retries, chunked, switches
        )


class Container:
    """A model server, seen through HTTP. Any number of threads may invoke it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._path = parts.path.rstrip("/")
        self._lock = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []
        self._open: set[http.client.HTTPConnection] = set()
        self._cancelled = False

    def wait_until_healthy(self, deadline_seconds: float, given_up: Callable[[float], bool]) -> bool:
        """Whether /ping answered 200 before the deadline.

        Args:
            deadline_seconds: How long to go on asking.
            given_up: Waits for so many seconds, or less; True if asking on is pointless (job stopped, process gone).
        """
        end = time.monotonic() + deadline_seconds
        while time.monotonic() < end:
            status, _ = self._get("/ping")
            if status == HTTP_OK:
                return True
            if given_up(PING_INTERVAL_SECONDS if status else PING_INTERVAL_SECONDS / 5):
                return False
        return False

    def execution_parameters(self) -> dict[str, Any]:
        """What GET /execution-parameters advertises; `{}` for any answer but a 200 with a JSON object."""
        status, body = self._get("/execution-parameters")
        if status != HTTP_OK:
            return {}
        try:
            document = json.loads(body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    def invoke(self, body: bytes, settings: InvocationSettings) -> bytes:
        """The response to one POST /invocations, retried as the job's ModelClientConfig allows.

        Raises:
            InvocationError: The last attempt failed too, or a failure that is not retried.
            CancelledError: `cancel` was called.
        """
        for attempt in range(settings.max_retries + 1):
            try:
                status, response = self._post(body, settings)
            except TimeoutError:
                failure = data_log.timeout_failure(settings.timeout_seconds)
            except (OSError, http.client.HTTPException):
                failure = data_log.no_response_failure()
            else:
                if HTTP_OK <= status <= settings.switches.success_statuses_to:
                    return response
                failure = data_log.status_failure(status, response)
                if status < settings.switches.retried_statuses_from:
                    raise InvocationError(failure)
            if self._cancelled:
                raise CancelledError
            if attempt == settings.max_retries:
                raise InvocationError(failure)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def cancel(self) -> None:
        """Break every request in flight off and refuse further ones."""
        with self._lock:
            self._cancelled = True
            connections = list(self._open)
        for connection in connections:
            if connection.sock is not None:
                try:
                    connection.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # its own thread has closed it in the meantime

    def close(self) -> None:
        """Close the kept connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a GET, with status 0 for no answer."""
        connection = http.client.HTTPConnection(*self._address, timeout=PING_REQUEST_TIMEOUT_SECONDS)
        try:
            connection.request("GET", self._path + path, headers={"User-Agent": USER_AGENT})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def _post(self, body: bytes, settings: InvocationSettings) -> tuple[int, bytes]:
        connection = self._connection()
        end = time.monotonic() + settings.timeout_seconds
        try:
            if connection.sock is None:
                connection.timeout = settings.timeout_seconds
                connection.connect()
            else:
                connection.sock.settimeout(settings.timeout_seconds)
            if self._cancelled:  # `cancel` may have come while there was no socket yet that it could shut down
                raise CancelledError
            self._send(connection, body, settings)
            response = connection.getresponse()
            data = _read(response, connection, end)
        except BaseException:
            self._drop(connection)
            raise
        self._keep(connection, not response.will_close)
        return response.status, data

    def _send(self, connection: http.client.HTTPConnection, body: bytes, settings: InvocationSettings) -> None:
        # Without Accept-Encoding: http.client's own "identity" is nothing that the service sends.
        connection.putrequest("POST", self._path + "/invocations", skip_accept_encoding=True)
        connection.putheader("User-Agent", USER_AGENT)
        if settings.content_type is not None:
            connection.putheader("Content-Type", settings.content_type)
        if settings.accept is not None:
            connection.putheader("Accept", settings.accept)
        if settings.chunked:
            connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders(iter([body]), encode_chunked=True)
        else:
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)

    def _connection(self) -> http.client.HTTPConnection:
        with self._lock:
            if self._cancelled:
                raise CancelledError
            while self._idle:
                connection = self._idle.pop()
                if not _closed_by_peer(connection):
                    break
                self._open.discard(connection)
                connection.close()
            else:
                connection = http.client.HTTPConnection(*self._address)
            self._open.add(connection)
            return connection

    def _keep(self, connection: http.client.HTTPConnection, reusable: bool) -> None:
        with self._lock:
            self._open.discard(connection)
            if reusable:
                self._idle.append(connection)
        if not reusable:
            connection.close()

    def _drop(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._open.discard(connection)
        connection.close()


def _closed_by_peer(connection: http.client.HTTPConnection) -> bool:
    """Whether a kept connection is unusable: an idle one has nothing to read unless its peer has closed it."""
    if connection.sock is None:
        return True
    connection.sock.setblocking(False)
    try:
        connection.sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _read(response: http.client.HTTPResponse, connection: http.client.HTTPConnection, end: float) -> bytes:
    """The whole body, within what is left of the request's time: a server that trickles must not outlive it."""
    pieces = []
    while piece := response.read(READ_BYTES):
        pieces.append(piece)
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection.sock is not None:
            connection.sock.settimeout(left)
    if response.length:  # http.client reports a body that ends early only where no amount was asked for
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(pieces)
