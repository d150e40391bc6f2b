"""Unreadable lines as runs, and answers that can be cut by line number."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.predictions.answers import MOST_REASON_CHARACTERS, Run, Unreadable, unreadable_runs
from batch_transform.core.predictions.reader import PredictionReader


@given(st.dictionaries(st.integers(0, 29), st.sampled_from("ab")))
def test_runs_hold_each_refused_line_with_its_reason_and_no_other(reasons: dict[int, str]):
    runs = unreadable_runs(Unreadable(line, reasons[line]) for line in sorted(reasons))
    assert {line: run.reason for run in runs for line in range(run.start, run.stop)} == reasons


@given(st.dictionaries(st.integers(0, 29), st.sampled_from("ab")))
def test_runs_are_as_few_as_can_be(reasons: dict[int, str]):
    runs = unreadable_runs(Unreadable(line, reasons[line]) for line in sorted(reasons))
    assert all(a[1:] != (b.start, b.reason) for a, b in itertools.pairwise(runs))


def test_lines_that_were_refused_one_after_another_are_one_run():
    assert unreadable_runs([Unreadable(1, "x"), Unreadable(2, "x"), Unreadable(3, "y")]) == [
        Run(1, 3, "x"),
        Run(3, 4, "y"),
    ]


@pytest.mark.parametrize("places", [[1, 0], [1, 1], [-1]])
def test_places_out_of_order_are_refused(places: list[int]):
    with pytest.raises(ValueError, match="unreadable line"):
        unreadable_runs([Unreadable(line, "x") for line in places])


def test_a_reason_is_bounded_in_length():
    name = "n" * 10_000
    (place,) = PredictionReader(pa.schema([(name, pa.int8())])).read(b'{"' + name.encode() + b'":"x"}').unreadable
    assert len(place.reason) == MOST_REASON_CHARACTERS
    assert place.reason.endswith("...")


def test_a_place_moves_with_its_block():
    assert Unreadable(3, "x").moved(100) == Unreadable(103, "x")


def test_answers_are_cut_and_gathered_by_line_number():
    values = PredictionReader(pa.schema([("p", pa.int8())])).read(b'{"p":0}\nx\n{"p":2}\n{"p":3}\n').values
    assert values.slice(1, 2).to_pylist() == [None, {"p": 2}]
    assert values.take(pa.array([3, 1, 0])).to_pylist() == [{"p": 3}, None, {"p": 0}]
