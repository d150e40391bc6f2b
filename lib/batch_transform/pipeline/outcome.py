"""What a handler reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from batch_transform.core.ledger import Part, StepKind


@dataclass(frozen=True)
class Outcome:
    """A ledger step to be appended: kind, payload and the parts that were written for it."""

    kind: StepKind
    payload: dict[str, Any] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
