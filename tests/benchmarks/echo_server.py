"""Model servers that echo: `waitress` (with Flask, as a person would write one) or `bare` (http.server)."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

THREADS = 8
MAX_BODY_BYTES = 128 * 2**20


def serve_flask() -> None:
    """Flask under waitress, which keeps a body over half a megabyte in a temporary file, as its default is."""
    import flask
    import waitress

    app = flask.Flask(__name__)

    @app.get("/ping")
    def ping() -> str:
        return ""

    @app.post("/invocations")
    def invocations() -> flask.Response:
        return flask.Response(flask.request.get_data(), mimetype="application/jsonlines")

    server = waitress.create_server(app, listen="127.0.0.1:0", threads=THREADS, max_request_body_size=MAX_BODY_BYTES)
    _tell(server.effective_port)
    server.run()


def serve_bare() -> None:
    """Nothing but a read and a write: a server whose own cost is as small as Python's can be."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer(200 if self.path == "/ping" else 404, b"")

        def do_POST(self) -> None:
            self._answer(200, self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    _tell(server.server_port)
    server.serve_forever()


def _tell(port: int) -> None:
    print(json.dumps({"url": f"http://127.0.0.1:{port}"}), flush=True)


if __name__ == "__main__":
    {"waitress": serve_flask, "bare": serve_bare}[sys.argv[1]]()
