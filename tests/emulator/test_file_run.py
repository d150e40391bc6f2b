"""Order, concurrency and memory of one file's requests, with threads but without sockets."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from transform_emulator.data_plane.file_run import Slots, send_in_order


def send(bodies, invoke, write, concurrent: int = 4, held: int = 8) -> None:
    with ThreadPoolExecutor(concurrent) as pool:
        send_in_order(iter(bodies), invoke, write, Slots(pool, threading.Semaphore(held)))


def test_requests_of_one_file_are_in_flight_together_and_written_in_order() -> None:
    """A single test.csv had 4 POSTs in the same second; output is "listed in the same order" (developer guide)."""
    together, written = threading.Barrier(4, timeout=10), []

    def invoke(body: bytes) -> bytes:
        together.wait()  # breaks, and fails the test, unless four are in flight at once
        return body

    bodies = [str(number).encode() for number in range(40)]
    send(bodies, invoke, written.append)
    assert written == bodies


def test_the_first_failure_ends_the_file() -> None:
    """What comes after a failed request is not sent: the file's output is lost anyway."""
    sent = []

    def invoke(body: bytes) -> bytes:
        sent.append(body)
        if body == b"2":
            raise ValueError(body)
        return body

    written: list[bytes] = []
    with pytest.raises(ValueError, match="2"):
        send([str(number).encode() for number in range(1000)], invoke, written.append, concurrent=1, held=2)
    assert written == [b"0", b"1"]
    assert len(sent) < 10


def test_files_share_their_slots_without_blocking_each_other() -> None:
    """Many files, one slot more than nothing: each must still come to its end, and give back what it held."""
    held = threading.Semaphore(2)
    with ThreadPoolExecutor(2) as pool, ThreadPoolExecutor(8) as files:
        slots = Slots(pool, held)
        results: list[list[bytes]] = [[] for _ in range(8)]
        runs = [
            files.submit(send_in_order, iter([b"x"] * 50), lambda body: body, results[n].append, slots)
            for n in range(8)
        ]
        for run in runs:
            run.result(timeout=20)
    assert [len(result) for result in results] == [50] * 8
    assert [held.acquire(blocking=False) for _ in range(3)] == [True, True, False]


def test_reading_ahead_is_bounded() -> None:
    """At most `held` bodies exist at once, however fast the object is read and slow the model is."""
    alive, most, lock = 0, 0, threading.Lock()

    def bodies():
        nonlocal alive, most
        for _ in range(100):
            with lock:
                alive += 1
                most = max(most, alive)
            yield b"x"

    def write(_: bytes) -> None:
        nonlocal alive
        with lock:
            alive -= 1

    send(bodies(), lambda body: body, write, concurrent=2, held=4)
    assert most <= 4


def test_a_body_is_read_only_once_there_is_a_slot_for_it() -> None:
    """A hundred files under way, two slots: two bodies are in memory, not one for each file."""
    read, slow = [], threading.Event()

    def bodies(number: int):
        read.append(number)
        yield b"x"

    def invoke(body: bytes) -> bytes:
        assert slow.wait(20)
        return body

    with ThreadPoolExecutor(2) as pool, ThreadPoolExecutor(100) as files:
        slots = Slots(pool, threading.Semaphore(2))
        written: list[bytes] = []
        runs = [files.submit(send_in_order, bodies(n), invoke, written.append, slots) for n in range(100)]
        wait(runs, timeout=0.3)
        in_memory = len(read)
        slow.set()
        for run in runs:
            run.result(timeout=20)
    assert (in_memory, len(written)) == (2, 100)


def test_an_object_that_cannot_be_read_gives_its_slot_back() -> None:
    """Else the files after it would wait for good."""
    held = threading.Semaphore(1)

    def bodies():
        yield b"x"
        raise OSError

    with ThreadPoolExecutor(1) as pool, pytest.raises(OSError, match=r"^$"):
        send_in_order(bodies(), lambda body: body, lambda _: None, Slots(pool, held))
    assert [held.acquire(blocking=False) for _ in range(2)] == [True, False]
