"""Transform one object: bodies out, up to so many at once; responses in, in order."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass


@dataclass(frozen=True)
class Slots:
    """What the files of one instance share.

    Attributes:
        pool: Runs the invocations; it has as many threads as MaxConcurrentTransforms.
        held: Counts bodies that are in memory, from submission until their response is written. It bounds the memory
            of an instance to about twice MaxConcurrentTransforms * MaxPayloadInMB and the responses to that.
    """

    pool: Executor
    held: threading.Semaphore


def send_in_order(
    bodies: Iterator[bytes], invoke: Callable[[bytes], bytes], write: Callable[[bytes], None], slots: Slots
) -> None:
    """Invoke every body and write every response, in the order of the bodies.

    A file that waits for a slot writes its own finished responses first, so the files of an instance cannot block each
    other for good. The first exception of `bodies`, `invoke` or `write` ends the file: no further body is sent, and
    what is in flight has ended when the exception comes out.
    """
    pending: deque[Future[bytes]] = deque()

    def write_oldest() -> None:
        future = pending.popleft()
        try:
            write(future.result())
        finally:
            slots.held.release()

    try:
        for body in bodies:
            while not slots.held.acquire(blocking=not pending):
                write_oldest()
            pending.append(slots.pool.submit(invoke, body))
            while pending and pending[0].done():
                write_oldest()
        while pending:
            write_oldest()
    finally:
        for future in pending:
            future.cancel()
        wait(pending)
        for _ in pending:
            slots.held.release()
