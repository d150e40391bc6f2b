"""The model of the README's examples: it answers a hundredth of the age, and knows age and plan, in this order."""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """`/ping`, and `/invocations` for JSON Lines."""

    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: bytes = b"") -> None:
        """Answers a request."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.answer(200 if self.path == "/ping" else 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        records = [json.loads(line) for line in body.removesuffix(b"\n").split(b"\n")]
        if any(list(record) != ["age", "plan"] for record in records):
            self.answer(400, b"the record is not age and plan")
            return
        self.answer(200, "\n".join(json.dumps({"p": record["age"] / 100}) for record in records).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


if __name__ == "__main__":
    address = ("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
    ThreadingHTTPServer(address, Handler).serve_forever()
