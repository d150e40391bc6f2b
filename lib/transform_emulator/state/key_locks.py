"""Locks by bucket and key: what is done to one object is done by one thread at a time."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from transform_emulator.service.s3_locations import S3Location

STRIPES = 256


class KeyLocks:
    """A fixed number of locks that all objects share."""

    def __init__(self) -> None:
        self._locks = [threading.Lock() for _ in range(STRIPES)]

    @contextmanager
    def holding(self, places: Iterable[S3Location]) -> Iterator[None]:
        """Within the block no other thread holds any of these objects."""
        # In one order, or two threads could wait for each other.
        stripes = sorted({hash(place) % STRIPES for place in places})
        with ExitStack() as stack:
            for stripe in stripes:
                stack.enter_context(self._locks[stripe])
            yield

    def wait_for_holders(self) -> None:
        """Wait until all who hold an object now have let go of it."""
        for lock in self._locks:
            with lock:
                pass
