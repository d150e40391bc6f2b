"""Counts the numbers of predictions in the workers that write them, in a state of bounded size. Pure.

What is counted is what Spark counts where it writes them itself (spark.watched_values).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.publishing.prediction_values import SKETCHED, value_counts
from batch_transform.core.report_histograms import PredictionRange

# The sketch is made of about so many rows, and exact of no more: it costs Spark a row and a column a microsecond.
SAMPLE_ROWS = 100_000


@dataclass(frozen=True)
class NumberColumn:
    """A prediction column whose values are counted.

    Attributes:
        place: of the field in the prediction.
        name: as the report has it.
        is_float: whether it may hold what is no number.
        note: why nothing but its nulls is counted; '' where all is.
    """

    place: int
    name: str
    is_float: bool = False
    note: str = ""


class ColumnCounts(TypedDict):
    """What one task has counted of a column; the ends are null where no value is finite."""

    filled: int
    finite: int
    least: float | None
    most: float | None
    sample: list[float]


NOTHING_COUNTED: ColumnCounts = {"filled": 0, "finite": 0, "least": None, "most": None, "sample": []}


def added(counts: ColumnCounts, column: NumberColumn, values: pa.Array, chosen: npt.NDArray[np.bool_]) -> ColumnCounts:
    """Returns the counts with those of more values; `chosen` tells which of these are in the sample."""
    filled = counts["filled"] + len(values) - values.null_count
    if column.note:
        return {**counts, "filled": filled}
    finite = pc.fill_null(pc.is_finite(values), False) if column.is_float else values.is_valid()
    numbers = values.filter(finite)
    sampled = values.filter(pc.and_(finite, pa.array(chosen))).cast(pa.float64(), safe=False)
    ends = pc.min_max(numbers).as_py()
    return {
        "filled": filled,
        "finite": counts["finite"] + len(numbers),
        "least": _least([counts["least"], ends["min"]]),
        "most": _most([counts["most"], ends["max"]]),
        "sample": [*counts["sample"], *sampled.to_pylist()],
    }


def _least(ends: Iterable[float | None]) -> float | None:
    return min((end for end in ends if end is not None), default=None)


def _most(ends: Iterable[float | None]) -> float | None:
    return max((end for end in ends if end is not None), default=None)


def range_of(column: NumberColumn, rows: int, counts: Iterable[ColumnCounts]) -> PredictionRange:
    """Returns what all tasks together have counted of a column.

    Args:
        column: it.
        rows: that were written.
        counts: of each task.
    """
    each = list(counts)
    filled, finite = sum(one["filled"] for one in each), sum(one["finite"] for one in each)
    least, most = _least(one["least"] for one in each), _most(one["most"] for one in each)
    found = PredictionRange(column=column.name, rows=rows, nulls=rows - filled, least=least, most=most)
    if column.note:
        return {**found, "note": column.note}
    sketch = sketched(np.array([value for one in each for value in one["sample"]], float))
    if not sketch or least is None or most is None:
        return {**found, "not_finite": filled - finite, "values": None}
    return {**found, "not_finite": filled - finite, "values": value_counts(sketch, finite, least, most)}


def sketched(values: npt.NDArray[np.float64]) -> Sequence[tuple[float, float]]:
    """Returns values with how often each is there; of too many distinct ones the mean of each of some groups.

    The groups have about as many values each, but for both ends, which stand alone.
    """
    distinct, often = np.unique(values, return_counts=True)
    if len(distinct) < SKETCHED:
        return list(zip(distinct.tolist(), often.astype(float).tolist(), strict=True))
    ordered = np.sort(values)
    groups = [ordered[:1], *np.array_split(ordered[1:-1], SKETCHED - 2), ordered[-1:]]
    return [(float(group.mean()), float(len(group))) for group in groups if len(group)]
