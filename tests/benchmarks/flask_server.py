"""A model server that echoes, as a person would write one: Flask under waitress."""

import json

import flask
import waitress

THREADS = 8
MAX_BODY_BYTES = 128 * 2**20

app = flask.Flask(__name__)


@app.get("/ping")
def ping() -> str:
    """Says that it is there."""
    return ""


@app.post("/invocations")
def invocations() -> flask.Response:
    """Answers the body; waitress keeps one over half a megabyte in a temporary file, as its default is."""
    return flask.Response(flask.request.get_data(), mimetype="application/jsonlines")


if __name__ == "__main__":
    server = waitress.create_server(app, listen="127.0.0.1:0", threads=THREADS, max_request_body_size=MAX_BODY_BYTES)
    print(json.dumps({"url": f"http://127.0.0.1:{server.effective_port}"}), flush=True)
    server.run()
