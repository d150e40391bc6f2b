"""Unreadable lines as runs, and answers that can be cut by line number."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.predictions.answers import MOST_REASON_CHARACTERS, Run, Unreadable, readable_runs
from batch_transform.core.predictions.reader import PredictionReader


@given(st.integers(0, 30), st.dictionaries(st.integers(0, 29), st.sampled_from("ab")))
def test_runs_tile_the_lines_and_say_of_each_what_came_of_it(total: int, reasons: dict[int, str]):
    reasons = {line: reason for line, reason in reasons.items() if line < total}
    runs = readable_runs(total, [Unreadable(line, reasons[line]) for line in sorted(reasons)])
    told = [(run.readable, run.reason) for run in runs for _ in range(run.start, run.stop)]
    assert told == [(line not in reasons, reasons.get(line, "")) for line in range(total)]
    assert [run.start for run in runs] == [0, *(run.stop for run in runs)][: len(runs)]


@given(st.dictionaries(st.integers(0, 29), st.sampled_from("ab")))
def test_runs_are_as_few_as_can_be(reasons: dict[int, str]):
    runs = readable_runs(30, [Unreadable(line, reasons[line]) for line in sorted(reasons)])
    assert all(a[2:] != b[2:] for a, b in itertools.pairwise(runs))


def test_runs_of_an_empty_object_are_none():
    assert readable_runs(0, []) == []


def test_a_run_of_unreadable_lines_is_one_run():
    assert readable_runs(4, [Unreadable(1, "x"), Unreadable(2, "x")]) == [
        Run(0, 1, True, ""),
        Run(1, 3, False, "x"),
        Run(3, 4, True, ""),
    ]


@pytest.mark.parametrize("places", [[1, 0], [1, 1], [5], [-1]])
def test_places_out_of_order_or_range_are_refused(places: list[int]):
    with pytest.raises(ValueError, match="unreadable line"):
        readable_runs(5, [Unreadable(line, "x") for line in places])


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
