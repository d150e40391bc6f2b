"""Histograms, and what else is known of numbers, as a report holds it."""

from __future__ import annotations

from typing import TypedDict


class SizeCounts(TypedDict):
    """Records by size.

    Attributes:
        edges: in bytes, one more than there are counts; a record has at least the one before its count, and is smaller
            than the one after.
        counts: of records.
    """

    edges: list[int]
    counts: list[int]


class ValueCounts(TypedDict):
    """Finite values by size.

    Attributes:
        edges: one more than there are counts.
        counts: of the values from one edge to the next.
        below: how many are smaller than the first edge.
        above: how many are larger than the last.
        is_exact: whether these are counts; else they are about so many.
    """

    edges: list[float]
    counts: list[int]
    below: int
    above: int
    is_exact: bool


class _Range(TypedDict):
    column: str
    rows: int
    nulls: int | None
    least: float | None
    most: float | None


class PredictionRange(_Range, total=False):
    """What is known of a numeric column that the input has not, as it was written or as its files' footers tell it.

    Attributes:
        column: with a dot before a field of a struct.
        rows: of all files.
        nulls: of them; null where a footer does not tell it.
        least: the smallest value that is finite; likewise.
        most: the largest.
        not_finite: how many are no number, or infinite; only of what was counted.
        values: how the finite ones are distributed; only where there are some and they were counted.
        note: why they were not.
    """

    not_finite: int
    values: ValueCounts | None
    note: str


class PredictionsTold(TypedDict, total=False):
    """What a step and a report say of the numbers that were predicted; of nothing there is nothing.

    Attributes:
        predictions: columns of numbers, of a run that has merged its result.
        predictions_left_out: how many further ones nobody has counted.
    """

    predictions: list[PredictionRange]
    predictions_left_out: int
