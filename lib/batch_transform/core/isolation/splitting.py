"""Into how many parts a failed span is split: a pure function of its rows, of what was seen, and of what things cost.

The prior: each row is bad independently with one probability q, which is unknown and log-uniform between 1e-7 and 1
(any order of magnitude is as likely as any other). A span fails if and only if it holds a bad row. Then all that the
rounds so far have shown of q lies in the good rows, the bad rows and the spans that are failed now, with the likelihood

    (1 - q)^good * q^bad * (1 - (1 - q)^n)^failed        for failed spans of n rows each, on average

That their parents failed follows from it. A span is split into parts of s1 rows, those of them that fail into parts of
s2, and so on down to single rows. With p(s), the chance that a part of s rows fails given that its span of n did,

    n * (1/s1 + p(s1)/s2 + ... + p(sk)/1)  objects and k + 1 rounds, which all failed spans share,

are expected. The least of it is found over a grid of sizes, and anew after each round with what that round showed.
With one bad row in n it comes to about sqrt(n) rows a part and 2 * sqrt(n) objects; where the failed rows are few or
most of them are bad, another round costs more than it spares, and the spans are split into single rows at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SMALLEST_RATE = 1e-7
_RATES_PER_DECADE = 20
# Midpoints of cells of equal prior weight, so that neither end of the prior is counted, and log(1 - q) is finite.
_RATES: Floats = SMALLEST_RATE ** (1 - (np.arange(7 * _RATES_PER_DECADE) + 0.5) / (7 * _RATES_PER_DECADE))
_LOG_BAD, _LOG_GOOD = np.log(_RATES), np.log1p(-_RATES)
# The cost is flat around its least: sizes a fifth apart are within 1 % of it.
_SIZES_PER_OCTAVE = 4


@dataclass(frozen=True)
class Seen:
    """What the rounds so far have shown.

    Attributes:
        good_rows: scored.
        bad_rows: given up, each after it failed alone.
        failed_spans: those that are failed now and not split yet.
        failed_rows: in those failed spans together.

    Raises:
        ValueError: no rounds can have shown that.
    """

    good_rows: int
    bad_rows: int
    failed_spans: int
    failed_rows: int

    def __post_init__(self) -> None:
        if min(self.good_rows, self.bad_rows, self.failed_spans) < 0 or self.failed_rows < self.failed_spans:
            raise ValueError(f"no rounds can have shown {self}")


@dataclass(frozen=True)
class Costs:
    """What a round and an object cost, in seconds of waiting; only their ratio matters.

    Attributes:
        round_seconds: a job takes 3 to 5 minutes to start, whatever it does (transform_emulator/FACTS.md, 6).
        object_seconds: one object is put, fetched, sent as a request, put as output, and counted. Our estimate.
    """

    round_seconds: float = 240.0
    object_seconds: float = 0.25


@lru_cache(maxsize=4096)
def rows_per_part(rows: int, seen: Seen, levels: int, costs: Costs = Costs(), tries: int = 1) -> int:
    """Returns how many rows a part of a failed span has at most: less than `rows`; 1 splits it into single rows.

    How many rounds are worth it is decided by the mean failed span, so that every span of a round agrees; then each
    span is split into as few objects as those rounds allow it.

    Args:
        rows: of the span; 1 or 2 give 1.
        seen: what was shown so far, this span among the failed ones.
        levels: how often it may still be split, the last time into single rows; at least 1.
        costs: of a round and of an object.
        tries: objects that a single row takes, each a try of its own. They make single rows dearer, and so the parts
            before them smaller; how many rounds are worth it is decided as if it were one, but for the rounds that
            would be a single one: that all rows are sent alone at once.

    Raises:
        ValueError: `rows` or `levels` is less than 1, or no span has failed.
    """
    if rows < 1 or levels < 1 or not seen.failed_spans:
        raise ValueError(f"cannot split {rows} rows over {levels} levels after {seen}")
    if rows <= 2 or levels == 1:
        return 1
    worthwhile = _worthwhile_levels(seen, levels, costs)
    if worthwhile == 1 and tries > 1:
        worthwhile = min(2, _worthwhile_levels(seen, levels, costs, tries))
    return _plans(rows, seen, worthwhile, tries)[-1][1]


def parts(rows: int, part_rows: int) -> list[int]:
    """Returns the rows of each contiguous part of a span: at most `part_rows`, and sizes that differ by one at most."""
    count = -(-rows // part_rows)
    return [rows // count + (index < rows % count) for index in range(count)]


def _worthwhile_levels(seen: Seen, levels: int, costs: Costs, tries: int = 1) -> int:
    mean_rows = max(2, round(seen.failed_rows / seen.failed_spans))
    seconds = [
        level * costs.round_seconds + seen.failed_spans * objects * costs.object_seconds
        for level, (objects, _) in enumerate(_plans(mean_rows, seen, levels, tries), start=1)
    ]
    return 1 + seconds.index(min(seconds))


def _plans(rows: int, seen: Seen, levels: int, tries: int) -> list[tuple[float, int]]:
    """Returns, for at most 1, 2, ... `levels` levels, the least expected objects for a span, and its first part size.

    A shortest path through the sizes, from `rows` down to 1: a step from s to a smaller t costs the rows of the parts
    of s rows that are expected to fail, divided by t.
    """
    sizes = _sizes(rows)
    failing_rows = rows * _chance_to_fail(sizes, rows, _posterior(seen))
    step = np.where(sizes[None, :] < sizes[:, None], failing_rows[:, None] / sizes[None, :], np.inf)
    step[:, sizes == 1] *= tries
    left = np.where(sizes == 1, 0.0, np.inf)  # objects still to come once parts of that size are known to fail
    plans = []
    for _ in range(levels):
        through = step + left[None, :]
        plans.append((float(through[-1].min()), int(sizes[through[-1].argmin()])))
        left = np.where(sizes == 1, 0.0, through.min(axis=1))
    return plans


def _sizes(rows: int) -> Floats:
    sizes: Floats = np.unique(np.round(np.geomspace(1, rows, 2 + int(np.log2(rows) * _SIZES_PER_OCTAVE))))
    return sizes


def _chance_to_fail(sizes: Floats, rows: int, posterior: Floats) -> Floats:
    chances: Floats = np.expm1(sizes[:, None] * _LOG_GOOD) / np.expm1(rows * _LOG_GOOD) @ posterior
    return chances


@lru_cache(maxsize=64)
def _posterior(seen: Seen) -> Floats:
    mean_rows = seen.failed_rows / seen.failed_spans
    log_failed = np.log(-np.expm1(mean_rows * _LOG_GOOD))
    log_weight = seen.good_rows * _LOG_GOOD + seen.bad_rows * _LOG_BAD + seen.failed_spans * log_failed
    weight = np.exp(log_weight - log_weight.max())  # the likelihood itself underflows
    posterior: Floats = weight / weight.sum()
    return posterior
