"""Histograms: columns over an axis, and the same as numbers below."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from batch_transform.core.amounts import between, counted
from batch_transform.core.report_page.charts import WORK, Bar, Chart, Mark, columns_chart
from batch_transform.core.report_page.markup import Column, Html, folded, number, table

_GAP = 0.08


@dataclass(frozen=True)
class Axis:
    """From where to where an axis reaches, in equal parts or, where `is_log`, in equal ratios."""

    low: float
    high: float
    is_log: bool = False

    def at(self, value: float) -> float:
        """Returns where a value is, in parts of the axis."""
        if self.is_log:
            return Axis(math.log(self.low), math.log(self.high)).at(math.log(max(value, self.low)))
        return (value - self.low) / (self.high - self.low)

    @property
    def ticks(self) -> tuple[float, float, float]:
        """Its ends and its middle."""
        middle = math.sqrt(self.low * self.high) if self.is_log else self.low + (self.high - self.low) / 2
        return self.low, middle, self.high


@dataclass(frozen=True)
class Histogram:
    """How many things have which value.

    Attributes:
        edges: one more than there are counts.
        counts: of the things from one edge to the next.
        key: where the report has the counts; '': nowhere.
        least: of the things, where that is known better than by an edge.
        most: likewise.
    """

    edges: Sequence[float]
    counts: Sequence[int]
    key: str
    least: float = -math.inf
    most: float = math.inf

    @property
    def total(self) -> int:
        """How many things there are."""
        return sum(self.counts)

    @property
    def fullest(self) -> int:
        """The place of the highest count."""
        return list(self.counts).index(max(self.counts))

    def span(self, first: int, last: int) -> tuple[float, float]:
        """From where to where the things of these places lie."""
        return max(self.edges[first], self.least), min(self.edges[last + 1], self.most)

    @property
    def ends(self) -> tuple[float, float]:
        """From where to where all of them lie."""
        there = [place for place, count in enumerate(self.counts) if count]
        return self.span(there[0], there[-1])


@dataclass(frozen=True)
class Wording:
    """How a histogram is told: what its values are, of how many things which, and how a value is spelled."""

    value: str
    things: str
    spelled: Callable[[float], str]


def in_words(found: Histogram, thing: str, spelled: Callable[[float], str], *, about: str = "", how: str = "") -> str:
    """Returns what is to be seen on a histogram, without a full stop.

    Args:
        found: the counts.
        thing: what one of them is.
        spelled: how a value is.
        about: stands before a count that is no exact one.
        how: stands behind the things.
    """
    most, many = max(found.counts), f"{counted(found.total, thing)}{how}"
    fullest = between(*map(spelled, found.span(found.fullest, found.fullest)))
    if most == 1 < found.total:
        return f"{many}, of {between(*map(spelled, found.ends))}"
    if most == found.total and (most == 1 or not about):
        return f"{many}, {'all ' if most > 1 else ''}of {fullest}"
    return f"{many}; the most, {about}{most:,}, of {fullest}"


def drawn(chart: Chart, found: Histogram, axis: Axis, told: Wording, limits: Sequence[Mark] = ()) -> Html:
    """Returns a histogram as a chart, and folded below it as numbers.

    Args:
        chart: its name and title, and what is to be said of it.
        found: the counts.
        axis: on which.
        told: how.
        limits: lines through it, each at a value.
    """
    highest = max(found.counts)
    columns = []
    for (start, stop), count in zip(pairwise(found.edges), found.counts, strict=True):
        if count:
            right = axis.at(min(stop, found.most))  # beyond it a line may be drawn, which nothing here has crossed
            left = right - (axis.at(stop) - axis.at(start))
            gap = _GAP * (right - left)
            words = f"{count:,} from {told.spelled(start)} to {told.spelled(min(stop, found.most))}"
            columns.append((Bar(left + gap, right - gap, WORK, words), count / highest))
    marks = [Mark(axis.at(limit.at), limit.label) for limit in limits]
    ticks = [Mark(place / 2, told.spelled(value)) for place, value in enumerate(axis.ticks)]
    return Html(columns_chart(chart, columns, marks, ticks) + _numbers(chart.title, found, told))


def _numbers(title: str, found: Histogram, told: Wording) -> Html:
    heads = [Column(f"{told.value} from", True), Column("to", True), Column(told.things, True)]
    rows = [
        [told.spelled(start), told.spelled(stop), number(count, f"{found.key}.{place}" if found.key else "")]
        for place, ((start, stop), count) in enumerate(zip(pairwise(found.edges), found.counts, strict=True))
        if count
    ]
    return folded(f"{title}, in numbers", table(title, heads, rows))
