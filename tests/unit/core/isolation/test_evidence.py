"""When a row is given up: the weight of its failures, and how often it has to be tried."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.isolation.evidence import CHANCE, Rate, rate_of, weight, weight_in_job, weight_needed
from batch_transform.core.isolation.tries_needed import (
    FREE_REPEATS,
    MAX_TRIES,
    at_once,
    choose,
    flaky,
    most_repeats,
    tries_for,
)

RATES = st.tuples(st.integers(0, 500), st.integers(1, 5000)).map(lambda pair: Rate(min(pair), max(pair)))


def tries_of_a_run(rows, failed, seen):
    """Tries of a row alone where all jobs show the same."""
    rate, needed = Rate(failed, seen), weight_needed(rows, rows, plan=1)
    return next(n for n in itertools.count(2) if weight({"j": n}, {"j": rate}, rate) >= needed)


def test_a_row_is_tried_about_6_11_and_20_times_where_1_10_and_30_of_100_good_requests_fail():
    assert [tries_of_a_run(10_000, n, 1000) for n in (10, 100, 300)] == [6, 12, 22]
    assert [tries_of_a_run(10_000, 10 * n, 10_000) for n in (10, 100, 300)] == [6, 11, 20]


def test_where_none_failed_the_bound_is_the_rule_of_three():
    assert [Rate(0, seen).bound for seen in (0, 3, 30, 10_000)] == [1, 1, 0.1, 0.0003]
    assert tries_of_a_run(100, 0, 10_000) == 3


@given(RATES)
def test_the_bound_is_over_what_was_seen_and_never_nought(rate):
    assert rate.share <= rate.bound <= 1
    assert rate.bound > 0


@given(RATES, st.integers(1, 50))
def test_another_failure_of_a_good_request_never_lowers_the_bound_nor_makes_a_try_weigh_more(rate, tries):
    worse = Rate(min(rate.failed + 1, rate.seen), rate.seen)
    assert worse.bound >= rate.bound - 1e-12
    assert weight_in_job(tries, worse) <= weight_in_job(tries, rate) + 1e-9


@given(RATES, st.integers(1, 49))
def test_each_try_weighs_something_where_good_requests_were_scored(rate, tries):
    assert weight_in_job(tries + 1, rate) >= weight_in_job(tries, rate)
    assert (weight_in_job(tries, rate) > 0) == (rate.failed < rate.seen)


def test_tries_in_a_job_in_which_nothing_good_was_scored_weigh_nothing():
    run = Rate(0, 100_000)
    assert weight({"down": 40}, {"down": Rate(30, 30)}, run) == 0
    assert weight({"unknown": 40}, {}, run) == 0
    assert weight({"down": 40, "up": 2}, {"down": Rate(30, 30), "up": Rate(0, 1000)}, run) > 10


@pytest.mark.parametrize("seen", [3, 10, 30, 100, 400])
def test_whatever_the_rate_is_a_good_row_is_given_up_less_often_than_the_chance_allows(seen):
    """Exactly, over all that may be seen: the rule looks at its evidence first, which must not undo the promise."""
    needed = weight_needed(1, 1, plan=1)
    tries = [
        next((n for n in range(2, MAX_TRIES + 1) if weight({"j": n}, {"j": (r := Rate(k, seen))}, r) >= needed), None)
        for k in range(seen + 1)
    ]
    for rate in [10 ** (-4 + 4 * step / 60) for step in range(60)]:
        chances = (math.comb(seen, k) * rate**k * (1 - rate) ** (seen - k) for k in range(seen + 1))
        given_up = sum(chance * rate**n for chance, n in zip(chances, tries, strict=True) if n)
        assert given_up <= CHANCE


def test_the_chance_is_shared_by_the_rows_that_may_be_given_up():
    assert weight_needed(1, 1, plan=1) == pytest.approx(math.log(1e6))
    assert weight_needed(10**9, 10, plan=1) == pytest.approx(math.log(60e6))
    assert weight_needed(5, 10, plan=1) == pytest.approx(math.log(5e6))


def test_however_many_plans_send_rows_alone_their_shares_of_the_chance_are_no_more_than_all_of_it():
    shares = [1 / (CHANCE * math.exp(weight_needed(10**18, 1, plan))) for plan in range(1, 2000)]
    assert shares[:5] == pytest.approx([1 / 6] * 5)
    assert shares == sorted(shares, reverse=True)
    assert 0.99 < sum(shares) <= 1


@pytest.mark.parametrize(("rate", "requests"), [(0.01, 2), (0.1, 2), (0.3, 2), (0.01, 50), (0.1, 50), (0.3, 10)])
def test_the_rate_is_found_from_objects_of_many_requests(rate, requests):
    failing = round(10_000 * (1 - (1 - rate) ** requests))
    found = rate_of((10_000 - failing) * requests, [requests] * failing)
    assert found.failed == failing
    assert found.share == pytest.approx(rate, rel=0.02)


def test_objects_that_all_failed_may_have_failed_at_any_rate_up_to_1():
    assert rate_of(0, [50] * 20).share == 1


def test_the_rate_of_single_requests_is_what_it_is():
    assert rate_of(90, [1] * 10) == Rate(10, 100)
    assert rate_of(0, []) == Rate(0, 0)


@given(st.integers(1, 300), RATES, st.integers(0, 200), st.booleans())
def test_what_is_chosen_is_enough(rows, run, good, has_controls):
    needed = weight_needed(1000, 200, plan=1)
    chosen = choose(rows, needed, run, good, has_controls=has_controls)
    if chosen is None:
        assert tries_for(round(needed, 3), run, good, 128 if has_controls else 0) is None
        return
    seen = chosen.controls + good * chosen.tries
    job = Rate(run.share * seen, seen)
    assert weight({"j": chosen.tries}, {"j": job}, run + job) >= needed - 1e-3
    assert chosen.tries <= MAX_TRIES


def test_where_nothing_is_flaky_all_tries_go_at_once_unless_rows_are_many():
    assert at_once(3, 5, 0.003, 0.9, FREE_REPEATS) == 5
    assert at_once(100, 5, 0.003, 0.03, FREE_REPEATS) == 5
    assert at_once(20_000, 4, 0.001, 0.1, 10**6) == 1


@given(st.integers(1, 5000), st.integers(1, 50), st.floats(0, 0.9), st.floats(0.01, 1), st.integers(0, 10**5))
def test_what_is_sent_at_once_is_no_more_than_is_needed_and_than_has_room(rows, tries, rate, bad, room):
    batch = at_once(rows, tries, rate, bad, room)
    assert 0 <= batch <= tries
    assert batch * rows <= room
    least = sum(rows * (bad + (1 - bad) * rate**done) for done in range(tries))
    assert (batch > 0) == (least <= room) or abs(least - room) < 1e-6


def test_repeats_are_bounded_by_the_rows_of_the_run_and_by_ten_thousand():
    assert [most_repeats(rows, 0) for rows in (5, 10_000, 50_000)] == [10_000, 10_000, 50_000]


def test_where_many_rows_may_be_bad_repeats_are_paid_for_to_know_them():
    assert [most_repeats(50_000, accepted) for accepted in (50, 20_000, 50_000)] == [50_000, 120_000, 300_000]


def test_a_model_that_fails_two_of_three_is_told_so_and_one_that_fails_half_is_not():
    assert flaky(3, 20.7, 0, Rate(500, 1000), 10_000, ["out of memory"]) is None
    words = flaky(3, 20.7, 0, Rate(700, 1000), 10_000, ["out of memory"])
    assert "flaky" in words
    assert "70.0%" in words
    assert "more than 50 times" in words
    words = flaky(9000, 20.7, 0, Rate(300, 1000), 10_000, ["out of memory"])
    assert "more repeats" in words
    assert "accept as many (errors.max_fraction), leave them out (input.where)" in words
    assert (flaky(9000, 20.7, 0, Rate(0, 1000), 100, ["bad"]) or "").startswith("To tell 9,000 rows that failed alone ")
