"""The HTTP server under everything: an application that raises, bodies without a length."""

import errno
import http.client
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator

import pytest

from transform_emulator.http.server import make_server
from transform_emulator.service.allowed_callers import Doors


@pytest.fixture
def serve() -> Iterator[Callable[..., http.client.HTTPConnection]]:
    """Serves an application and gives a connection to it."""
    servers = []

    def start(application) -> http.client.HTTPConnection:
        server = make_server(0, application, Doors())
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_an_application_that_raises_is_a_500(serve) -> None:
    """AWS clients retry a 500; a connection that closes without an answer tells nobody anything."""

    def application(environ, start_response):
        raise KeyError("broken")

    connection = serve(application)
    for _ in range(2):  # the second is not sent on the connection that the server has closed
        connection.request("POST", "/", b"x")
        answer = connection.getresponse()
        assert (answer.status, answer.will_close) == (500, True)
        assert b"<Code>InternalError</Code>" in answer.read()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/state/objects/1"),
            "(No space left on device); see that the folder",
        ),
        (sqlite3.OperationalError("database or disk is full"), "(database or disk is full); see that the folder"),
        (OSError(errno.EMFILE, "Too many open files", "/state/objects/1"), "(Too many open files); its"),
        (KeyError("a value"), "failed; its"),
    ],
)
def test_a_500_has_the_words_of_the_machine_alone(serve, error, words) -> None:
    """An embedded emulator's standard error is read by nobody: of a full disk below its state no cause was told."""

    def application(environ, start_response):
        raise error

    connection = serve(application)
    connection.request("PUT", "/b/k", b"x")
    told = connection.getresponse().read().decode()
    assert (words in told, "/state" in told, "a value" in told) == (True, False, False)


def test_chunked_bodies_and_unread_bodies(serve) -> None:
    """AWS's Java SDK sends chunked bodies; what an application leaves unread must not become the next request."""

    def application(environ, start_response):
        start_response("200 OK", [])
        return [environ["wsgi.input"].read(3)]

    connection = serve(application)
    connection.request("PUT", "/", iter([b"abc", b"def"]), encode_chunked=True)
    assert connection.getresponse().read() == b"abc"
    connection.request("PUT", "/", b"xyzw")
    assert connection.getresponse().read() == b"xyz"


def test_a_body_that_ends_before_its_length_reaches_no_application(serve) -> None:
    """A client that is killed while it puts an object has put none: S3 answers IncompleteBody ("Error responses")."""
    seen = []

    def application(environ, start_response):
        seen.append(environ["wsgi.input"].read())
        start_response("200 OK", [])
        return [b""]

    connection = serve(application)
    connection.putrequest("PUT", "/lease")
    connection.putheader("Content-Length", "100")
    connection.endheaders(b"x" * 10)
    connection.sock.shutdown(socket.SHUT_WR)
    assert connection.getresponse().status == 400
    assert seen == []
