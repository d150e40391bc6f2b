"""How the numbers of a prediction are distributed, from a sketch of bounded size that was made while they were written.

The sketch is that of Ben-Haim and Tom-Tov, "A Streaming Parallel Decision Tree Algorithm" (JMLR 11, 2010), as Spark's
`histogram_numeric` has it: so many values, each with how often it was seen. Of a column with no more distinct values it
is exact; else near values are put together, and each then stands for those around it. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from batch_transform.core.report_histograms import PredictionRange, PredictionsTold, ValueCounts

SKETCHED = 128
_BINS = 24
# Where all but so many of both ends take less than that part of the whole range, the axis is theirs.
_TAIL, _NARROW = 0.01, 0.2


@dataclass(frozen=True)
class PredictedNumbers:
    """What is known of the numbers of a result.

    Attributes:
        ranges: of columns of numbers, in their order.
        left_out: how many further ones nobody has counted.
    """

    ranges: tuple[PredictionRange, ...] = ()
    left_out: int = 0

    def beside(self, footers: Sequence[PredictionRange]) -> PredictedNumbers:
        """Returns what was counted, and what files' footers tell of columns that were not."""
        counted = {each["column"] for each in self.ranges}
        others = [each for each in footers if each["column"] not in counted]
        if self.ranges:
            others = [{**each, "note": "by the files' footers: its values were not counted"} for each in others]
        return PredictedNumbers((*self.ranges, *others), max(0, self.left_out - len(others)))

    @property
    def told(self) -> PredictionsTold:
        """As a step and a report say it."""
        found: PredictionsTold = {"predictions": list(self.ranges)} if self.ranges else {}
        return {**found, "predictions_left_out": self.left_out} if self.left_out else found


NOTHING_KNOWN = PredictedNumbers()


def value_counts(sketch: Sequence[tuple[float, float]], total: int, least: float, most: float) -> ValueCounts:
    """Returns what a sketch says.

    Args:
        sketch: of all values or of a sample of them, in order, each with how often it stands there; at least one.
        total: how many values there are.
        least: the smallest value that was seen.
        most: the largest one.
    """
    least, most = float(least), float(most)
    values, counts = (np.array(each, dtype=float) for each in zip(*sketch, strict=True))
    seen, is_distinct = float(counts.sum()), len(values) < SKETCHED
    counts *= total / seen
    steps = _Distinct(values, counts) if is_distinct else _Between(values, counts, least, most)
    edges = _edges(steps, values, least, most, is_distinct=is_distinct)
    reached = np.round([steps.up_to(edge) for edge in edges]).astype(np.int64)
    below, above = (0 if edges[0] <= least else int(reached[0])), total - int(reached[-1])
    if edges[-1] >= most:  # the last edge is within, as the first one is
        reached[-1], above = total, 0
    reached[0] = below
    return {
        "edges": [float(edge) for edge in edges],
        "counts": np.diff(reached).tolist(),
        "below": below,
        "above": above,
        "is_exact": is_distinct and seen == total,
    }


class _Distinct:
    """Values that are all known: how many are smaller than one, and where so many are."""

    def __init__(self, values: np.ndarray, counts: np.ndarray) -> None:
        self._values, self._reached = values, np.cumsum(counts)

    def up_to(self, value: float) -> float:
        place = int(np.searchsorted(self._values, value))
        return float(self._reached[place - 1]) if place else 0.0

    def at(self, share: float) -> float:
        place = int(np.searchsorted(self._reached, share * self._reached[-1]))
        return float(self._values[min(place, len(self._values) - 1)])


class _Between:
    """Values of which each stands for those around it: as far on either side as half the way to its nearer neighbour.

    So one that is far from all others takes none of them along.
    """

    def __init__(self, values: np.ndarray, counts: np.ndarray, least: float, most: float) -> None:
        gaps = np.diff(values, prepend=-np.inf, append=np.inf)
        around = np.minimum(gaps[:-1], gaps[1:]) / 2
        self._from, self._to = np.maximum(values - around, least), np.minimum(values + around, most)
        self._counts = counts
        self._at = np.unique(np.concatenate((self._from, self._to)))
        self._reached = np.array([self.up_to(value) for value in self._at])

    def up_to(self, value: float) -> float:
        wide = self._to - self._from
        part = np.where(wide > 0, (value - self._from) / np.where(wide > 0, wide, 1.0), self._from < value)
        return float((self._counts * np.clip(part, 0, 1)).sum())

    def at(self, share: float) -> float:
        return float(np.interp(share * self._reached[-1], self._reached, self._at))


def _edges(
    steps: _Distinct | _Between, values: np.ndarray, least: float, most: float, *, is_distinct: bool
) -> np.ndarray:
    if least == most:
        return np.array([least, most])
    if is_distinct and most - least < _BINS and np.array_equal(values, np.floor(values)):
        return np.arange(least - 0.5, most + 1)  # whole numbers, such as classes, stand in the middle of theirs
    low, high = steps.at(_TAIL), steps.at(1 - _TAIL)  # floats of Python, whose overflow is an infinity
    if 0 < high - low < _NARROW * (most - least):
        margin = (high - low) / 2
        low, high = max(least, low - margin), min(most, high + margin)
    else:
        low, high = least, most
    # As fractions of both ends, which may be as far apart as no float is.
    parts = np.arange(_BINS + 1) / _BINS
    edges = low * (1 - parts) + high * parts
    edges[0], edges[-1] = low, high
    return edges
