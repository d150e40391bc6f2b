"""The faults in force, and the count of the occasions that each of them saw. Threads meet here."""

import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from transform_emulator.faults.model import Fault, Kind


class FaultRegister:
    """Asked at every point at which something can be made to go wrong."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._seen: list[int] = []
        self._struck: list[int] = []
        self.replace(faults)

    def replace(self, faults: Sequence[Fault]) -> None:
        """Puts other faults in force, their counts at zero."""
        with self._lock:
            self._faults = list(faults)
            self._seen, self._struck = [0] * len(faults), [0] * len(faults)

    def documents(self) -> list[dict[str, Any]]:
        """Returns the declarations in force, each with `seen` and `struck`: its occasions, and how often it struck."""
        with self._lock:
            counted = zip(self._faults, self._seen, self._struck, strict=True)
            return [fault.document() | {"seen": seen, "struck": struck} for fault, seen, struck in counted]

    def find(self, kinds: Collection[Kind], facts: Mapping[str, object], body: bytes = b"") -> Fault | None:
        """Returns the fault that strikes now, the first one declared; every fault of these kinds counts the occasion.

        Args:
            kinds: What could go wrong here.
            facts: What the fault can be narrowed down to here; an `attempt` is a number from 1.
            body: The request's body, for `record`.
        """
        if not self._faults:  # the usual case, asked for every request: not worth a lock
            return None
        found: int | None = None
        with self._lock:
            for place, fault in enumerate(self._faults):
                if fault.kind not in kinds or not fault.strikes(facts, body):
                    continue
                # Counted whether or not it strikes: "the third call" means the third that is like this.
                self._seen[place] += 1
                if found is None and (not fault.calls or self._seen[place] in fault.calls):
                    found = place
            if found is None:
                return None
            self._struck[found] += 1
            return self._faults[found]
