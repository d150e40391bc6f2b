"""Outputs that mislead: none of them puts a prediction on another row."""

from __future__ import annotations

import json

import pytest

from batch_transform.core.errors import GateRefused
from batch_transform.core.object_store import PreconditionFailed
from batch_transform.core.predictions.output_counts import KeyCheck
from batch_transform.core.uris import S3Uri
from support.memory_run import LAYOUT, READER, RUN, MemoryRun, echoing

GOOD = echoing(lambda row: None)
KEY = KeyCheck("echo", "id", LAYOUT.input)


def all_scored_right(run, state):
    return all(outcome == row for row, outcome in run.outcomes(state).items())


def tampered(change, calls, sizes=(100, 100), **how):
    """A run in which the outputs of some calls, counted from 0, are changed; with its state at the gate."""
    run, seen = MemoryRun(list(sizes), GOOD, **how), iter(range(10**6))
    run.service.tamper = lambda job, name, body: change(body) if next(seen) in calls else body
    return run, run.to_the_gate()


CHANGES = {
    "truncated": lambda body: body[: len(body) // 2],
    "a line too many": lambda body: body + b'{"echo": 7}\n',
    "a blank line for another": lambda body: body.replace(b"\n", b"\n\n", 5).rpartition(b"{")[0],
    "a blank line instead of one": lambda body: b"\n" + body.partition(b"\n")[2],
    "pretty-printed": lambda body: json.dumps([json.loads(line) for line in body.split(b"\n")[:-1]], indent=1).encode(),
    "an array": lambda body: b"[" + body.replace(b"\n", b",")[:-1] + b"]\n",
    "empty": lambda body: b"",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_output_of_another_shape_is_not_used(change):
    run, state = tampered(change, {0})
    assert all_scored_right(run, state)
    assert state.rounds == 2


def test_newlines_that_the_server_adds_to_its_answers_cost_nothing():
    run, state = tampered(lambda body: b"\n" + body.replace(b"\n", b"\n\r\n"), {0})
    assert all_scored_right(run, state)
    assert state.rounds == 1


def test_99_and_101_lines_do_not_make_up_for_each_other():
    moved = []

    def change(body):
        if not moved:
            head, _, last = body.rstrip(b"\n").rpartition(b"\n")
            moved.append(last + b"\n")
            return head + b"\n"
        return moved[0] + body

    run, state = tampered(change, {0, 1})
    assert all_scored_right(run, state)
    first = run.state().round_records[0]
    assert first.scored_rows == 0


def test_an_output_replaced_between_counting_and_merging_is_refused():
    run = MemoryRun([50], GOOD)
    state = run.to_the_gate()
    (output,) = run.store.list(LAYOUT.outputs)
    place = S3Uri(RUN.bucket, output.key)
    run.store.put(place, run.store.get(place)[0].replace(b'"echo": 1}', b'"echo": 2}'))
    with pytest.raises(PreconditionFailed):
        run.outcomes(state)


def test_a_container_that_reorders_its_answers_is_caught_by_the_key_and_by_nothing_else():
    """Every count is right; without a key promise 2 rests on the container's order."""

    def swapped(records):
        lines = GOOD(records)
        return [*lines[1::-1], *lines[2:]]

    plain = MemoryRun([40, 40], swapped)
    assert not all_scored_right(plain, plain.to_the_gate())
    keyed = MemoryRun([40, 40], swapped, key=KEY)
    state = keyed.to_the_gate()
    assert all_scored_right(keyed, state)


def test_one_answer_with_another_key_costs_one_row():
    wrong = MemoryRun([40, 40], _with_a_wrong_echo, key=KEY)
    outcomes = wrong.outcomes(wrong.to_the_gate())
    (row,) = [row for row, outcome in outcomes.items() if isinstance(outcome, dict)]
    assert row == 9
    assert outcomes[9]["error_class"] == "mismatching output"
    assert "echoes another key" in outcomes[9]["message"]


def _with_a_wrong_echo(records):
    return [line.replace(b": 9}", b": 8}") for line in GOOD(records)]


@pytest.mark.parametrize("corruption", ["length", "swap", "forgotten"])
def test_the_gate_refuses_when_the_bookkeeping_is_wrong(corruption, monkeypatch):
    """What reconciling wrote is changed on purpose: a span off by one, two swapped, a dead one forgotten."""
    run = MemoryRun([40, 40], echoing(lambda row: 400 if row == 9 else None), reader=READER)
    driver = run.driver()
    while not driver.state.is_settled:
        driver.step()
    real = driver.ctx.ledger.read_part

    def corrupted(part):
        table = real(part)
        if part != driver.state.last_round.leaves:
            return table
        return type(table).from_pylist(_corrupt(table.to_pylist(), corruption), schema=table.schema)

    monkeypatch.setattr(driver.ctx.ledger, "read_part", corrupted)
    with pytest.raises(GateRefused):
        driver.step()
    monkeypatch.undo()
    driver.step()
    assert driver.state.gate is not None


def _corrupt(rows, corruption):
    scored = [row for row in rows if row["state"] == "scored"]
    if corruption == "length":
        scored[0]["stop"] += 1
    elif corruption == "swap":
        for name in ("start", "stop"):
            scored[0][name], scored[1][name] = scored[1][name], scored[0][name]
    else:
        rows = [row for row in rows if row["state"] != "dead"]
    return rows
