"""A request to stop that can also break off what would not look for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class StopSignal:
    """Set once, never cleared."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def set(self) -> None:
        """Asks to stop, and calls everything that is registered."""
        with self._lock:
            self._event.set()
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()

    def is_set(self) -> bool:
        """Returns whether stopping was asked for."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Returns whether stopping was asked for, at once if so, else after that many seconds."""
        return self._event.wait(seconds)

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Has stopping call `callback` within the block, also if it was asked for before."""
        with self._lock:
            self._callbacks.append(callback)
            already = self._event.is_set()
        if already:
            callback()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)
