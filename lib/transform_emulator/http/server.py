"""A threaded WSGI server on the loopback interface that keeps connections alive."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import sqlite3
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.datastructures import Headers
from werkzeug.serving import ThreadedWSGIServer
from werkzeug.test import run_wsgi_app

from transform_emulator.http.protocol_errors import Failure, answer_of
from transform_emulator.service.allowed_callers import Doors

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

HOST = "127.0.0.1"  # never another interface: anyone who reaches the emulator can run commands' models and read data
IDLE_SECONDS = 300.0
BODILESS_STATUSES = (204, 304)
ONE_WRITE_BYTES = 2**16
PASSED_OVER_BYTES = 2**26  # of a refused request's body: a client that is still sending it would not read the answer
OF_A_DISK = frozenset({errno.ENOENT, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO})
NOT_THE_APPLICATIONS = ("access-control-", "content-length")  # headers that this server says itself

log = logging.getLogger(__name__)


class KeepAliveHandler(MotoRequestHandler):
    """One client connection, on which any number of requests follow each other.

    Werkzeug's own handler closes the connection after each request, because it cannot know how much of a body the
    application left unread. Moto reads every body into memory anyway, so this one reads the body first and hands it
    over whole; what is left on the socket is then always the next request.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or a kept connection waits 40 ms for the peer's delayed acknowledgement
    timeout = IDLE_SECONDS
    server: Server
    _headers_buffer: list[bytes]  # http.server's, sent by flush_headers

    def run_wsgi(self) -> None:
        """Answers the request whose headers were just parsed."""
        head = list(self.headers.items())
        refusal = self.server.doors.refusal(self.path, head)
        if refusal is not None:
            log.warning("refused: %s", refusal)
            with contextlib.suppress(ValueError):
                self._pass_over_body()
            self._refuse(Failure(HTTPStatus.FORBIDDEN, "AccessDenied", refusal))
            return
        preflight = self.server.doors.preflight(self.command, head)
        if preflight is not None:
            self._answer(HTTPStatus.OK, HTTPStatus.OK.phrase, Headers(), b"", preflight)
            return
        environ = self.environ = self._environ()
        try:
            body = self._read_body(environ)
        except ValueError as error:
            self._refuse(Failure(HTTPStatus.BAD_REQUEST, "InvalidRequest", f"the body cannot be read: {error}"))
            return
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ.pop("wsgi.input_terminated", None)
        chunks, status, headers = self._application_answer(environ)
        try:
            code, _, reason = status.partition(" ")
            self._answer(int(code), reason, headers, b"".join(chunks))
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    def _environ(self) -> dict[str, Any]:
        """What WSGI tells of a request; a whole URL in the request line is cut to its path, the host is in `Host`."""
        if not self.path.startswith(("/", "*")):
            parts = urlsplit(self.path)
            self.path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        return self.make_environ()

    def _answer(
        self, status: int, reason: str, headers: Headers, payload: bytes, granted: Mapping[str, str] | None = None
    ) -> None:
        """Sends an answer, with what lets pages read it: `granted`, or what the doors say."""
        length = headers.get("Content-Length") if self.command == "HEAD" else None
        # Who may read an answer is for the doors alone to say: moto's server lets every page do so.
        sent = [(name, value) for name, value in headers.items() if not name.lower().startswith(NOT_THE_APPLICATIONS)]
        if granted is None:
            granted = self.server.doors.cors(self.headers.items(), (name for name, _ in sent))
        self.send_response(status, reason)
        for name, value in [*sent, *granted.items()]:
            self.send_header(name, value)
        if status not in BODILESS_STATUSES:
            self.send_header("Content-Length", length or str(len(payload)))
        self._send(b"" if self.command == "HEAD" else payload)

    def _send(self, payload: bytes) -> None:
        """Sends the headers, and the payload in the same write if it is small.

        Of an emulator that is killed between two writes the client has an answer without its body, which botocore, on
        its last attempt, takes for an empty one.
        """
        if len(payload) > ONE_WRITE_BYTES or self.request_version == "HTTP/0.9":  # which has no headers
            self.end_headers()
            self.wfile.write(payload)
        else:
            self._headers_buffer.append(b"\r\n" + payload)
            self.flush_headers()

    def _application_answer(self, environ: dict[str, Any]) -> tuple[Iterable[bytes], str, Headers]:
        try:
            return run_wsgi_app(self.server.app, environ)
        except NotImplementedError as error:  # moto's, of an operation that it has not; nothing to be tried again
            status, text = HTTPStatus.NOT_IMPLEMENTED, f"not emulated: {error}"
            headers, payload = answer_of(Failure(status, "NotImplemented", text), Headers(self.headers.items()))
            return [payload], f"{status.value} {status.phrase}", Headers(headers)
        except BaseException as error:  # whose traceback goes to standard error; the client may retry
            text = f"the emulator failed{_of_the_machine(error)}"
            self._refuse(Failure(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", text))
            raise

    def _refuse(self, failure: Failure) -> None:
        """Answers with an error, and ends the connection: nobody knows where the next request begins."""
        self.close_connection = True
        headers, payload = answer_of(failure, Headers(self.headers.items()))
        # Or the client sends its next request to nobody.
        self._answer(failure.status, failure.status.phrase, Headers(headers | {"Connection": "close"}), payload)

    def _pass_over_body(self) -> None:
        """Reads what follows the headers and keeps none of it: one who is still sending does not read the answer."""
        left = min(_length(self.headers.get("Content-Length")), PASSED_OVER_BYTES)
        while left > 0 and (read := len(self.rfile.read(min(left, ONE_WRITE_BYTES)))):
            left -= read

    def _read_body(self, environ: dict[str, Any]) -> bytes:
        """The body.

        Raises:
            ValueError: It is in no form of HTTP's, or ends early: a client that is killed has sent no object.
        """
        if not environ.get("wsgi.input_terminated"):
            length = _length(environ.get("CONTENT_LENGTH"))
            if len(body := self.rfile.read(length)) < length:
                raise ValueError(f"it ended after {len(body):,} of {length:,} bytes")
            return body
        try:
            return bytes(environ["wsgi.input"].read())
        except (ConnectionError, TimeoutError):
            raise
        except OSError as error:  # werkzeug's word for chunks that are none
            raise ValueError(str(error)) from error

    def log(self, _type: str, message: str, *args: object) -> None:
        """Sends what http.server has to say to the module's logger, and never to standard output."""
        log.debug(message, *args)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Logs nothing per request: formatting it costs more than many a request."""


class Server(ThreadedWSGIServer):
    """A server that lets in what its doors say."""

    doors: Doors


def make_server(port: int, application: WSGIApplication, doors: Doors) -> Server:
    """Returns a bound, not yet serving server; its `port` is the real one, also when a free one (0) was asked for."""
    server = Server(HOST, port, application, handler=KeepAliveHandler)
    server.doors = doors
    return server


def _of_the_machine(error: BaseException) -> str:
    """What the system or the database says, as of a full disk: an emulator's own words may be read by nobody."""
    words = error.strerror if isinstance(error, OSError) else str(error) if isinstance(error, sqlite3.Error) else None
    if not words:
        return "; its standard error tells why"
    if isinstance(error, OSError) and error.errno not in OF_A_DISK:
        return f" ({words}); its standard error tells why"
    return (
        f" ({words}); see that the folder in which it keeps its state (--state, of a run emulator.state) is there, can "
        "be written, and has room"
    )


def _length(text: str | None) -> int:
    """What a Content-Length says.

    Raises:
        ValueError: It is no number of bytes.
    """
    if text and not (text.isascii() and text.isdigit()):
        raise ValueError("its Content-Length is no number")
    return int(text or 0)
