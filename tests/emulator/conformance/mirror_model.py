"""The model server of the conformance suite: it answers with what it was asked, so that outputs show the requests.

It needs the standard library only. For a real account, put it into an image whose `serve` command runs it:
`FROM python:3-slim`, `COPY mirror_model.py /opt/`, `ENTRYPOINT ["python", "/opt/mirror_model.py"]`.

The job's Environment tells it what to do. MIRROR=echo (default) answers the body without its last newline;
MIRROR=describe answers one line of JSON about the request. MIRROR_SECONDS delays every answer, MIRROR_PARAMETERS is
what /execution-parameters gives. A body that holds `status=NNN` is answered with that status.
"""

import json
import os
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PARAMETERS = os.environ.get("MIRROR_PARAMETERS")
SECONDS = float(os.environ.get("MIRROR_SECONDS", "0"))
in_flight: list[int] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path == "/execution-parameters" and PARAMETERS:
            self._answer(200, PARAMETERS.encode())
        else:
            self._answer(200 if self.path == "/ping" else 404, b"")

    def do_POST(self) -> None:
        in_flight.append(threading.get_ident())
        together = len(in_flight)
        chunked = self.headers.get("Transfer-Encoding") == "chunked"
        body = b"".join(self._chunks()) if chunked else self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(SECONDS)
        together = max(together, len(in_flight))
        in_flight.pop()
        refused = re.search(rb"status=(\d+)", body)
        if refused:
            self._answer(int(refused[1]), b"first\nsecond")
        elif os.environ.get("MIRROR") == "describe":
            self._answer(200, json.dumps(self._description(body, together)).encode())
        else:
            self._answer(200, body.removesuffix(b"\n"))

    def _description(self, body: bytes, together: int) -> dict[str, object]:
        return {
            "bytes": len(body),
            "lines": body.count(b"\n"),
            "body": body[:1000].decode("latin-1"),
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "environment": {k: v for k, v in os.environ.items() if k.startswith(("SAGEMAKER_", "MIRROR"))},
            "in_flight": together,
            "server": os.getpid() if os.getpid() > 1 else os.environ.get("HOSTNAME"),
        }

    def _chunks(self):
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    here = ("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])) if "SAGEMAKER_BIND_TO_PORT" in os.environ else None
    server = ThreadingHTTPServer(here or ("0.0.0.0", 8080), Handler)
    server.serve_forever()
