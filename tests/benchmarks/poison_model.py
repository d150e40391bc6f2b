"""A model server that echoes `id` and answers `python poison_model.py STATUS` for a body with a bad record."""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STATUS = int(sys.argv[1])


class Handler(BaseHTTPRequestHandler):
    """Serves the two calls of the container contract."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answers /ping; there are no execution parameters."""
        self._answer(200 if self.path == "/ping" else 404, b"")

    def do_POST(self) -> None:
        """Answers /invocations with one line for each line, or with the status alone."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if b'"bad":true' in body:
            self._answer(STATUS, b"bad record")
            return
        records = [json.loads(line) for line in body.split(b"\n") if line]
        self._answer(200, b"\n".join([b'{"echo": %d}' % record["id"] for record in records]))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    """Keeps as many connections waiting as two instances open at once; the default, 5, refuses some."""

    request_queue_size = 128


if __name__ == "__main__":
    Server(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
