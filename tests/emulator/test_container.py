"""How a model server is asked: health, advertised parameters, kept connections, what is broken off."""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from support.model_server import DROP
from support.scripted_model import ScriptedModel
from transform_emulator.containers.connections import CancelledError, Connections, Exchange
from transform_emulator.containers.container import Call, Container
from transform_emulator.containers.payload import InMemory

CALL = Call(None, None, timeout_seconds=5)
LARGE_BYTES = 20 * 2**20  # more than the buffers of a socket hold


def asked(container: Container, body: bytes = b"1") -> bytes:
    return b"".join(container.invoke(InMemory(body), CALL).body.chunks())


def test_health_is_asked_until_it_is_there(model: ScriptedModel) -> None:
    """`GET /ping` until 200, about every second (amazon-sagemaker-examples#815)."""
    model.script.ping_status = 503
    waits: list[float] = []

    def given_up(seconds: float) -> bool:
        waits.append(seconds)
        if len(waits) == 3:
            model.script.ping_status = 200
        return False

    assert Container(model.url).wait_until_healthy(10, given_up)
    assert waits == [1.0] * 3


def test_a_server_that_never_is_healthy(model: ScriptedModel) -> None:
    """The deadline ends it, or whoever knows that the process is gone."""
    model.script.ping_status = 500
    assert not Container(model.url).wait_until_healthy(0.05, lambda _: False)
    assert not Container(model.url).wait_until_healthy(60, lambda _: True)
    assert not Container("http://127.0.0.1:9").wait_until_healthy(60, lambda _: True)


def test_a_server_that_should_run_already_and_is_not_reached_is_given_up_soon(model: ScriptedModel) -> None:
    """Only a person starts it; one that answers, whatever it answers, has the service's half an hour."""
    gone = Container("http://127.0.0.1:9", unreached_seconds=0.1)
    assert not gone.wait_until_healthy(60, lambda _: False)
    assert gone.last_ping == "GET /ping: [Errno 111] Connection refused"
    model.script.ping_status = 500
    asked: list[float] = []
    busy = Container(model.url, unreached_seconds=0.1)
    assert not busy.wait_until_healthy(60, lambda seconds: bool(asked.append(seconds)) or len(asked) == 3)
    assert (len(asked), busy.last_ping) == (3, "GET /ping: 500")


@pytest.mark.parametrize("parameters", [None, b"not json", b"[]", b"7", b"\xff", b"[" * 100_000])
def test_parameters_that_are_none(model: ScriptedModel, parameters: bytes | None) -> None:
    """ "404 or any non-200 = not implemented"; what is no JSON object advertises nothing."""
    model.script.parameters = parameters
    assert Container(model.url).execution_parameters() == {}


def test_parameters(model: ScriptedModel) -> None:
    """`{"MaxConcurrentTransforms":8,"BatchStrategy":"MULTI_RECORD","MaxPayloadInMB":6}` (developer guide)."""
    model.script.parameters = json.dumps({"MaxPayloadInMB": 6}).encode()
    assert Container(model.url).execution_parameters() == {"MaxPayloadInMB": 6}


def test_a_connection_is_used_again(model: ScriptedModel) -> None:
    """The same source port for consecutive POSTs (EX-pytorch); a new one only where the server closed."""
    container = Container(model.url)
    assert [asked(container, b"%d" % number) for number in range(3)] == [b"0", b"1", b"2"]
    assert len({seen.client_port for seen in model.invocations}) == 1
    model.script.answer = lambda _: (DROP, b"")
    with pytest.raises((OSError, http.client.HTTPException)):
        asked(container)
    model.script.answer = lambda body: (200, body)
    assert asked(container) == b"1"
    assert len({seen.client_port for seen in model.invocations}) == 2


def test_an_error_status_keeps_the_connection_in_step(model: ScriptedModel) -> None:
    """The body of a 400 is read, or it would be taken for the next answer."""
    container = Container(model.url)
    model.script.answer = lambda body: (400, b"bad") if body == b"x" else (200, body)
    assert container.invoke(InMemory(b"x"), CALL).status == 400
    assert asked(container) == b"1"
    assert len({seen.client_port for seen in model.invocations}) == 1


def test_cancelling_breaks_off_what_is_in_flight_and_refuses_more(model: ScriptedModel) -> None:
    """StopTransformJob does not wait for a request that may take an hour."""
    entered, release = threading.Event(), threading.Event()

    def answer(body: bytes) -> tuple[int, bytes]:
        entered.set()
        release.wait(20)
        return 200, body

    model.script.answer = answer
    container, outcomes = Container(model.url), []

    def ask() -> None:
        with pytest.raises(CancelledError):
            asked(container)
        outcomes.append("cancelled")

    thread = threading.Thread(target=ask)
    thread.start()
    assert entered.wait(10)
    begin = time.monotonic()
    container.cancel()
    thread.join(10)
    release.set()
    assert (outcomes, time.monotonic() - begin < 5) == (["cancelled"], True)
    with pytest.raises(CancelledError):
        asked(container)


def test_a_kept_connection_that_the_server_closed_is_not_used() -> None:
    """Servers close idle connections without a word; a request on one would be lost, and its attempt counted."""
    listener, closed = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as stream:
                while stream.readline() != b"\r\n":
                    pass
                stream.read(1)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
            closed.set()

    threading.Thread(target=serve, daemon=True).start()
    container = Container(f"http://127.0.0.1:{listener.getsockname()[1]}")
    with listener:
        assert asked(container) == b"x"
        assert closed.wait(10)
        assert asked(container) == b"x"


def test_sending_and_waiting_count_together() -> None:
    """A body that is taken late and answered late is out of time, though neither alone took too long."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as stream:
            time.sleep(0.7)
            while stream.readline() != b"\r\n":
                pass
            stream.read(LARGE_BYTES)
            time.sleep(0.7)
            with contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()
    container = Container(f"http://127.0.0.1:{listener.getsockname()[1]}")
    with listener, pytest.raises(TimeoutError):
        container.invoke(InMemory(bytes(LARGE_BYTES)), Call(None, None, timeout_seconds=1))


HEAD = b"HTTP/1.1 200 OK\r\n"
TRICKLES = {
    "of known length": (HEAD + b"Content-Length: 1000\r\n\r\n", b"x"),
    "in chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "until the end": (HEAD + b"Connection: close\r\n\r\n", b"x"),
    "a status": (b"HTTP/1.1 ", b"2"),
    "a header": (HEAD + b"X-Own: ", b"x"),
    "headers": (HEAD, b"A: b\r\n"),
    "the length of a chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "trailers": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n"),
}


def trickling(listener: socket.socket, begins: bytes, piece: bytes) -> str:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(10_000)
            connection.sendall(begins)
            for _ in range(30):
                connection.sendall(piece)
                time.sleep(0.1)

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("kind", TRICKLES)
def test_a_server_that_trickles_is_out_of_time(kind: str) -> None:
    """InvocationsTimeoutInSeconds is for the whole request, not for each of its bytes."""
    listener = socket.create_server(("127.0.0.1", 0))
    container = Container(trickling(listener, *TRICKLES[kind]))
    begin = time.monotonic()
    with listener, pytest.raises(TimeoutError):
        container.invoke(InMemory(b"1"), Call(None, None, timeout_seconds=1))
    assert time.monotonic() - begin < 1.5


@pytest.mark.parametrize("kind", ["a status", "headers", "of known length"])
def test_a_ping_whose_answer_trickles_has_an_end(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transform_emulator.containers.container.PING_REQUEST_TIMEOUT_SECONDS", 0.5)
    listener = socket.create_server(("127.0.0.1", 0))
    container = Container(trickling(listener, *TRICKLES[kind]))
    begin = time.monotonic()
    with listener:
        assert container.execution_parameters() == {}
    assert time.monotonic() - begin < 1


def test_a_server_that_is_slow_is_out_of_time(model: ScriptedModel) -> None:
    """It is told when the time is over, not when the answer comes."""
    model.script.answer = lambda body: (time.sleep(1.5), (200, body))[1]
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        Container(model.url).invoke(InMemory(b"1"), Call(None, None, timeout_seconds=1))
    assert time.monotonic() - begin < 1.4


def test_a_kept_connection_is_free_only_when_its_exchange_is_over(model: ScriptedModel) -> None:
    """Else a second exchange takes it, and the end of the first breaks that one off: answers that never came."""
    connections = Connections("127.0.0.1", int(model.url.rpartition(":")[2]), is_tls=False)
    with connections.connected(5) as first:
        first.keep()
        with connections.connected(5) as second:
            assert second.connection is not first.connection
            second.keep()
        with connections.connected(5) as third:
            assert third.connection is second.connection
            assert third.connection.sock is not None


@pytest.fixture
def full() -> Iterator[tuple[Connections, contextlib.ExitStack, Exchange]]:
    """Connections to a server that has accepted one, whose block is the stack's, and lets no further one in."""
    with socket.socket() as listener, contextlib.ExitStack() as kept, contextlib.ExitStack() as block:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        connections = Connections(*listener.getsockname(), is_tls=False)
        exchange = block.enter_context(connections.connected(5))
        kept.enter_context(listener.accept()[0])
        kept.enter_context(socket.create_connection(listener.getsockname(), 5))
        yield connections, block, exchange


def test_a_request_that_is_not_let_in_takes_a_connection_that_comes_back(
    full: tuple[Connections, contextlib.ExitStack, Exchange],
) -> None:
    """The kernel drops what a full queue does not hold and tries again after a second, were the server idle by then."""
    connections, block, first = full
    with ThreadPoolExecutor(1) as pool:

        def taken() -> http.client.HTTPConnection:
            with connections.connected(20) as second:
                return second.connection

        waiting = pool.submit(taken)
        assert wait([waiting], 0.3).not_done
        first.keep()
        block.close()
        assert waiting.result() is first.connection


def test_a_request_that_is_not_let_in_is_broken_off(
    full: tuple[Connections, contextlib.ExitStack, Exchange],
) -> None:
    connections, _, _ = full
    with ThreadPoolExecutor(1) as pool:

        def taken() -> None:
            with connections.connected(60):
                raise AssertionError

        waiting = pool.submit(taken)
        connections.cancel()
        with pytest.raises(CancelledError):
            waiting.result(10)


def test_a_request_that_is_never_let_in_is_out_of_time(
    full: tuple[Connections, contextlib.ExitStack, Exchange],
) -> None:
    connections, _, _ = full
    with pytest.raises(TimeoutError), connections.connected(0.4):
        raise AssertionError


def test_many_exchanges_at_once_lose_no_answer(model: ScriptedModel) -> None:
    container = Container(model.url)
    bodies = [str(number).encode() for number in range(600)]
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda body: asked(container, body), bodies)) == bodies
