"""Where objects end: a slow and plain cutter is the oracle of the fast one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_transform.core.sending.object_cutting import Cutter, CuttingRules
from batch_transform.core.spans import OVERSIZE, STANDARD, UNSENDABLE

RULES = st.builds(
    CuttingRules,
    object_bytes=st.integers(1, 40),
    oversize_bytes=st.integers(1, 30),
    most_rows=st.none() | st.integers(1, 4),
)
# (gap before the row's number, bytes with the newline, sendable); an unsendable record takes no bytes in a batch.
ROWS = st.lists(
    st.tuples(st.sampled_from([0, 0, 0, 0, 1, 7]), st.integers(1, 40), st.sampled_from([True, True, True, False])),
    max_size=30,
)


def columns(rows):
    numbers = np.cumsum([gap + 1 for gap, _, _ in rows], dtype=np.int64)
    sizes = np.array([size if sendable else 0 for _, size, sendable in rows], dtype=np.int64)
    return numbers, sizes, np.array([sendable for _, _, sendable in rows], dtype=bool)


def cut(rules, rows, splits=()):
    """The pieces of all batches, as (begin, end, lane, continues) in rows of the whole stream."""
    numbers, sizes, sendable = columns(rows)
    cutter, pieces = Cutter(rules), []
    edges = [0, *sorted(splits), len(rows)]
    for begin, end in itertools.pairwise(edges):
        found = cutter.cut(numbers[begin:end], sizes[begin:end], sendable[begin:end])
        pieces += [(begin + p.begin, begin + p.end, p.lane, p.continues) for p in found]
    return pieces


def objects_of(pieces):
    """The objects as lists of rows with their lane."""
    made = []
    for begin, end, lane, continues in pieces:
        if continues:
            assert made[-1][0] == lane
            made[-1][1].extend(range(begin, end))
        else:
            made.append((lane, list(range(begin, end))))
    return made


def lane_of(rules, size, sendable):
    return UNSENDABLE if not sendable else OVERSIZE if size > rules.oversize_bytes else STANDARD


def plain_objects(rules, rows):
    """The same objects, decided one record at a time."""
    numbers, sizes, sendable = columns(rows)
    made, held = [], 0
    for row in range(len(rows)):
        lane = lane_of(rules, sizes[row], sendable[row])
        joins = (
            bool(made)
            and lane == made[-1][0] != UNSENDABLE
            and numbers[row] == numbers[row - 1] + 1
            and held + sizes[row] <= rules.object_bytes
            and (rules.most_rows is None or len(made[-1][1]) < rules.most_rows)
        )
        if joins:
            made[-1][1].append(row)
        else:
            made.append((lane, [row]))
        held = (held if joins else 0) + sizes[row]
    return made


@settings(max_examples=300)
@given(RULES, ROWS, st.data())
def test_whatever_the_batches_the_objects_are_those_of_the_plain_cutter(rules, rows, data):
    splits = data.draw(st.lists(st.integers(0, len(rows)), max_size=4))
    assert objects_of(cut(rules, rows, splits)) == plain_objects(rules, rows)


@given(RULES, ROWS, st.data())
def test_the_pieces_are_all_rows_in_order(rules, rows, data):
    splits = data.draw(st.lists(st.integers(0, len(rows)), max_size=4))
    pieces = cut(rules, rows, splits)
    assert [row for begin, end, _, _ in pieces for row in range(begin, end)] == list(range(len(rows)))
    assert all(begin < end for begin, end, _, _ in pieces)


@given(RULES, ROWS)
def test_an_object_is_within_its_target_or_one_record(rules, rows):
    sizes = columns(rows)[1]
    for _, members in objects_of(cut(rules, rows)):
        assert len(members) == 1 or sizes[members].sum() <= rules.object_bytes


@given(RULES, ROWS)
def test_an_object_has_one_lane_and_contiguous_numbers(rules, rows):
    numbers, sizes, sendable = columns(rows)
    for lane, members in objects_of(cut(rules, rows)):
        assert {lane_of(rules, sizes[row], sendable[row]) for row in members} == {lane}
        assert (np.diff(numbers[members]) == 1).all()


def test_a_record_at_the_bound_is_standard_and_one_byte_more_is_oversize():
    rules = CuttingRules(object_bytes=100, oversize_bytes=10)
    assert [lane for _, _, lane, _ in cut(rules, [(0, 10, True), (0, 11, True)])] == [STANDARD, OVERSIZE]


def test_an_object_that_is_exactly_full_takes_no_more():
    rules = CuttingRules(object_bytes=10, oversize_bytes=10)
    assert cut(rules, [(0, 5, True)] * 3) == [(0, 2, STANDARD, False), (2, 3, STANDARD, False)]


def test_a_batch_goes_on_in_the_object_of_the_batch_before():
    rules = CuttingRules(object_bytes=10, oversize_bytes=10)
    pieces = cut(rules, [(0, 3, True)] * 4, splits=[2])
    assert pieces == [(0, 2, STANDARD, False), (2, 3, STANDARD, True), (3, 4, STANDARD, False)]


@pytest.mark.parametrize("splits", [(), (1,)])
def test_unsendable_neighbours_are_pieces_of_their_own(splits):
    rules = CuttingRules(object_bytes=10, oversize_bytes=10)
    assert [p[3] for p in cut(rules, [(0, 1, False)] * 2, splits)] == [False, False]
    assert len(cut(rules, [(0, 1, False)] * 2, splits)) == 2


@pytest.mark.parametrize("splits", [(), (2,), (1, 3), (1, 2, 3), (4,), (5, 6)])
@pytest.mark.parametrize("most", [1, 3, 4, 9])
def test_an_object_takes_no_row_too_many_whatever_the_batches(splits, most):
    rules = CuttingRules(object_bytes=1000, oversize_bytes=1000, most_rows=most)
    made = [len(members) for _, members in objects_of(cut(rules, [(0, 3, True)] * 9, splits))]
    assert made == [most] * (9 // most) + [9 % most] * (9 % most > 0)
