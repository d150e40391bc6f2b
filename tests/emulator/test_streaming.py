"""MaxPayloadInMB=0: an object of any size passes, and is never held."""

import socket
import threading
import tracemalloc
from collections.abc import Iterator

import pytest

from transform_emulator.containers.container import Call, Container
from transform_emulator.containers.payload import Spooled, Streamed

MB = 2**20
OBJECT_MB = 200
HELD_MB = 32  # half of it is what a spooled response may take before it goes to disk


@pytest.fixture
def counting_server() -> Iterator[tuple[str, list[int]]]:
    """A server that counts the bytes of a chunked body, keeps none, and answers with as many bytes."""
    received: list[int] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as stream:
            while stream.readline() != b"\r\n":
                pass
            total = 0
            while size := int(stream.readline(), 16):
                for _ in range(0, size, MB):
                    total += len(stream.read(min(MB, size)))
                stream.readline()
            stream.readline()
            received.append(total)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
            for _ in range(total // MB):
                connection.sendall(bytes(MB))

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", received
    listener.close()


def test_neither_body_nor_response_is_held(counting_server: tuple[str, list[int]]) -> None:
    """ "arbitrarily large" (botocore, MaxPayloadInMB): 200 MB there and back take less than 32 MB of memory."""
    url, received = counting_server
    tracemalloc.start()
    body = Streamed(lambda: (bytes(MB) for _ in range(OBJECT_MB)))
    answer = Container(url).invoke(body, Call(None, None, timeout_seconds=60))
    returned = sum(len(chunk) for chunk in answer.body.chunks())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert received == [OBJECT_MB * MB]
    assert returned == OBJECT_MB * MB
    assert peak < HELD_MB * MB


def test_a_stream_begins_anew_for_each_attempt() -> None:
    """What was sent of a failed attempt is gone, so the object is read again; empty chunks would end the body."""
    streamed = Streamed(lambda: iter([b"a", b"", b"b"]))
    assert [list(streamed.chunks()), list(streamed.chunks())] == [[b"a", b"b"]] * 2


def test_a_spooled_response_can_be_read_twice() -> None:
    """A failure's text is read for the log after its status was looked at."""
    spooled = Spooled()
    spooled.append(b"ab")
    spooled.append(b"c")
    assert [b"".join(spooled.chunks()), b"".join(spooled.chunks())] == [b"abc"] * 2
