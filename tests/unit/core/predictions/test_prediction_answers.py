"""Unreadable lines as runs, and answers that can be cut by line number."""

from __future__ import annotations

import itertools

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.predictions.output_lines import lines_of
from batch_transform.core.predictions.reader import MOST_REASON_CHARACTERS, PLACEHOLDER_REASON, PredictionReader
from batch_transform.core.predictions.unreadable_lines import UnreadableLines, add_unreadable


def runs_of(reasons: dict[int, str], before: int = 0) -> list[UnreadableLines]:
    runs: list[UnreadableLines] = []
    add_unreadable(runs, dict(sorted(reasons.items())), before)
    return runs


@given(st.dictionaries(st.integers(0, 29), st.sampled_from("ab")))
def test_runs_hold_each_refused_line_with_its_reason_and_no_other(reasons: dict[int, str]):
    assert {line: run["reason"] for run in runs_of(reasons) for line in range(run["start"], run["stop"])} == reasons


@given(st.dictionaries(st.integers(0, 29), st.sampled_from("ab")))
def test_runs_are_as_few_as_can_be(reasons: dict[int, str]):
    pairs = itertools.pairwise(runs_of(reasons))
    assert all((a["stop"], a["reason"]) != (b["start"], b["reason"]) for a, b in pairs)


@given(st.dictionaries(st.integers(0, 29), st.sampled_from("ab")), st.integers(0, 30))
def test_runs_are_the_same_however_the_output_is_cut_into_blocks(reasons: dict[int, str], cut: int):
    runs = runs_of({line: reason for line, reason in reasons.items() if line < cut})
    add_unreadable(runs, {line - cut: reasons[line] for line in sorted(reasons) if line >= cut}, cut)
    assert runs == runs_of(reasons)


def test_a_line_that_answers_the_placeholder_is_told_from_others():
    assert [run["placeholder"] for run in runs_of({1: PLACEHOLDER_REASON, 2: "x"})] == [True, False]


def test_a_reason_is_bounded_in_length():
    name = "n" * 10_000
    line = lines_of(b'{"' + name.encode() + b'":"x"}')
    (reason,) = PredictionReader(pa.schema([(name, pa.int8())])).read(line).reasons.values()
    assert len(reason) == MOST_REASON_CHARACTERS
    assert reason.endswith("...")


def test_answers_are_cut_and_gathered_by_line_number():
    lines = lines_of(b'{"p":0}\nx\n{"p":2}\n{"p":3}\n')
    values = PredictionReader(pa.schema([("p", pa.int8())])).read(lines).values
    assert values.slice(1, 2).to_pylist() == [None, {"p": 2}]
    assert values.take(pa.array([3, 1, 0])).to_pylist() == [{"p": 3}, None, {"p": 0}]
