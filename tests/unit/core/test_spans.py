"""Spans tile the staged rows, or the run stops."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.errors import GateRefused
from batch_transform.core.spans import SPAN_SCHEMA, StagedFile, check_tiling, row_count
from support.core_tables import span, spans, staged_file

TASK = 2**33  # monotonically_increasing_id leaves so much between two write tasks


@st.composite
def tilings(draw, least_spans=0):
    """Staged files, some empty, some adjacent, and a random partition of their rows into spans."""
    files, bounds, first = [], [], draw(st.integers(0, 3))
    for index, rows in enumerate(draw(st.lists(st.integers(0, 12), min_size=1, max_size=5))):
        first += draw(st.sampled_from([0, 0, 1, TASK]))
        files.append(staged_file(first, rows, f"f{index}"))
        cuts = draw(st.sets(st.integers(1, max(1, rows - 1)), max_size=4)) if rows > 1 else set()
        edges = [0, *sorted(cuts), rows]
        bounds += [(first + a, first + b) for a, b in itertools.pairwise(edges) if a < b]
        first += rows
    if len(bounds) < least_spans:
        files.append(staged_file(first, least_spans, "last"))
        bounds += [(first + i, first + i + 1) for i in range(least_spans)]
    return draw(st.permutations(files)), draw(st.permutations(bounds))


def table(bounds):
    return spans(*(span(start, stop) for start, stop in bounds))


@given(tilings())
def test_any_partition_of_the_files_passes_in_any_order(tiling):
    files, bounds = tiling
    check_tiling(files, table(bounds))


@given(tilings(least_spans=1), st.data())
def test_no_change_of_one_span_goes_unseen(tiling, data):
    files, bounds = tiling
    index = data.draw(st.integers(0, len(bounds) - 1))
    start, stop = bounds[index]
    others = bounds[:index] + bounds[index + 1 :]
    changed = {
        "dropped": [],
        "twice": [(start, stop), (start, stop)],
        "shifted up": [(start + 1, stop + 1)],
        "shifted down": [(start - 1, stop - 1)],
        "longer": [(start, stop + 1)],
        "begun early": [(start - 1, stop)],
        "shorter": [(start, stop - 1)],
        "begun late": [(start + 1, stop)],
        "empty beside it": [(start, stop), (stop, stop)],
        "inverted": [(stop, start)],
        "a part twice": [(start, stop), (start, start + 1)],
        "beyond the last file": [(start, stop), (2**60, 2**60 + 1)],
    }
    name = data.draw(st.sampled_from(sorted(changed)))
    with pytest.raises(GateRefused):
        check_tiling(files, table(others + changed[name]))


def test_two_adjacent_files_may_share_a_span():
    check_tiling([staged_file(0, 3), staged_file(3, 2)], table([(0, 5)]))


def test_files_whose_numbers_overlap_are_refused_by_name():
    with pytest.raises(GateRefused, match="of a and b overlap"):
        check_tiling([staged_file(0, 3, "a"), staged_file(2, 2, "b")], table([(0, 3), (3, 4)]))


def test_the_message_names_the_row_where_the_gap_begins():
    with pytest.raises(GateRefused, match=r"near row number 4\. Nothing is published"):
        check_tiling([staged_file(0, 10)], table([(0, 4), (6, 10)]))


@pytest.mark.parametrize(
    ("files", "bounds"), [([], [(0, 1)]), ([staged_file(0, 1)], []), ([staged_file(0, 0)], [(0, 1)])]
)
def test_spans_without_files_and_files_without_spans_are_refused(files, bounds):
    with pytest.raises(GateRefused, match="objects are there for"):
        check_tiling(files, table(bounds))


@pytest.mark.parametrize("files", [[], [staged_file(0, 0)]])
def test_no_row_needs_no_span(files):
    check_tiling(files, SPAN_SCHEMA.empty_table())


def test_columns_of_several_chunks_are_one_table():
    whole = pa.concat_tables([table([(5, 9)]), table([(0, 5)])])
    check_tiling([staged_file(0, 9)], whole)
    assert row_count(whole) == 9


def test_no_spans_hold_no_rows():
    assert row_count(SPAN_SCHEMA.empty_table()) == 0


@pytest.mark.parametrize("last", [8, 10])
def test_a_staged_file_whose_numbers_are_not_dense_is_refused(last):
    with pytest.raises(GateRefused, match="not dense: 10 rows between 0 and"):
        StagedFile("f", 10, 0, last, 0, 0)
