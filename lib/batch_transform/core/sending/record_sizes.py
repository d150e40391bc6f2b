"""How many records of each size were exported: counts that add up, whoever has written which object. Pure.

A step is a quarter of a doubling, so a run of any size has about a hundred counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.report_histograms import SizeCounts
from batch_transform.core.spans import EXPORT_SCHEMA, without_history

_STEPS = 4  # in each doubling

# What an export writes: an object, and of one object of each task, or of each, how many records have which size.
WRITTEN_SCHEMA = pa.schema([*EXPORT_SCHEMA, pa.field("sizes", pa.list_(pa.int64()))])


@dataclass(frozen=True)
class ExportedObjects:
    """What an export has written.

    Attributes:
        spans: of SPAN_SCHEMA.
        sizes: of the records in them, those apart that no payload holds; None: there is none.
        uneven: of copies: why their rows would be repartitioned, were they written; empty: they would stay as they are.
    """

    spans: pa.Table
    sizes: SizeCounts | None = None
    uneven: str = ""


def counted(sizes: np.ndarray) -> np.ndarray:
    """Returns how many records have which size, a count for each step from one byte on."""
    return np.bincount((np.log2(np.maximum(sizes, 1)) * _STEPS).astype(np.int64))


def added(found: Iterable[Sequence[int] | np.ndarray]) -> np.ndarray:
    """Returns counts of each step together; they may reach to different sizes."""
    total = np.zeros(0, np.int64)
    for counts in found:
        longer, shorter = (total, counts) if len(total) >= len(counts) else (np.array(counts, np.int64), total)
        longer[: len(shorter)] += np.asarray(shorter, np.int64)
        total = longer
    return total


def exported(written: pa.Table) -> ExportedObjects:
    """Returns what was written (WRITTEN_SCHEMA) as spans that no job has sent yet, and the sizes of their records."""
    sizes = added(pc.drop_null(written["sizes"]).to_pylist())
    return ExportedObjects(without_history(written.drop_columns("sizes").cast(EXPORT_SCHEMA)), _told(sizes))


def task_bytes(written: pa.Table) -> list[int]:
    """Returns how many bytes each task has written (WRITTEN_SCHEMA): sizes are told by the last of its objects."""
    ends = np.flatnonzero(pc.is_valid(written["sizes"]).to_numpy())
    totals = np.cumsum(written["bytes"].to_numpy())[ends]
    return [int(size) for size in np.diff(totals, prepend=0)]


def _told(counts: np.ndarray) -> SizeCounts | None:
    filled = np.flatnonzero(counts)
    if not filled.size:
        return None
    first, last = int(filled[0]), int(filled[-1])
    edges = [math.ceil(2 ** (step / _STEPS)) for step in range(first, last + 2)]
    return {"edges": edges, "counts": counts[first : last + 1].tolist()}
