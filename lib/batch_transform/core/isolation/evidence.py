"""How sure it is that a row is bad, and not a good one at which a flaky model failed again and again. Pure arithmetic.

A model that refuses good requests at random, one of ten say, refuses a good row that is tried alone eleven times with
the chance 1e-11. So a row is given up once its tries would be that unlikely for a good one: their weight, the negative
logarithm of that chance, is at least that of 1e-6 divided by the rows that could be given up so. How often good
requests fail is observed, and never known:

- of the whole run: the rate that so few failures among so many good requests would show once in 20 times, by
  Chernoff's bound; where none failed that is the rule of three, 3 / good requests seen. Each try weighs -ln(rate).
- of each job, since a model may be down for one job alone: n tries weigh no more there than the likelihood ratio of
  "this row fails always" to "it fails as the good ones of this job do",

      max over f of (1 - f)^(seen - failed) f^(failed + n)   to   the same for seen and failed alone

  which bounds, whatever f was in that job, the chance that the row fails n times while as few of the others do. Where
  nothing good was seen in a job, its tries weigh nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from batch_transform.core.amounts import counted

# The chance to give up any good row of a run.
CHANCE = 1e-6
# Two tries at least: that a row was tried but once says nothing of how often others fail that were tried but once.
LEAST_TRIES = 2
# A row that needs more says that the model is flaky rather than that the row is bad.
MAX_TRIES = 50
# In each of the first plans a sixth of the chance is for the rows that were tried alone by then; of what is left, each
# later plan of a run whose rounds overlap has a part, smaller and smaller: 1/2, 1/6, 1/12 and so on, which add up to 1.
_FIRST_PLANS = 5
_ONCE_IN = 20
_RULE_OF_THREE = 3.0
# Failures of good requests that are expected before any was seen: one model in twenty is flaky.
_RARELY = 0.05


@dataclass(frozen=True)
class Rate:
    """How often good requests failed: `failed` of `seen`, which is a mean where an object was several requests."""

    failed: float = 0.0
    seen: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.failed <= self.seen + 1e-9:
            raise ValueError(f"{self.failed} of {self.seen} requests cannot have failed")

    def __add__(self, other: Rate) -> Rate:
        return Rate(self.failed + other.failed, self.seen + other.seen)

    @property
    def share(self) -> float:
        """The share that failed; 0 where none was seen."""
        return min(1.0, self.failed / self.seen) if self.seen else 0.0

    @property
    def words(self) -> str:
        """How often, in words, as a stop over a flaky model says it."""
        return f"of about {counted(round(self.seen), 'good request')} {self.failed:,.0f} failed ({self.share:.1%})"

    @property
    def likely(self) -> float:
        """The rate to expect. A model that never failed at a good request is likely one that does not."""
        return (self.failed + _RARELY) / (self.seen + 1)

    @property
    def bound(self) -> float:
        """The upper bound of the rate, never 0; 1 where nothing good was seen."""
        if self.seen <= _RULE_OF_THREE:
            return 1.0
        low, high = self.share, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            if self.seen * _divergence(self.share, middle) < math.log(_ONCE_IN):
                low = middle
            else:
                high = middle
        return min(1.0, max(high, _RULE_OF_THREE / self.seen))


def _divergence(share: float, rate: float) -> float:
    """Kullback and Leibler's, of two coins."""
    if share < 1 <= rate:
        return math.inf
    passing = (1 - share) * math.log((1 - share) / (1 - rate)) if share < 1 else 0.0
    return passing + (share * math.log(share / rate) if share else 0.0)


def weight_in_job(tries: float, rate: Rate) -> float:
    """Returns what `tries` failures of a row weigh in a job whose good requests failed at that rate."""
    if not tries or not rate.seen:
        return 0.0
    together = min(1.0, (rate.failed + tries) / (rate.seen + tries))
    if together >= 1:
        return 0.0
    return rate.seen * _divergence(rate.share, together) - tries * math.log(together)


def weight(tries: Mapping[str, float], jobs: Mapping[str, Rate], run: Rate) -> float:
    """Returns what a row's failures alone weigh; `tries` by job, `jobs` and `run` how often good requests failed."""
    each = -math.log(run.bound)
    return sum(min(count * each, weight_in_job(count, jobs.get(job, Rate()))) for job, count in tries.items())


def weight_needed(rows: int, rows_alone: int, plan: int) -> float:
    """Returns the weight at which a row is given up.

    Args:
        rows: of the run.
        rows_alone: of them that were tried alone.
        plan: the number of the latest one that has sent some.
    """
    later = max(0, plan - _FIRST_PLANS)
    shares = (_FIRST_PLANS + 1) * max(1, later * (later + 1))
    return math.log(max(1, min(rows, shares * rows_alone)) / CHANCE)


def rate_of(passed: float, failed: Iterable[int]) -> Rate:
    """Returns how often good requests failed, of so many that passed and of objects that failed.

    An object of several requests fails with the first of them that does, and it is not told which that was. The
    requests that it stands for are those expected up to the first failure at the most likely rate, found by iteration.

    Args:
        passed: requests.
        failed: of each object that failed although its rows are good, its requests.
    """
    sizes: dict[int, int] = {}
    for requests in failed:
        sizes[requests] = sizes.get(requests, 0) + 1
    count = sum(sizes.values())
    seen = passed + count
    for _ in range(100 if count and max(sizes) > 1 else 0):
        share = count / seen
        again = passed + sum(number * _until_failure(size, share) for size, number in sizes.items())
        if abs(again - seen) <= 1e-6 * seen:
            break
        seen = again
    return Rate(count, seen)


def _until_failure(requests: int, share: float) -> float:
    """The expected requests up to the first that fails, given that one of them does."""
    if share >= 1 or requests == 1:
        return 1.0
    none = math.exp(requests * math.log1p(-share))
    return max(1.0, (1 - none * (1 + requests * share)) / (share * (1 - none)))


@lru_cache(maxsize=4096)
def tries_for(weight: float, run: Rate, good: float, controls: int) -> int | None:
    """Returns how many failures in one job weigh so much; None: more than MAX_TRIES.

    Args:
        weight: that is still needed.
        run: how often good requests failed so far; they are taken to fail as often in that job.
        good: other rows of the job that are tried as often, and are good.
        controls: of the job.
    """
    for tries in range(1, MAX_TRIES + 1):
        seen = controls + good * tries
        job = Rate(run.share * seen, seen)
        if min(-tries * math.log((run + job).bound), weight_in_job(tries, job)) >= weight:
            return tries
    return None
