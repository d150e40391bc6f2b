"""A worker of the merge decodes the leaves in which its rows lie, and no others: there may be one for each row."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.errors import GateRefused
from batch_transform.core.isolation.verdict_rows import LEAF_SCHEMA, SCORED
from batch_transform.core.publishing.leaf_lookup import GroupedLeaves, Leaves
from batch_transform.s3 import part_files
from batch_transform.spark.zip_merge import grouped_leaves


def leaves_of(bounds):
    """A leaf for each two neighbours among the bounds."""
    spans = itertools.pairwise(bounds)
    rows = [{"start": a, "stop": b, "state": SCORED, "object": f"s{a}", "line": 0, "rounds": 1} for a, b in spans]
    return pa.Table.from_pylist(rows, schema=LEAF_SCHEMA)


def found(leaves, numbers):
    return [(leaf["start"], leaf["stop"], rows.tolist()) for leaf, rows in leaves.runs(np.array(numbers, np.int64))]


@given(st.sets(st.integers(0, 80), min_size=2), st.integers(1, 9), st.data())
def test_leaves_are_found_in_any_grouping_as_among_all(bounds, rows_of_group, data):
    table = leaves_of(sorted(bounds))
    batches = data.draw(st.lists(st.lists(st.integers(min(bounds), max(bounds) - 1), max_size=12), max_size=5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part_files, "GROUP_ROWS", rows_of_group)
        grouped = grouped_leaves(part_files.as_parquet(table))
    for numbers in batches:
        assert found(grouped, numbers) == found(Leaves(table), numbers)


def test_neighbours_are_in_one_group_or_two_and_each_is_read_once(monkeypatch):
    monkeypatch.setattr(part_files, "GROUP_ROWS", 100)
    table, read = leaves_of(range(10_001)), []
    file = pq.ParquetFile(pa.BufferReader(part_files.as_parquet(table)))
    firsts = np.arange(0, 10_000, 100)
    grouped = GroupedLeaves(firsts, firsts + 100, lambda groups: read.append(groups) or file.read_row_groups(groups))
    for first in range(4_030, 4_400, 60):
        assert len(found(grouped, range(first, first + 60))) == 60
    assert read == [[40], [40, 41], [41, 42], [42], [42, 43], [43], [43, 44]]


def test_a_part_says_by_itself_in_which_group_a_row_lies(monkeypatch):
    monkeypatch.setattr(part_files, "GROUP_ROWS", 10)
    opened = []
    whole = pq.ParquetFile.read_row_groups
    reading = lambda self, groups: opened.append(groups) or whole(self, groups)  # noqa: E731
    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", reading)
    grouped = grouped_leaves(part_files.as_parquet(leaves_of(range(0, 1_001, 10))))
    assert found(grouped, [555, 556, 561]) == [(550, 560, [555, 556]), (560, 570, [561])]
    assert opened == [[5]]


def test_an_earlier_versions_part_is_one_group():
    sink = pa.BufferOutputStream()
    pq.write_table(leaves_of([0, 5, 9]).take([1, 0]), sink, write_statistics=False)
    assert found(grouped_leaves(sink.getvalue().to_pybytes()), [8, 1]) == [(5, 9, [8]), (0, 5, [1])]


@pytest.mark.parametrize("numbers", [[12], [3, 12], [-1]])
def test_a_row_in_no_leaf_is_refused(numbers):
    with pytest.raises(GateRefused, match="lies in no object"):
        found(grouped_leaves(part_files.as_parquet(leaves_of([0, 5, 9]))), numbers)
