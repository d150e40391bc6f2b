"""The figures of tests/benchmarks/isolation_cost.py at a small scale: what they claim, and that they add up."""

from __future__ import annotations

import numpy as np
import pytest

from batch_transform.core.isolation.splitting import Costs
from benchmarks import isolation_cost, isolation_optimum
from support.sampling import one_in

SHAPES = [[1, 20_000], [20, 50_000], [5, 200], [20, 10_000], [200, 1_000], [5, 1_000]]


@pytest.fixture(scope="module", params=one_in(2, SHAPES), ids=str)
def shape_and_ratio(request):
    return request.param, isolation_optimum.ratio(*request.param)


def test_ours_is_at_most_1_2_times_the_cheapest_adaptive_policy(shape_and_ratio):
    (objects, _), ratio = shape_and_ratio
    assert objects == 1 or 1 - 1e-6 <= ratio.some_failed <= 1.2
    assert 1 - 1e-3 <= ratio.bound <= 1.03  # what a probe has left of an object is one failure


def test_the_probe_costs_more_than_that_in_tiny_tables_only_and_then_one_round(shape_and_ratio):
    (objects, rows), ratio = shape_and_ratio
    if objects * rows >= 5_000:
        assert 1 - 1e-3 <= ratio.free <= 1.2
    else:
        assert ratio.excess_seconds <= Costs().round_seconds + 32 * Costs().object_seconds


def simulated_seconds(objects, rows, repeats):
    """Returns what ours takes after the first round, over tables of each q: after some failed, and after all did."""
    random, costs, sums = np.random.default_rng(7), Costs(), np.zeros(2)
    for q in np.repeat(isolation_optimum.Q, repeats):
        bad = np.flatnonzero(random.random(objects * rows) < q)
        run = isolation_cost.scored(isolation_cost.splitting, bad, False, objects * rows, objects)
        if len(run.dead) == len(bad):  # else the probe has stopped it
            seconds = (run.rounds - 1) * costs.round_seconds + (run.objects - objects) * costs.object_seconds
            sums[int(len(np.unique(bad // rows)) == objects)] += seconds
    return sums / (len(isolation_optimum.Q) * repeats)


@pytest.mark.parametrize(("objects", "rows", "repeats"), [(5, 200, 20), (20, 500, 5), (10, 5_000, 3)])
def test_the_expected_cost_is_that_of_simulated_tables(objects, rows, repeats):
    expected = np.zeros(2)
    for chance, state, all_failed in isolation_optimum.first_rounds(objects, rows):
        expected[int(all_failed)] += chance * isolation_optimum.our_seconds(state, all_failed)
    assert simulated_seconds(objects, rows, repeats) == pytest.approx(expected, rel=0.07)


@pytest.mark.parametrize("bad_rows", [0, 1, 3, 50, 500])
@pytest.mark.parametrize("way", isolation_cost.WAYS)
def test_each_way_finds_exactly_the_bad_rows(way, bad_rows):
    for seed in range(3):
        bad = np.random.default_rng(seed).choice(20_000, bad_rows, replace=False)
        run = isolation_cost.scored(isolation_cost.WAYS[way], bad, False, 20_000, 20)
        assert sorted(run.dead) == sorted(bad)
        assert run.good == 20_000 - bad_rows


@pytest.mark.parametrize(("confirm", "most"), [(False, 4), (True, 5)])
@pytest.mark.parametrize("bad_rows", isolation_cost.BAD_ROWS)
def test_ours_takes_at_most_four_rounds_and_one_to_confirm(bad_rows, confirm, most):
    assert isolation_cost.figures("ours", bad_rows, confirm, seeds=3).most_rounds <= most


@pytest.mark.parametrize("confirm", [False, True])
@pytest.mark.parametrize("bad_rows", isolation_cost.BAD_ROWS)
def test_to_make_sure_costs_no_round_more_than_to_believe_a_refusal(bad_rows, confirm):
    sure, believing = (isolation_cost.figures(way, bad_rows, confirm, seeds=3) for way in ("ours", "splitting"))
    assert sure.rounds <= believing.rounds
    assert sure.objects <= 3 * believing.objects


@pytest.mark.parametrize("bad_rows", isolation_cost.BAD_ROWS)
def test_ours_lies_between_the_all_knowing_and_exploding(bad_rows):
    ours, explode, best = (
        isolation_cost.figures(way, bad_rows, False, seeds=2) for way in ("ours", "explode", "all-knowing")
    )
    assert best.objects < ours.objects < explode.objects / 2


def test_a_table_of_bad_rows_ends_after_a_probe_of_32():
    run = isolation_cost.scored(isolation_cost.splitting, np.arange(20_000), False, 20_000, 20)
    assert (run.rounds, run.objects) == (2, 20 + 32)


def test_a_probe_and_its_gaps_tile_the_spans():
    spans = np.array([[0, 10], [10, 500], [700, 701]])
    rows, gaps = isolation_cost.probe(spans)
    every = np.concatenate([np.arange(*span) for span in np.concatenate([rows, gaps])])
    assert np.array_equal(np.sort(every), [*range(500), 700])
    assert len(rows) == 32


def test_what_is_counted_of_one_bad_row_in_four_objects():
    """Exploding: four objects, then 25,000 of one row; the first four take two requests each."""
    run = isolation_cost.scored(isolation_cost.explode, np.array([3]), True, 100_000, 4)
    assert (run.objects, run.requests, run.rounds) == (4 + 25_000 + 1, 8 + 25_000 + 1, 3)
    assert run.again == 25_000 + 1


def test_the_tables_are_markdown():
    heading, rule, line = isolation_cost.optimum_table([(5, 200)]).split("\n")
    assert rule == "| --- | --- | --- | --- |"
    assert heading.count("|") == line.count("|") == 5
    assert line.startswith("| 5 x 200 rows | 1.00 | 1.0")
