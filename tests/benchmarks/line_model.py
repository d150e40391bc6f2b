"""A model server that answers each line with its length: `{"bytes": 123}`. As cheap as Python's own server allows."""

from __future__ import annotations

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Serves the two calls of the container contract."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answers /ping; there are no execution parameters."""
        self._answer(200 if self.path == "/ping" else 404, b"")

    def do_POST(self) -> None:
        """Answers /invocations with one line for each line."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        lines = body.removesuffix(b"\n").split(b"\n")
        self._answer(200, b"\n".join([b'{"bytes": %d}' % len(line) for line in lines]))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
