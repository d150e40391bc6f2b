"""Connections to one model server, kept alive between requests and broken off together."""

from __future__ import annotations

import errno
import http.client
import io
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# A full queue of connections that a server has not accepted yet (Python's own holds five) drops the one that comes, and
# the kernel tries that again only after a second: with a hundred at once, jobs of two seconds waited one for it.
_FIRST_TRY_SECONDS = 0.05


class CancelledError(Exception):
    """The job was told to stop while a request was in flight."""


@dataclass
class Exchange:
    """One use of a connection."""

    connection: http.client.HTTPConnection
    kept: bool = False

    def keep(self) -> None:
        """Says that the exchange is complete, so that the connection may serve another one after this block."""
        self.kept = True


class Connections:
    """A pool without a bound: the threads that use it are bounded by MaxConcurrentTransforms.

    The service keeps connections and uses them again: consecutive POSTs in containers' access logs come from the same
    source port (sm-batch_transform_pytorch.ipynb, amazon-sagemaker-examples#1620).
    """

    def __init__(self, host: str, port: int | None, *, is_tls: bool) -> None:
        self._address = (host, port)
        self._is_tls = is_tls
        self._kind = http.client.HTTPSConnection if is_tls else http.client.HTTPConnection
        self._lock = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []
        self._open: set[http.client.HTTPConnection] = set()
        self._cancelled = False

    @contextmanager
    def connected(self, timeout_seconds: float) -> Iterator[Exchange]:
        """Yields a connection for one exchange, closed after the block unless the exchange says `keep`.

        Raises:
            OSError: The server refused the connection, or an exchange failed.
            http.client.HTTPException: An exchange failed.
            CancelledError: `cancel` was called, before or during the block.
        """
        exchange = Exchange(self._take())
        try:
            self._connect(exchange, timeout_seconds)
            if self._cancelled:  # `cancel` may have come while there was no socket yet that it could shut down
                raise CancelledError
            yield exchange
        except (OSError, http.client.HTTPException) as error:
            if self._cancelled:  # what `cancel` broke off is no failure of the model server
                raise CancelledError from error
            raise
        finally:
            # One lock for both: a connection that others can take already must not be closed here.
            with self._lock:
                self._open.discard(exchange.connection)
                if exchange.kept:
                    self._idle.append(exchange.connection)
            # In the middle of an exchange a connection is good for nothing, whatever the reason.
            if not exchange.kept:
                exchange.connection.close()

    def cancel(self) -> None:
        """Breaks every exchange off and refuses further ones."""
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
        """Closes the kept connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def fresh(self, timeout_seconds: float) -> http.client.HTTPConnection:
        """Returns a connection of its own, which nobody else uses and `cancel` does not know."""
        return self._kind(*self._address, timeout=timeout_seconds)

    def _connect(self, exchange: Exchange, timeout_seconds: float) -> None:
        """Gives the exchange a connection that is open: its own, or one that came back while its own was not let in."""
        end, a_try = time.monotonic() + timeout_seconds, _FIRST_TRY_SECONDS
        while exchange.connection.sock is None:
            left = max(end - time.monotonic(), 0.001)
            # The handshake of TLS would be broken off with it.
            exchange.connection.timeout = left if self._is_tls else min(a_try, left)
            try:
                exchange.connection.connect()
            except TimeoutError as error:
                if error.errno == errno.ETIMEDOUT or time.monotonic() >= end:  # the kernel gave up, or the request
                    raise
                with self._lock:
                    self._open.discard(exchange.connection)
                exchange.connection = self._take()
                a_try *= 2
        exchange.connection.sock.settimeout(timeout_seconds)

    def _take(self) -> http.client.HTTPConnection:
        with self._lock:
            if self._cancelled:
                raise CancelledError
            while self._idle:
                connection = self._idle.pop()
                if not _closed_by_peer(connection):
                    break
                connection.close()
            else:
                connection = self._kind(*self._address)
            self._open.add(connection)
            return connection


def _closed_by_peer(connection: http.client.HTTPConnection) -> bool:
    """Whether a kept connection is unusable: an idle one has nothing to read unless its peer has closed it."""
    if connection.sock is None:
        return True
    # Not `recv` with MSG_PEEK, which TLS has not, nor `select`, which refuses the thousandth socket.
    readable = select.poll()
    readable.register(connection.sock, select.POLLIN)
    return bool(readable.poll(0))


class _InTime(io.RawIOBase):
    """What a socket receives until a moment: its own time-out begins anew with each byte that comes."""

    def __init__(self, sock: socket.socket, end: float) -> None:
        self._sock, self._end = sock, end
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        set_time_left(self._sock, self._end)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """A response that is there in time, to the last byte of its headers and of its body."""

    def __init__(self, end: float, sock: socket.socket, debuglevel: int = 0, method: str | None = None) -> None:
        super().__init__(sock, debuglevel, method)
        self.fp.close()
        self.fp = io.BufferedReader(_InTime(sock, end))


def response_until(connection: http.client.HTTPConnection, end: float) -> http.client.HTTPResponse:
    """Returns the response to the request that was sent, of which nothing is read after a moment.

    Raises:
        TimeoutError: now, or while its body is read: that moment is over.
    """
    connection.response_class = cast("type[http.client.HTTPResponse]", partial(_Response, end))
    return connection.getresponse()


def set_time_left(sock: socket.socket, end: float) -> None:
    """Lets a socket wait no longer than until a moment.

    Raises:
        TimeoutError: it is over.
    """
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    sock.settimeout(left)


def arrived(response: http.client.HTTPResponse, most_bytes: int) -> bytes:
    """Returns the next bytes of a body, as one read of the socket has them; "" at its end.

    `read` of an amount waits until it is there. `read1` of a body of known length does not count it before Python
    3.11.8 and 3.12.2, and waits at its end.
    """
    if response.chunked:
        return response.read1(most_bytes)
    return response.read(len(response.peek()) or 1 if response.length != 0 else 0)
