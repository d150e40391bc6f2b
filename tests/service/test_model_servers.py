"""What is told of whoever is, or is not, where an emulator's model is said to be served."""

from __future__ import annotations

import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from batch_transform.pipeline.checks.model_servers import Pinged, pinged


@contextlib.contextmanager
def answering(words: bytes):
    """A listener that says the same to whoever has connected and sent something."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.recv(1000)
                        connection.sendall(words)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


@contextlib.contextmanager
def serving(status):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_port, asked
        server.shutdown()


def test_a_model_s_server_is_asked_below_the_path_of_its_url():
    with serving(200) as (port, asked):
        assert pinged(f"http://127.0.0.1:{port}/a/") == Pinged()
    assert asked == ["/a/ping"]


@pytest.mark.parametrize(("status", "is_fault"), [(404, True), (401, True), (500, False), (503, False)])
def test_one_that_has_no_ping_is_refused_and_one_that_is_not_ready_is_waited_for(status, is_fault):
    with serving(status) as (port, _):
        found = pinged(f"http://127.0.0.1:{port}")
    assert bool(found.fault) == is_fault
    assert str(status) in found.fault + found.note


def test_where_nobody_listens_it_is_said_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = pinged(f"http://127.0.0.1:{port}")
    assert found.fault.startswith("nobody listens there. Start the model's server first")
    assert found.may_mend


def test_a_host_that_does_not_exist_is_named():
    found = pinged("http://no-such-host.invalid:8080")
    assert "no host no-such-host.invalid is known here" in found.fault
    assert not found.may_mend


@pytest.mark.parametrize("words", [b"SSH-2.0-server\r\n", b"\x15\x03\x01\x00\x02\x02\x28", b""])
def test_whoever_speaks_something_else_is_told_with_the_scheme_that_may_be_meant(words):
    with answering(words) as port:
        assert "with no HTTP; check the port, or write https://" in pinged(f"http://127.0.0.1:{port}").fault


def test_a_server_without_tls_that_is_asked_by_https_is_told():
    with serving(200) as (port, _):
        assert "speaks no TLS; write http://" in pinged(f"https://127.0.0.1:{port}").fault
