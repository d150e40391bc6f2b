"""What tasks count of a column, put together, is what the column holds, however its rows were dealt out."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.publishing.counted_numbers import NOTHING_COUNTED, NumberColumn, added, range_of, sketched
from batch_transform.core.publishing.prediction_values import SKETCHED

FLOAT, WHOLE = NumberColumn(0, "p", is_float=True), NumberColumn(0, "n")
TASKS = st.integers(1, 4)


def counted(column, values, kind, tasks):
    """What is told of values that so many tasks have counted, each in two batches."""
    found = []
    for task in range(tasks):
        counts, own = NOTHING_COUNTED, values[task::tasks]
        for part in (own[::2], own[1::2]):
            counts = added(counts, column, pa.array(part, kind), np.ones(len(part), bool))
        found.append(json.loads(json.dumps(counts, allow_nan=False)))  # as it comes from a worker
    return range_of(column, len(values), found)


@given(st.lists(st.none() | st.floats(width=32)), TASKS, st.sampled_from([pa.float32(), pa.float64()]))
def test_floats_are_counted_without_what_is_no_number(values, tasks, kind):
    told = counted(FLOAT, values, kind, tasks)
    finite = [value for value in values if value is not None and math.isfinite(value)]
    assert told["nulls"] == values.count(None)
    assert told["not_finite"] == len(values) - values.count(None) - len(finite)
    assert (told["least"], told["most"]) == (min(finite, default=None), max(finite, default=None))
    assert (told["values"] is None) == (not finite)
    if finite:
        inside = sum(told["values"]["counts"]) + told["values"]["below"] + told["values"]["above"]
        assert inside == len(finite)


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)), TASKS)
def test_whole_numbers_are_not_rounded(values, tasks):
    told = counted(WHOLE, values, pa.int64(), tasks)
    whole = [value for value in values if value is not None]
    assert (told["least"], told["most"]) == (min(whole, default=None), max(whole, default=None))
    assert told["not_finite"] == 0


@given(st.lists(st.integers(0, 5), min_size=1))
def test_few_distinct_values_are_counted_one_by_one(values):
    told = counted(WHOLE, values, pa.int64(), 2)
    assert told["values"]["is_exact"]
    assert sum(told["values"]["counts"]) == len(values)


def test_of_a_list_nothing_but_its_nulls_is_counted():
    column = NumberColumn(0, "scores", note="array<double>: what is in an array is not counted")
    told = counted(column, [[1.0], None, []], pa.list_(pa.float64()), 1)
    assert told == {"column": "scores", "rows": 3, "nulls": 1, "least": None, "most": None, "note": column.note}


@pytest.mark.parametrize("count", [SKETCHED - 1, SKETCHED, SKETCHED + 1, 10 * SKETCHED])
def test_a_sketch_is_bounded_ordered_and_has_every_value_in_it(count):
    values = np.random.default_rng(1).normal(size=count)
    sketch = sketched(values)
    assert len(sketch) <= SKETCHED
    assert sum(often for _, often in sketch) == count
    assert [value for value, _ in sketch] == sorted(value for value, _ in sketch)
    assert (sketch[0][0], sketch[-1][0]) == (values.min(), values.max())
