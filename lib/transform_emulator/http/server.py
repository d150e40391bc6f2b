"""A threaded WSGI server on the loopback interface that keeps connections alive."""

import io
import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.types import WSGIApplication

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.datastructures import Headers
from werkzeug.serving import ThreadedWSGIServer
from werkzeug.test import run_wsgi_app

HOST = "127.0.0.1"  # never another interface: anyone who reaches the emulator can run commands' models and read data
IDLE_SECONDS = 300.0
BODILESS_STATUSES = (204, 304)
ONE_WRITE_BYTES = 2**16

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
    _headers_buffer: list[bytes]  # http.server's, sent by flush_headers

    def run_wsgi(self) -> None:
        """Answer the request whose headers were just parsed."""
        environ = self.environ = self.make_environ()
        body = self._read_body(environ)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ.pop("wsgi.input_terminated", None)
        chunks, status, headers = self._application_answer(environ)
        try:
            code, _, reason = status.partition(" ")
            payload = b"".join(chunks)
            self.send_response(int(code), reason)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers and int(code) not in BODILESS_STATUSES:
                self.send_header("Content-Length", str(len(payload)))
            self._send(b"" if self.command == "HEAD" else payload)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    def _send(self, payload: bytes) -> None:
        """Send the headers, and the payload in the same write if it is small.

        Of an emulator that is killed between two writes the client has an answer without its body, which botocore, on
        its last attempt, takes for an empty one.
        """
        if len(payload) > ONE_WRITE_BYTES:
            self.end_headers()
            self.wfile.write(payload)
        else:
            self._headers_buffer.append(b"\r\n" + payload)
            self.flush_headers()

    def _application_answer(self, environ: dict[str, Any]) -> tuple[Iterable[bytes], str, Headers]:
        answered = False
        try:
            answer = run_wsgi_app(self.server.app, environ)
            answered = True
        finally:
            if not answered:  # the traceback goes to standard error; the client gets a status that it may retry
                self.close_connection = True
                self.send_response(HTTPStatus.INTERNAL_SERVER_ERROR)
                self.send_header("Content-Length", "0")
                self.send_header("Connection", "close")  # or the client sends its next request to nobody
                self.end_headers()
        return answer

    def _read_body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):
            return bytes(environ["wsgi.input"].read())
        return self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))

    def log(self, _type: str, message: str, *args: object) -> None:
        """Send what http.server has to say to the module's logger, and never to standard output."""
        log.debug(message, *args)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing per request: formatting it costs more than many a request."""


def make_server(port: int, application: WSGIApplication) -> ThreadedWSGIServer:
    """A bound, not yet serving server; its `port` is the real one, also when a free one (0) was asked for."""
    return ThreadedWSGIServer(HOST, port, application, handler=KeepAliveHandler)
