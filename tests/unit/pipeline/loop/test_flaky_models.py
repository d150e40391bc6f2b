"""A model that fails at random, whatever it is asked: no good row is given up for it, and the bad ones are found."""

from __future__ import annotations

import itertools
import os

import pytest

from batch_transform.core.errors import ServiceFailure
from batch_transform.core.isolation import tries_needed
from support.flaky_runs import BAD_ROWS, STRATEGIES, WAYS, FlakyModel, play
from support.memory_run import MemoryRun, all_rows
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


def test_rows_that_may_be_bad_are_told_from_unlucky_ones_however_many_they_are(monkeypatch):
    """Of 12,000 rows with 4,800 bad ones each start was paid and ended with exit code 4, whatever `errors` said."""
    monkeypatch.setattr(tries_needed, "FREE_REPEATS", 0)
    model, sizes = FlakyModel(0, "400", 1), [100] * 10
    model.bad = set(all_rows(sizes)[::2])
    run = MemoryRun(sizes, model, errors={"max_rows": 0})
    with pytest.raises(ServiceFailure, match=r"more repeats .* accept as many \(errors\.max_fraction\)"):
        run.to_the_gate()
    run.errors = {"max_fraction": 0.5}
    outcomes = run.outcomes(run.to_the_gate())
    assert {row for row, outcome in outcomes.items() if isinstance(outcome, dict)} == model.bad
