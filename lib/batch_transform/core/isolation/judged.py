"""A job with what was said of its spans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.framing import WHOLE
from batch_transform.core.isolation.verdict_rows import DEAD, SCORED
from batch_transform.core.limits import BYTES_PER_MB, DEFAULT_PAYLOAD_MB
from batch_transform.core.run_state import JobRecord


@dataclass(frozen=True)
class JudgedJob:
    """A job with its spans (SPAN_SCHEMA) and the verdicts on them (VERDICT_SCHEMA).

    Attributes:
        other_type: whether an instance type is left to try, if its own was not to be had.
    """

    record: JobRecord
    spans: pa.Table
    verdicts: pa.Table
    other_type: bool = False

    @property
    def scored_spans(self) -> int:
        """How many of its spans it scored."""
        scored = self.verdicts.filter(pc.is_in(self.verdicts["state"], value_set=pa.array([SCORED, DEAD])))
        return int(pc.count_distinct(scored["object"]).as_py())

    @property
    def scored_anything(self) -> bool:
        """Whether it answered for one record at least."""
        return bool(self.scored_spans or self.record.controls_passed)

    def requests(self, rows: np.ndarray, size_bytes: np.ndarray) -> np.ndarray:
        """Returns how many requests objects of so many rows and bytes were, about."""
        request = self.record.request
        if request.get("TransformInput", {}).get("SplitType") == WHOLE:
            return np.ones(len(rows), np.int64)
        if request.get("BatchStrategy") == "SingleRecord":
            return rows
        payload = request.get("MaxPayloadInMB") or DEFAULT_PAYLOAD_MB
        return np.maximum(1, np.ceil(size_bytes / (payload * BYTES_PER_MB)).astype(np.int64))
