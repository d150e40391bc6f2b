"""Two predictions of a row, field by field, and the report of many."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.estimate.prediction_comparison import Comparison, Place, alike, mini_batches

NAN, INF = math.nan, math.inf
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_a_value_is_like_itself_without_any_tolerance(value):
    assert alike(value, json.loads(json.dumps(value)), 0.0)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (1.0, 1.0 + 5e-7, True),
        (1.0, 1.0 + 2e-6, False),
        (1e9, 1e9 + 500.0, True),
        (1e-9, 2e-9, True),
        (0.0, -0.0, True),
        (NAN, NAN, True),
        (NAN, 1.0, False),
        (INF, INF, True),
        (INF, -INF, False),
        (INF, 1.0, False),
        (None, 0.0, False),
        (None, None, True),
        (9007199254740993, 9007199254740992, False),
        (True, False, False),
        ("1.0", "1.0000001", False),
        ([1.0, NAN], [1.0 + 1e-7, NAN], True),
        ([1.0], [1.0, 2.0], False),
        ({"a": [1.0]}, {"a": [1.1]}, False),
        ([("k", 1.0)], [("k", 1.0 + 1e-7)], True),
        (b"x", b"y", False),
    ],
)
def test_numbers_are_alike_within_the_tolerance_and_all_else_exactly(a, b, same):
    assert alike(a, b, 1e-6) is alike(b, a, 1e-6) is same


def test_the_report_counts_rows_and_names_fields_and_places():
    found = Comparison(0.01)
    found.add(
        Place("j", "o", 0),
        {"p": 0.5, "label": "a", "scores": [1.0, 2.0]},
        {"p": 0.505, "label": "a", "scores": [1.0, 2.0]},
    )
    found.add(
        Place("j", "o", 4),
        {"p": 0.5, "label": "a", "scores": [1.0, 2.0]},
        {"p": 0.75, "label": "b", "scores": [1.0, 2.0]},
    )
    found.add(Place("j", "q", 7), {"p": NAN, "label": None, "scores": None}, {"p": 1.0, "label": None, "scores": [3.0]})
    found.add_unanswered([Place("j", "r", 1), Place("j", "r", 2)], "why")
    report = found.report()
    counts = ("rows_compared", "rows_different", "rows_unanswered", "rows_too_large")
    assert [report[name] for name in counts] == [3, 2, 2, 0]
    assert report["fields"] == [
        {"field": "p", "rows_different": 2, "largest_difference": 0.25},
        {"field": "label", "rows_different": 1, "largest_difference": 0.0},
        {"field": "scores", "rows_different": 1, "largest_difference": 0.0},
    ]
    assert report["examples"] == [
        {"job": "j", "object": "o", "line": 4, "fields": ["p", "label"]},
        {"job": "j", "object": "q", "line": 7, "fields": ["p", "scores"]},
        {"job": "j", "object": "r", "line": 1, "reason": "why"},
    ]
    assert report["unanswered"] == [{"reason": "why", "rows": 2}]
    assert not found.is_alike


def test_what_lies_within_the_tolerance_is_told_and_is_no_difference():
    found = Comparison(0.01)
    found.add(Place("j", "o", 0), {"p": 0.5}, {"p": 0.505})
    assert found.is_alike
    assert found.report()["fields"][0]["largest_difference"] == pytest.approx(0.005)


def test_a_row_without_an_answer_is_a_difference():
    found = Comparison(0.0)
    found.add_unanswered([Place("j", "o", 0)], "why")
    assert not found.is_alike


def test_a_comparison_of_no_row_does_not_say_that_all_are_alike():
    assert not Comparison(0.0, too_large=5).is_alike


def test_examples_are_few_and_hold_no_values():
    found = Comparison(0.0)
    for line in range(1_000):
        found.add(Place("j", "o", line), {"p": "secret"}, {"p": "other"})
    assert len(found.report()["examples"]) == 5
    assert "secret" not in json.dumps(found.report())


@given(st.lists(st.integers(1, 9)), st.integers(1, 20))
def test_mini_batches_hold_each_record_once_and_are_as_full_as_can_be(sizes, most):
    batches = list(mini_batches(sizes, most, single=False))
    assert [index for batch in batches for index in batch] == list(range(len(sizes)))
    filled = [sum(sizes[index] for index in batch) for batch in batches]
    assert all(size <= most or len(batch) == 1 for size, batch in zip(filled, batches, strict=True))
    firsts = [sizes[batch.start] for batch in batches[1:]]
    assert all(size + first > most for size, first in zip(filled, firsts, strict=False))


def test_a_model_of_one_record_is_asked_for_one_at_a_time():
    assert list(mini_batches([1, 1, 1], 100, single=True)) == [range(1), range(1, 2), range(2, 3)]
