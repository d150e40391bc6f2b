"""What befalls a driver at the n-th request that changes the world."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from support.watching_proxy import Answer, Cut, Passing, WatchingProxy


@dataclass
class Strike:
    """Does something at the n-th mutating request (counted from 0), before it arrives or after it took effect.

    Attributes:
        act: what is done; the request is then lost, or its answer is.
        fits: which requests are counted.
        struck: the request that it was.
    """

    number: int
    after: bool
    act: Callable[[], None]
    fits: Callable[[Passing], bool] = lambda passing: passing.mutates
    struck: Passing | None = None
    seen: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    chosen: int | None = None

    def into(self, proxy: WatchingProxy) -> Strike:
        """Lets it happen in a proxy."""
        proxy.watch, proxy.answered = self._before, self._after
        return self

    def _before(self, passing: Passing) -> None:
        if not self.fits(passing):
            return
        with self.lock:
            number, self.seen = self.seen, self.seen + 1
        if number == self.number:
            self.chosen = id(passing)
            if not self.after:
                self._strike(passing)

    def _after(self, passing: Passing) -> None:
        if self.chosen == id(passing):
            self._strike(passing)

    def _strike(self, passing: Passing) -> None:
        self.struck = passing
        self.act()
        raise Cut


THROTTLED = b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
BROKEN = b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"


class Weather:
    """Faults on the way, at random: throttling, 500s, resets, lost responses, on each S3 and SageMaker call."""

    def __init__(self, seed: int, probability: float) -> None:
        self._draw, self._probability = random.Random(seed), probability
        self._lock = threading.Lock()
        self._to_lose: set[int] = set()
        self.struck: dict[str, int] = {}

    def into(self, proxy: WatchingProxy) -> Weather:
        """Lets it happen in a proxy."""
        proxy.watch, proxy.answered = self._before, self._after
        return self

    def _before(self, passing: Passing) -> Answer | None:
        with self._lock:
            if self._draw.random() >= self._probability:
                return None
            kind = self._draw.choice(["throttled", "500", "reset", "lost"])
            self.struck[kind] = self.struck.get(kind, 0) + 1
            if kind == "lost":
                self._to_lose.add(id(passing))
                return None
        if kind == "reset":
            raise Cut
        if passing.operation:
            return (400, [], THROTTLED) if kind == "throttled" else (500, [], b"{}")
        return (503, [], SLOW_DOWN) if kind == "throttled" else (500, [], BROKEN)

    def _after(self, passing: Passing) -> None:
        with self._lock:
            lost = id(passing) in self._to_lose
            self._to_lose.discard(id(passing))
        if lost:
            raise Cut


class Hold:
    """Stops at the first request that fits: the driver is frozen, and its request waits until it is let go."""

    def __init__(self, fits: Callable[[Passing], bool], act: Callable[[], None]) -> None:
        self._fits, self._act = fits, act
        self._chosen: Passing | None = None
        self._lock = threading.Lock()
        self.held, self.released = threading.Event(), threading.Event()

    def into(self, proxy: WatchingProxy) -> Hold:
        """Lets it happen in a proxy."""
        proxy.watch = self._before
        return self

    def _before(self, passing: Passing) -> None:
        with self._lock:
            if self._chosen is not None or not self._fits(passing):
                return
            self._chosen = passing
        self._act()
        self.held.set()
        self.released.wait()
