"""Into how many parts a failed span is split."""

from __future__ import annotations

import time
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_transform.core.isolation.splitting import Costs, Seen, parts, rows_per_part

rows_of_a_span = st.one_of(st.integers(1, 100), st.integers(1, 1_000_000))
counts = st.one_of(st.just(0), st.integers(0, 1000), st.integers(0, 10**9))
all_levels = st.integers(1, 6)


@st.composite
def what_was_seen(draw):
    failed = draw(st.one_of(st.just(1), st.integers(1, 100_000)))
    return Seen(draw(counts), draw(counts), failed, failed * draw(rows_of_a_span))


def objects_for_one_bad_row(rows, place, seen, levels):
    """Returns how many objects and rounds it takes until the bad row stands alone."""
    objects = rounds = 0
    while rows > 1:
        pieces = parts(rows, rows_per_part(rows, seen, levels - rounds))
        objects, rounds = objects + len(pieces), rounds + 1
        for rows in pieces:
            if place < rows:
                break
            place -= rows
        seen = Seen(seen.good_rows + sum(pieces) - rows, 0, 1, rows)
    return objects, rounds


@given(rows_of_a_span, what_was_seen(), all_levels)
def test_a_part_is_smaller_than_its_span(rows, seen, levels):
    assert 1 <= rows_per_part(rows, seen, levels) < max(rows, 2)


@given(rows_of_a_span, what_was_seen(), all_levels)
def test_any_history_is_weighed_without_overflow(rows, seen, levels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows_per_part.__wrapped__(rows, seen, levels)


@given(rows_of_a_span, what_was_seen(), all_levels)
def test_the_same_history_gives_the_same_parts(rows, seen, levels):
    again = rows_per_part.__wrapped__(rows, Seen(**vars(seen)), levels)
    assert again == rows_per_part(rows, seen, levels)


@given(rows_of_a_span, what_was_seen())
def test_the_last_level_is_single_rows(rows, seen):
    assert rows_per_part(rows, seen, 1) == 1


@given(rows_of_a_span, what_was_seen(), st.integers(1, 4))
def test_spans_end_as_single_rows_within_the_levels(rows, seen, levels):
    for left in range(levels, 0, -1):
        rows = parts(rows, rows_per_part(rows, seen, left))[0]
    assert rows == 1


@given(rows_of_a_span, st.integers(1, 1_000_000))
def test_parts_tile_the_span(rows, part_rows):
    assert sum(parts(rows, part_rows)) == rows


@given(rows_of_a_span, st.integers(1, 1_000_000))
def test_parts_are_as_large_as_allowed_and_even(rows, part_rows):
    pieces = parts(rows, part_rows)
    assert 0 < min(pieces) <= max(pieces) <= min(part_rows, min(pieces) + 1)
    assert len(pieces) == -(-rows // part_rows)


@pytest.mark.parametrize(
    ("rows", "part_rows", "expected"),
    [(10, 3, [3, 3, 2, 2]), (6, 3, [3, 3]), (1, 1, [1]), (4, 9, [4]), (3, 1, [1] * 3)],
)
def test_parts_of_a_few_rows(rows, part_rows, expected):
    assert parts(rows, part_rows) == expected


@settings(max_examples=50)
@given(st.one_of(st.integers(0, 49_999), st.sampled_from([0, 24_999, 25_000, 49_999])))
def test_one_bad_row_in_50_000_takes_two_rounds_and_at_most_500_objects(place):
    objects, rounds = objects_for_one_bad_row(50_000, place, Seen(950_000, 0, 1, 50_000), levels=3)
    assert objects <= 500
    assert rounds == 2


@pytest.mark.parametrize("rows", [2_000, 10_000, 100_000])
def test_one_bad_row_is_found_with_about_the_square_root_of_the_rows(rows):
    part = rows_per_part(rows, Seen(100 * rows, 0, 1, rows), 2)
    assert part == pytest.approx(rows**0.5, rel=0.15)


def test_a_third_level_goes_by_the_cube_root_where_objects_cost_more_than_rounds():
    part = rows_per_part(1_000_000, Seen(10**9, 0, 1, 1_000_000), 3, Costs(240, 100))
    assert part == pytest.approx(10_000, rel=0.15)


@pytest.mark.parametrize("rows", [2, 3, 50, 200, 900])
def test_small_spans_are_exploded_at_once(rows):
    assert rows_per_part(rows, Seen(19 * rows, 0, 1, rows), 3) == 1


def test_a_round_is_shared_by_all_spans_that_failed():
    one, many = Seen(10**6, 0, 1, 500), Seen(10**6, 0, 50, 50 * 500)
    assert rows_per_part(500, one, 3) == 1
    assert rows_per_part(500, many, 3) > 1


def test_all_spans_of_a_round_take_as_many_rounds():
    """A short span among long ones uses the round that they need; a long one among short ones does not ask for one."""
    long, short = Seen(10**6, 0, 20, 20 * 10_000), Seen(10**6, 0, 20, 20 * 10)
    assert rows_per_part(100, long, 2) > 1
    assert rows_per_part(10_000, short, 2) == 1


def test_mostly_bad_rows_are_exploded_at_once():
    assert rows_per_part(10_000, Seen(5, 15, 20, 200_000), 3) == 1


@given(st.integers(0, 6), st.integers(1, 20))
def test_the_more_rows_were_good_the_larger_the_parts(magnitude, failed):
    seen = [Seen(10**good, 0, failed, failed * 10_000) for good in (magnitude, magnitude + 1)]
    fewer, more = (rows_per_part(10_000, each, 2) for each in seen)
    assert fewer <= more


@given(st.integers(0, 4), st.integers(1, 20))
def test_the_more_rows_were_bad_the_smaller_the_parts(magnitude, failed):
    seen = [Seen(100_000, 10**bad, failed, failed * 10_000) for bad in (magnitude, magnitude + 1)]
    fewer, more = (rows_per_part(10_000, each, 2) for each in seen)
    assert fewer >= more


def test_half_the_spans_failed_means_several_bad_rows_in_each_of_large_parts():
    """Failed spans count: one of 20 and 19 of 20 speak of different rates, and the parts shrink with it."""
    rare, common = Seen(190_000, 0, 1, 10_000), Seen(10_000, 0, 19, 190_000)
    assert rows_per_part(10_000, rare, 2) > 1.2 * rows_per_part(10_000, common, 2)


def test_a_call_takes_less_than_5_ms():
    rows_per_part.__wrapped__(10, Seen(1, 0, 1, 10), 3)
    times = []
    for good in range(20):
        start = time.perf_counter()
        rows_per_part.__wrapped__(1_000_000, Seen(10**9 + good, 1000, 1000, 10**9), 3)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.005  # the others may have been held up by the machine


@pytest.mark.parametrize(
    ("good", "bad", "failed", "failed_rows"), [(-1, 0, 1, 1), (0, -1, 1, 1), (0, 0, -1, 0), (0, 0, 2, 1)]
)
def test_what_no_round_can_show_is_refused(good, bad, failed, failed_rows):
    with pytest.raises(ValueError, match="no rounds can have shown"):
        Seen(good, bad, failed, failed_rows)


@pytest.mark.parametrize(("rows", "failed", "levels"), [(0, 1, 1), (5, 0, 1), (5, 1, 0)])
def test_nothing_to_split_is_refused(rows, failed, levels):
    with pytest.raises(ValueError, match="cannot split"):
        rows_per_part(rows, Seen(0, 0, failed, 5 * failed), levels)
