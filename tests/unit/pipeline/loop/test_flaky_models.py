"""A model that fails at random, whatever it is asked: no good row is given up for it, and the bad ones are found."""

from __future__ import annotations

import itertools
import os

import pytest

from support.flaky_runs import BAD_ROWS, STRATEGIES, WAYS, play
from support.sampling import one_in

pytestmark = pytest.mark.slow

RATES = (0.01, 0.1, 0.3, 0.6)
# Of each strategy and way all rates, another one first each time.
COMBINATIONS = [
    (RATES[(place + turn) % len(RATES)], way, strategy)
    for place, (strategy, way) in enumerate(itertools.product(STRATEGIES, WAYS))
    for turn in range(len(RATES))
]
# Of a run that goes on a model that fails at least so often may end it.
MAY_STOP = 0.3


def check(rate, way, strategy, seed, rows=1_000, **transform):
    ended = play(rate, way, strategy, seed, rows, **transform)
    assert ended.wrong == 0
    if ended.stopped:
        assert rate >= MAY_STOP, ended.stopped
        assert "flaky" in ended.stopped or "no record at all was scored" in ended.stopped, ended.stopped
    else:
        assert ended.found == BAD_ROWS


@pytest.mark.parametrize(("rate", "way", "strategy"), one_in(len(RATES), COMBINATIONS))
def test_no_good_row_is_given_up_and_every_bad_one_is_found(rate, way, strategy):
    check(rate, way, strategy, 0, invocations_max_retries=0)


@pytest.mark.long
@pytest.mark.parametrize(("rate", "way", "strategy"), COMBINATIONS)
def test_many_seeds_of_each(rate, way, strategy):
    """Two hundred, unless the environment says how many."""
    for seed in range(int(os.environ.get("FLAKY_SEEDS", "200"))):
        check(rate, way, strategy, seed, invocations_max_retries=0)


@pytest.mark.long
@pytest.mark.parametrize(("rate", "way", "strategy"), COMBINATIONS)
def test_ten_thousand_rows(rate, way, strategy):
    check(rate, way, strategy, 7, 10_000, invocations_max_retries=0)
