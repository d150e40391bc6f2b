"""Transform one object: bodies out, up to so many at once; responses in, in order."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

Body = TypeVar("Body")
Response = TypeVar("Response")


class GivenUpError(Exception):
    """A body was not sent, because one before it has failed. It never comes out of `send_in_order`."""


@dataclass(frozen=True)
class Slots:
    """What the files of one instance share.

    Attributes:
        pool: Runs the invocations; it has as many threads as MaxConcurrentTransforms.
        held: Counts bodies that are in memory, from before they are read until their response is written. It bounds the
            memory of an instance to about twice MaxConcurrentTransforms * MaxPayloadInMB and the responses to that.
    """

    pool: Executor
    held: threading.Semaphore


def send_in_order(
    bodies: Iterator[Body],
    invoke: Callable[[Body], Response],
    write: Callable[[Response], None],
    slots: Slots,
    send_rest_after: tuple[type[Exception], ...] = (),
) -> None:
    """Invokes every body and writes every response, in the order of the bodies.

    A file that waits for a slot writes its own finished responses first, so the files of an instance cannot block each
    other for good. The first exception of `bodies`, `invoke` or `write` ends the file: no further body is sent, and
    what is in flight has ended when the exception comes out.

    Args:
        bodies: What to send.
        invoke: Gives the response to a body.
        write: Takes each response.
        slots: What bounds concurrency and memory.
        send_rest_after: After one of these the remaining bodies are sent all the same, and their responses dropped.
    """
    queue = _Queue(invoke, write, slots, send_rest_after)
    try:
        while queue.send_next(bodies):
            pass
        queue.finish()
    finally:
        queue.give_up()


class _Queue(Generic[Body, Response]):
    """The bodies of one file that are sent but not yet written, oldest first."""

    def __init__(
        self,
        invoke: Callable[[Body], Response],
        write: Callable[[Response], None],
        slots: Slots,
        send_rest_after: tuple[type[Exception], ...],
    ) -> None:
        self._invoke = invoke
        self._write = write
        self._slots = slots
        self._send_rest_after = send_rest_after
        self._failure: Exception | None = None
        self._pending: deque[Future[Response]] = deque()
        self._given_up = threading.Event()

    def send_next(self, bodies: Iterator[Body]) -> bool:
        """Reads and submits a body, once there is a slot, and writes what is finished; False: there is none."""
        while not self._slots.held.acquire(blocking=not self._pending):
            self._write_oldest()
        # Read only now: as many files as there are slots would each hold a body for which there is none.
        submitted = False
        try:
            for body in bodies:
                self._pending.append(self._slots.pool.submit(self._answer, body))
                submitted = True
                break
        finally:
            if not submitted:
                self._slots.held.release()
        while self._pending and self._pending[0].done():
            self._write_oldest()
        return submitted

    def finish(self) -> None:
        """Writes all that is left."""
        while self._pending:
            self._write_oldest()
        if self._failure is not None:
            raise self._failure

    def give_up(self) -> None:
        """Sends nothing more, and waits for what is in flight."""
        self._given_up.set()
        for future in self._pending:
            future.cancel()
        wait(self._pending)
        for _ in self._pending:
            self._slots.held.release()

    def _write_oldest(self) -> None:
        future = self._pending.popleft()
        try:
            response = future.result()
            if self._failure is None:
                self._write(response)
        except self._send_rest_after as error:
            self._failure = self._failure or error
        finally:
            self._slots.held.release()

    def _answer(self, body: Body) -> Response:
        if self._given_up.is_set():
            raise GivenUpError
        answered = False
        try:
            response = self._invoke(body)
            answered = True
        finally:
            # Told here, not where the response is written: the pool would send the next body in between.
            if not answered and not self._send_rest_after:
                self._given_up.set()
        return response
