"""What happens in a run, as records: progress on the terminal, the log and tests are listeners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """One thing that happened; `text` holds no row data and no secret."""

    step: str
    text: str


Listener = Callable[[Event], None]
