"""How near our splitting comes to the cheapest adaptive policy, in expectation under the prior of `splitting`.

Counted is what comes after the first round: seconds for its rounds and objects (`Costs`). A policy sees the good rows,
the bad rows and the failed spans of each round and then chooses for the next, with at most three levels as we have:

- *the cheapest*: after each round the part size with the least expected cost, where that expectation runs over all that
  the next round can show and over the best answer to it; or first a probe of up to 256 single rows.
- *ours*: `rows_per_part`, after a probe of 32 rows if every span of the first round failed.

Our probe is a circuit breaker for broken models, which the prior does not know; it costs a round that the prior alone
would not always ask for. So the cheapest is shown twice: bound to that rule as we are, and free of it.
Worlds in which all of our probe's rows are bad are left out, and both are told so: there the run stops.

What is approximated. Policies split all failed spans of a round alike, into parts of (nearly) one size; one that splits
only some of them, or merges parts, is not looked for. Part sizes and failed spans come from geometric grids, to which
the size that we choose is added; q is at the midpoints of ten cells a decade (other points than the policy's own). How
many of a round's parts fail, given q, is the failed spans plus a binomial with the exact mean (each span has at least
one), of which 16 are drawn with a fixed seed; values between the grid's numbers are interpolated. The bad rows of a
probe lie in different spans as far as they can. With two levels left nothing is approximated but the sizes. Both
policies are valued by the same code and the same draws, so ours cannot come out cheaper but for rounding of the parts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import comb, lgamma
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "lib"))

from batch_transform.core.isolation.splitting import Costs, Seen, rows_per_part

COSTS = Costs()
LEVELS = 3
PROBE_ROWS = 32
DRAWS = 16
Q = 10.0 ** (-7 + (np.arange(70) + 0.5) / 10)
LOG_BAD, LOG_GOOD = np.log(Q), np.log1p(-Q)


def fails(rows):
    """Returns, for each q, the chance that a span of so many rows fails."""
    return -np.expm1(np.multiply.outer(rows, LOG_GOOD))


def normalised(log_weight):
    """Returns weights over q that sum to 1."""
    weight = np.exp(log_weight - log_weight.max(axis=-1, keepdims=True))
    return weight / weight.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class State:
    """What a policy has seen.

    Attributes:
        good, bad: rows known to be.
        failed: spans known to fail, whose number a policy counts.
        others: spans of a probed row that was bad, of which nothing else is known.
        rows: in each of these spans; not always whole.
        pieces: into how many pieces a probe has cut the spans already; else one for each.
        told: log-likelihood of what both policies are told besides.
    """

    good: float
    bad: float
    failed: float
    others: float
    rows: float
    pieces: float
    told: np.ndarray

    def known(self):
        """Returns the log-likelihood of all but the failed spans."""
        return self.good * LOG_GOOD + self.bad * LOG_BAD + self.told

    def posterior(self):
        """Returns the weights of q."""
        return normalised(self.known() + self.failed * np.log(fails(self.rows)))

    def seen(self):
        """Returns what our policy is told: a span whose probed row was bad is one that failed all the same."""
        spans = round(self.failed + self.others)
        return Seen(round(self.good), round(self.bad), spans, max(round(spans * self.rows), spans))

    def piece_rows(self):
        return (self.failed + self.others) * self.rows / self.pieces


def sizes_below(rows):
    """Returns the part sizes that are tried."""
    sizes = np.unique(np.round(np.geomspace(1, max(1, rows - 1), 2 + int(4 * np.log2(max(2, rows))))))
    return sizes[sizes < max(rows, 2)]


def ours(state, levels):
    piece_rows, rows = (max(1, int(np.ceil(each))) for each in (state.piece_rows(), state.rows))
    return min(piece_rows, rows_per_part(rows, state.seen(), levels, COSTS))


def seconds_of_two(state, sizes):
    """Returns the expected cost of parts of each size, the failing ones of which are then split into single rows."""
    count = np.ceil(state.piece_rows() / sizes)
    part = fails(state.piece_rows() / count)
    failed_rows = part * state.rows * (state.failed / fails(state.rows) + state.others)
    again = np.where(sizes > 1, failed_rows @ state.posterior(), 0.0)
    rounds = 1 + (sizes > 1)
    return rounds * COSTS.round_seconds + (state.pieces * count + again) * COSTS.object_seconds


def value_of_two(state, cheapest):
    """Returns the expected cost with two levels left."""
    own = np.array([ours(state, 2)])
    if not cheapest:
        return seconds_of_two(state, own)[0]
    return seconds_of_two(state, np.concatenate([own, sizes_below(state.piece_rows())])).min()


def seconds_of_three(state, size, cheapest):
    """Returns the expected cost of parts of that size, after which two levels are left."""
    count = np.ceil(state.rows / size)
    first = COSTS.round_seconds + state.failed * count * COSTS.object_seconds
    if size == 1:
        return first
    part_rows, every = state.rows / count, state.failed * count
    numbers = np.unique(np.round(np.geomspace(state.failed, every, 20)))
    values = []
    for failed in numbers:
        good = state.good + (every - failed) * part_rows
        after = replace(state, good=good, failed=failed, rows=part_rows, pieces=failed)
        values.append(value_of_two(after, cheapest))
    return first + state.posterior() @ np.interp(failing_parts(state, count), numbers, values).mean(axis=1)


def failing_parts(state, count):
    """Returns draws of how many parts fail, for each q: one for each failed span, and a binomial of further ones."""
    part = fails(state.rows / count)
    mean = state.failed * count * part / fails(state.rows)
    trials = np.round((mean - state.failed) / part).clip(0).astype(np.int64)
    further = np.random.default_rng(1).binomial(trials[:, None], part[:, None], (len(Q), DRAWS))
    return state.failed + further


def seconds_of_probe(state, probed, cheapest, pieces, told_some_good):
    """Returns the expected cost of a probe of so many rows, after which two levels are left."""
    bad_row = Q / fails(state.rows)
    numbers = range(probed if told_some_good else probed + 1)
    chances = np.array([comb(probed, x) * bad_row**x * (1 - bad_row) ** (probed - x) for x in numbers])
    chances /= chances.sum(axis=0)
    values = []
    for bad in numbers:
        explained = min(bad, state.failed)
        after = replace(
            state,
            good=state.good + probed - bad,
            bad=state.bad + bad,
            failed=state.failed - explained,
            others=explained,
            rows=state.rows - probed / state.failed,
            pieces=pieces,
            told=state.told if bad == probed else np.zeros(len(Q)),
        )
        values.append(value_of_two(after, cheapest))
    return COSTS.round_seconds + probed * COSTS.object_seconds + np.array(values) @ (chances @ state.posterior())


def our_seconds(state, all_failed):
    """Returns what our policy is expected to take after a first round."""
    if not all_failed:
        return seconds_of_three(state, ours(state, LEVELS), cheapest=False)
    probed = probe_rows(state)
    return seconds_of_probe(state, probed, False, min(state.failed + probed, state.failed * state.rows), True)


def cheapest_seconds(state, all_failed):
    """Returns what the cheapest adaptive policy is expected to take: bound to our probe where we are, and free."""
    choices = [seconds_of_three(state, size, True) for size in {ours(state, LEVELS), *sizes_below(state.rows)}]
    probes = (1, 4, 16, 32, 64, 128, 256) if all_failed else (1, 8, 32)
    probes = [probed for probed in probes if probed <= state.failed * (state.rows - 1)]
    choices += [seconds_of_probe(state, probed, True, state.failed, False) for probed in probes]
    if not all_failed:
        return min(choices), min(choices)
    bound = seconds_of_probe(state, probe_rows(state), True, state.failed, True)
    return bound, min(bound, *choices)


def probe_rows(state):
    return int(min(PROBE_ROWS, state.failed * state.rows))


def first_rounds(objects, rows) -> Iterator[tuple[float, State, bool]]:
    """Yields what a first round may show: its probability, the state after it, and whether all failed.

    Of more than 20 numbers of failed spans, 20 stand for the ones around them.
    """
    fail = fails(rows)
    ways = np.array([lgamma(objects + 1) - lgamma(f + 1) - lgamma(objects - f + 1) for f in range(objects + 1)])
    number = np.arange(objects + 1)[:, None]
    chances = np.exp(ways[:, None] + number * np.log(fail) + (objects - number) * rows * LOG_GOOD).mean(axis=1)
    shown = np.unique(np.round(np.geomspace(1, max(1, objects - 1), 20))).astype(int)
    nearest = shown[np.abs(np.arange(1, objects)[:, None] - shown).argmin(axis=1)]
    for failed in shown if objects > 1 else []:
        chance = chances[1:objects][nearest == failed].sum()
        yield chance, State((objects - failed) * rows, 0, failed, 0, rows, failed, np.zeros(len(Q))), False
    state = State(0, 0, objects, 0, rows, objects, np.zeros(len(Q)))
    told = np.log1p(-np.minimum((Q / fail) ** probe_rows(state), 1 - 1e-12))
    some_good = np.exp(told) @ state.posterior()
    yield chances[objects] * some_good, replace(state, told=told), True


@dataclass(frozen=True)
class Ratio:
    """Our expected cost after any first round with a failure, beside the cheapest policy's.

    Attributes:
        some_failed: ours as a multiple of the cheapest, where the first round scored an object; 0: there is only one.
        bound: over all first rounds, where the cheapest too must probe when every object failed.
        free: over all first rounds, where it need not.
        excess_seconds: by how much ours is over the free one when every object failed.
    """

    some_failed: float
    bound: float
    free: float
    excess_seconds: float


def ratio(objects: int, rows: int) -> Ratio:
    """Returns how our expected cost compares to the cheapest, for a table of so many objects of so many rows."""
    sums = np.zeros((2, 3))  # some failed or all; ours, the bound cheapest, the free one
    excess = 0.0
    for chance, state, all_failed in first_rounds(objects, rows):
        seconds = np.array([our_seconds(state, all_failed), *cheapest_seconds(state, all_failed)])
        sums[int(all_failed)] += chance * seconds
        excess = seconds[0] - seconds[2]  # the last state is that in which every object failed
    some = sums[0, 0] / sums[0, 2] if objects > 1 else 0.0
    mine, bound, free = sums.sum(axis=0)
    return Ratio(float(some), float(mine / bound), float(mine / free), float(excess))
