"""The distribution that is drawn is that of the values, exactly for few distinct ones and about so for others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.publishing.prediction_values import NOTHING_KNOWN, SKETCHED, PredictedNumbers, value_counts

FINITE = st.floats(allow_nan=False, allow_infinity=False)
DISTINCT = st.lists(FINITE, min_size=1, max_size=SKETCHED - 1, unique=True).map(sorted)


def sketch_of(values):
    """As Spark's NumericHistogram makes it: the two nearest are put together while there are too many."""
    found, counts = np.unique(np.asarray(values, dtype=float), return_counts=True)
    found, counts = found.tolist(), counts.astype(float).tolist()
    while len(found) > SKETCHED:
        at = int(np.argmin(np.diff(found)))
        both = counts[at] + counts[at + 1]
        found[at : at + 2] = [(found[at] * counts[at] + found[at + 1] * counts[at + 1]) / both]
        counts[at : at + 2] = [both]
    return list(zip(found, counts, strict=True))


def of(values):
    return value_counts(sketch_of(values), len(values), min(values), max(values))


@given(DISTINCT, st.data())
def test_few_distinct_values_are_counted_exactly_and_none_is_lost(values, data):
    counts = [data.draw(st.integers(1, 50)) for _ in values]
    found = value_counts(list(zip(values, map(float, counts), strict=True)), sum(counts), values[0], values[-1])
    edges, every = np.array(found["edges"]), np.repeat(values, counts)
    assert found["is_exact"]
    assert found["below"] == (every < edges[0]).sum()
    assert found["above"] == (every > edges[-1]).sum()
    assert found["below"] + sum(found["counts"]) + found["above"] == len(every)
    if edges[0] < edges[-1] and (np.diff(edges) > 0).all():
        assert found["counts"] == np.histogram(every, edges)[0].tolist()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["random", "normal", "exponential"])
def test_many_values_are_counted_about_as_they_are(kind, seed):
    values = getattr(np.random.default_rng(seed), kind)(size=4_000)
    found = of(values)
    assert not found["is_exact"]
    assert found["below"] + sum(found["counts"]) + found["above"] == 4_000
    true = np.histogram(values, found["edges"])[0]
    assert np.abs(np.array(found["counts"]) - true).sum() < 0.1 * 4_000


def test_classes_have_a_column_each():
    found = value_counts([(0.0, 7.0), (1.0, 2.0), (3.0, 1.0)], 10, 0.0, 3.0)
    assert found["edges"] == [-0.5, 0.5, 1.5, 2.5, 3.5]
    assert found["counts"] == [7, 2, 0, 1]


def test_a_constant_is_one_column():
    found = value_counts([(0.25, 9.0)], 9, 0.25, 0.25)
    assert (found["edges"], found["counts"], found["below"], found["above"]) == ([0.25, 0.25], [9], 0, 0)


def test_a_few_values_far_out_do_not_make_one_column_of_the_rest():
    values = [*np.random.default_rng(1).random(3_000), -1e9, 1e9]
    found = of(values)
    assert found["edges"][-1] - found["edges"][0] < 3
    assert (found["below"], found["above"]) == pytest.approx((1, 1), abs=1)
    assert sum(count > 50 for count in found["counts"]) > 8


def test_the_ends_of_what_a_float_can_hold_are_no_fault():
    most = np.finfo(float).max
    found = value_counts([(-most, 1.0), (0.5, 1.0), (most, 1.0)], 3, -most, most)
    assert np.isfinite(found["edges"]).all()
    assert sum(found["counts"]) == 3


def test_a_sample_is_taken_for_all_and_not_for_exact():
    found = value_counts([(0.0, 3.0), (1.0, 1.0)], 400_001, 0.0, 2.0)
    assert found["counts"] == [300_001, 100_000, 0]
    assert not found["is_exact"]


def test_what_was_counted_stands_before_what_footers_tell_of_others():
    def told(name, **more):
        return {"column": name, "rows": 3, "nulls": 0, "least": 0.0, "most": 1.0, **more}

    counted = PredictedNumbers((told("a", not_finite=0),), left_out=3)
    found = counted.beside([told("a"), told("b")])
    assert [each["column"] for each in found.ranges] == ["a", "b"]
    assert found.ranges[0] == told("a", not_finite=0)
    assert found.ranges[1]["note"] == "by the files' footers: its values were not counted"
    assert found.told["predictions_left_out"] == 2
    assert NOTHING_KNOWN.beside([told("a")]).told == {"predictions": [told("a")]}
    assert NOTHING_KNOWN.told == {}
