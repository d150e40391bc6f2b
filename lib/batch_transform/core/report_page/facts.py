"""What a page is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from batch_transform.core.ledger import Step
from batch_transform.core.report_keys import RunReport
from batch_transform.core.run_state import RunState


@dataclass(frozen=True)
class PageFacts:
    """What a page tells of, all of it known when the run ends.

    Attributes:
        report: the numbers; the page has them as they are there.
        state: the run.
        steps: of its ledger, with their times.
        at: when the page was made.
        objects: the spans of the first round (SPAN_SCHEMA), None where they could not be read or are too many.
        versions: what was at work, by name.
        region: where AWS's console shows the run; None: an emulator's, which has none.
    """

    report: RunReport
    state: RunState
    steps: Sequence[Step]
    at: datetime
    objects: pa.Table | None = None
    versions: tuple[tuple[str, str], ...] = ()
    region: str | None = None
