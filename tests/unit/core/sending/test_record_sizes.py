"""Sizes of records are counted by steps that add up, whoever has written which of them."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.limits import LARGEST_RECORD_BYTES
from batch_transform.core.sending.record_sizes import WRITTEN_SCHEMA, added, counted, exported, task_bytes
from batch_transform.core.spans import SPAN_SCHEMA

SIZES = st.lists(st.integers(0, LARGEST_RECORD_BYTES), max_size=30)


def written(*tasks):
    spans = [
        {"start": place, "stop": place + 1, "lane": "standard", "object": f"o{place}", "bytes": 1, "largest": 1}
        | ({"sizes": counted(np.array(sizes, np.int64)).tolist()} if sizes is not None else {})
        for place, sizes in enumerate(tasks)
    ]
    return pa.Table.from_pylist(spans, schema=WRITTEN_SCHEMA)


@given(st.lists(SIZES, min_size=1, max_size=5))
def test_each_record_is_counted_between_the_edges_that_hold_it(tasks):
    every = [max(size, 1) for sizes in tasks for size in sizes]
    found = exported(written(*tasks, None)).sizes
    if not every:
        assert found is None
        return
    edges, counts = found["edges"], found["counts"]
    assert len(edges) == len(counts) + 1
    assert min(counts[0], counts[-1]) > 0
    assert counts == [sum(low <= size < high for size in every) for low, high in itertools.pairwise(edges)]
    assert sum(counts) == len(every)


def test_an_edge_is_at_each_doubling_and_three_are_between():
    found = exported(written([64, 127, 128])).sizes
    assert found == {"edges": [64, 77, 91, 108, 128, 153], "counts": [1, 0, 0, 1, 1]}


@given(SIZES, SIZES, SIZES)
def test_counts_add_up_in_any_order(a, b, c):
    a, b, c = (counted(np.array(sizes, np.int64)) for sizes in (a, b, c))
    one, other = added((added((a, b)), c)), added((c, added((b, a))))
    assert one.tolist() == other.tolist()


def test_what_was_written_are_spans_that_no_job_has_sent():
    spans = exported(written([10], None)).spans
    assert spans.schema == SPAN_SCHEMA
    assert spans["object"].to_pylist() == ["o0", "o1"]


@pytest.mark.parametrize("task", [None, []])
def test_a_task_without_records_adds_nothing(task):
    assert exported(written(task)).sizes is None


def test_what_a_task_has_written_ends_with_the_object_that_tells_sizes():
    assert task_bytes(written(None, None, [10], [10], None, [])) == [3, 1, 2]
    assert task_bytes(written()) == []
