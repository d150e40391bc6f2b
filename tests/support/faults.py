"""Faults at the n-th mutation, counted over all the ports that share one Faults.

A crash is a BaseException, and every later call raises it too: no `finally` and no handler can tidy up after it, as
after SIGKILL. The world is what the ports share; a resume builds new ports over the same world.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any


class Crash(BaseException):
    """The process is dead."""


class Fate(Enum):
    DIE_BEFORE = "die before it takes effect"
    DIE_AFTER = "die after it took effect"
    LOSE_REQUEST = "an error, and nothing happened"
    LOSE_RESPONSE = "an error, though it took effect"
    RESEND = "the response is lost and the client sends it again, as boto3 does"


class Faults:
    """Numbers the mutations from 0, and gives each the fate it was told; `log` has what was asked for."""

    def __init__(self, fates: Mapping[int, Fate] | None = None, watch: Callable[[], None] | None = None) -> None:
        self.fates = dict(fates or {})
        self.watch = watch or (lambda: None)  # called before each mutation
        self.log: list[str] = []
        self.dead = False
        self._lock = threading.RLock()

    def read(self) -> None:
        """Called before anything that only looks."""
        if self.dead:
            raise Crash

    def mutate(self, name: str, effect: Callable[[], Any], lost: Callable[[], BaseException] | None = None) -> Any:
        """Returns what `effect` returns, unless fate has it otherwise; `lost` makes the error of a lost message."""
        with self._lock:
            self.read()
            self.watch()
            fate = self.fates.get(len(self.log))
            self.log.append(name)
            if fate is Fate.DIE_BEFORE:
                self._die()
            if fate is Fate.LOSE_REQUEST and lost is not None:
                raise lost()
            result = effect()
            if fate is Fate.DIE_AFTER:
                self._die()
            if fate is Fate.LOSE_RESPONSE and lost is not None:
                raise lost()
            return effect() if fate is Fate.RESEND else result

    def _die(self) -> None:
        self.dead = True
        raise Crash
