"""Rows whose answers cannot be read, in memory: each is asked for again by itself, and no other row with it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import pyarrow as pa
import pytest

from batch_transform.core.errors import ServiceFailure
from batch_transform.core.isolation.verdict_rows import DEAD
from batch_transform.core.predictions.answer_form import AnswerForm
from batch_transform.pipeline.recorded import form_of_outputs
from support.memory_run import READER, MemoryRun, all_rows


def answering(odd, how=lambda row: b'{"echo": "x"}', times=10**9):
    """A model that answers `how` for the odd rows, so often each."""
    left = dict.fromkeys(odd, times)

    def answer(records):
        lines = []
        for row in (json.loads(record)["id"] for record in records):
            is_odd = left.get(row, 0) > 0
            left[row] = left.get(row, 0) - 1
            lines.append(how(row) if is_odd else json.dumps({"echo": row}).encode())
        return lines

    return answer


@pytest.mark.parametrize("sizes", [[60], [12] * 5, [10, 10]])
def test_a_row_that_is_never_read_costs_one_round_and_is_a_dead_letter_with_its_answer(sizes):
    run = MemoryRun(sizes, answering({3, 17}))
    state = run.to_the_gate()
    outcomes = run.outcomes(state)
    assert state.rounds == 2
    dead = {row: leaf for row, leaf in outcomes.items() if isinstance(leaf, dict)}
    assert set(dead) <= {3, 17}
    assert {leaf["error_class"] for leaf in dead.values()} == {"unreadable prediction"}
    assert all(leaf["state"] == DEAD and leaf["lines"] == 1 and leaf["etag"] for leaf in dead.values())


def test_a_row_whose_answer_is_too_long_is_one_of_them_and_no_other_row():
    reader = replace(READER, form=AnswerForm(most_line_bytes=1000))
    run = MemoryRun([40], answering({3}, lambda row: b'{"echo": 3, "why": "' + b"x" * 2000 + b'"}'), reader=reader)
    outcomes = run.outcomes(run.to_the_gate())
    assert all(outcomes[row] == row for row in outcomes if row != 3)
    assert (outcomes[3]["error_class"], outcomes[3]["state"]) == ("unreadable prediction", DEAD)
    assert "longer than prediction.max_line_mb" in outcomes[3]["message"]


@pytest.mark.parametrize("joins", [True, False])
def test_beside_a_record_that_is_joined_the_largest_of_the_run_has_its_room(joins):
    ledger = SimpleNamespace(read_part=lambda part: pa.table({"largest": [5, 9, None]}))
    form = AnswerForm(most_line_bytes=100, has_records=joins)
    for spans, most in (("part", 109 if joins else 100), (None, 100)):
        assert form_of_outputs(form, SimpleNamespace(spans=spans), ledger).most_line_bytes == most


def test_only_such_rows_and_controls_are_sent_again():
    run = MemoryRun([60], answering({3, 17}))
    run.to_the_gate()
    again = [name for name in run.service.sent if not name.startswith("s0-60-")]
    assert all(re.search(r"s(3|17)-1-", name) or "-w-" in name for name in again)


def test_a_row_that_is_read_the_next_time_is_scored_with_that_answer_and_the_gate_holds():
    run = MemoryRun([20, 20], answering({0, 7, 19}, times=1))
    outcomes = run.outcomes(run.to_the_gate())
    assert all(outcome == row for row, outcome in outcomes.items())
    assert sorted(outcomes) == all_rows([20, 20])


def test_an_answer_that_is_null_for_all_of_a_body_gives_up_no_good_row_of_it():
    def model(records):
        ids = [json.loads(record)["id"] for record in records]
        return [b'{"echo": null}' if 5 in ids else json.dumps({"echo": row}).encode() for row in ids]

    run = MemoryRun([20, 20], model)
    outcomes = run.outcomes(run.to_the_gate())
    assert [row for row, outcome in outcomes.items() if outcome != row] == [5]


def test_where_no_answer_can_be_read_the_run_ends_at_once_and_goes_on_with_the_same_objects_as_it_is():
    run = MemoryRun([20, 20], answering(set(range(10**4)), times=1))
    with pytest.raises(ServiceFailure, match="no answer can be read") as ended:
        run.to_the_gate()
    assert (run.state().rounds, run.service.records_sent) == (1, 40)
    assert "prediction.schema" in str(ended.value)
    assert "sends the same objects to the model once more" in str(ended.value)
    outcomes = run.outcomes(run.to_the_gate())
    assert all(outcome == row for row, outcome in outcomes.items())
    assert len(set(run.service.sent)) == 2


def test_with_another_schema_the_answers_are_read_again_for_nothing():
    run = MemoryRun([20, 20], lambda records: [json.dumps({"other": 1}).encode() for _ in records])
    with pytest.raises(ServiceFailure, match="no answer can be read"):
        run.to_the_gate()
    schema = pa.schema([("other", pa.int64())])
    run.prediction, run.reader = "other long", type(run.reader)(schema)
    state = run.to_the_gate()
    assert (state.rounds, run.service.records_sent) == (1, 40)
    assert sum(record.scored_rows for record in state.round_records) == 40
