"""Whole runs in memory: whatever fails, each row ends with its prediction or as a dead letter; no good row dies.

The loop, the ledger, the counting and the merge's reader are the real ones; service and store are small ones in memory.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batch_transform.core.errors import ServiceFailure
from batch_transform.core.predictions.reader import PredictionReader
from support.memory_run import READER, MemoryRun, all_rows

# What a record can do to the model for ever, and the class that its row dies of.
POISONS: dict[Any, set[str]] = {
    400: {"rejected by the model"},
    413: {"payload too large"},
    500: {"model error"},
    503: {"model unavailable"},
    "drop": {"model gave no answer"},
    "timeout": {"model timed out"},
    "short": {"mismatching output"},
    "pretty": {"mismatching output"},
    "twice": {"mismatching output"},
    "unreadable": {"unreadable prediction"},
    "placeholder": {"placeholder instead of a prediction"},
}
MISCOUNTED = {"short", "pretty", "twice"}
PLACEHOLDER = "ERROR"
FLAKES = [500, 503, 429, 408, "drop", "timeout"]
JOB_FAULTS = ["capacity", "internal", "lost", "stopped", "ping", "memory"]
REFUSALS = ["quota", "throttled", "lost"]
TAMPERING = {
    "truncated": lambda body: body[: body.rfind(b"\n", 0, -1) + 1],
    "one too many": lambda body: body + b'{"echo": 1}\n',
    "blank line": lambda body: b"\n" + body,
    "lost": lambda body: None,
}


@dataclass
class Script:
    """What goes wrong in a run."""

    sizes: list[int]
    poison: dict[int, Any]  # place of a row among all rows -> a key of POISONS
    flaky: dict[int, Any] = field(default_factory=dict)  # place -> how it fails the first time that it is sent
    job_faults: list[str | None] = field(default_factory=list)
    refusals: list[str | None] = field(default_factory=list)
    tamper: tuple[int, str] | None = None  # the n-th output, and how
    logs_late: bool = False


class Model:
    """Answers as the script says."""

    def __init__(self, poison: dict[int, Any], flaky: dict[int, Any]) -> None:
        self.poison, self.flaky = poison, dict(flaky)

    def __call__(self, records: list[bytes]) -> Any:
        ids = [json.loads(record)["id"] for record in records]
        for row in ids:
            if row in self.flaky:
                return self.flaky.pop(row)
            if self.poison.get(row) in (400, 413, 500, 503, "drop", "timeout"):
                return self.poison[row]
        return [line for row in ids for line in self.lines(row)]

    def lines(self, row: int) -> list[bytes]:
        good = json.dumps({"echo": row}).encode()
        odd = {
            "short": [],
            "pretty": [b"{", b'"echo": 1', b"}"],
            "twice": [good, good],
            "unreadable": [b'{"echo": "x"}'],
            "placeholder": [PLACEHOLDER.encode()],
        }
        return odd.get(self.poison.get(row), [good])


def played(script: Script) -> tuple[MemoryRun, dict[int, Any]]:
    """The run of a script, with its rows in order."""
    reader = PredictionReader(READER.schema, PLACEHOLDER)
    model = Model({}, {})
    run = MemoryRun(script.sizes, model, reader=reader)
    rows = all_rows(script.sizes)
    model.poison = {rows[place]: kind for place, kind in script.poison.items()}
    model.flaky = {rows[place]: kind for place, kind in script.flaky.items()}
    run.service.job_faults = deque(script.job_faults)
    run.service.refusals = deque(script.refusals)
    run.service.logs_late = script.logs_late
    run.service.tamper = tampering(script.tamper)
    return run, model.poison


def tampering(tamper: tuple[int, str] | None) -> Any:
    seen = iter(range(10**9))

    def change(job: int, name: str, body: bytes) -> bytes | None:
        if tamper is not None and next(seen) == tamper[0]:
            return TAMPERING[tamper[1]](body)
        return body

    return change


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    sizes = draw(st.lists(st.integers(1, 40), min_size=1, max_size=6))
    places = st.integers(0, sum(sizes) - 1)
    kinds = draw(st.lists(st.sampled_from(list(POISONS)), min_size=1, max_size=3))
    # A line too many where a line is missing: two lies that cancel out are for `prediction.key`, no count sees them.
    kinds = [kind for kind in kinds if "short" not in kinds or kind not in ("pretty", "twice")]
    poison = draw(st.dictionaries(places, st.sampled_from(kinds), max_size=max(0, sum(sizes) - 1)))
    countable = not MISCOUNTED & set(poison.values())
    flaky = draw(st.dictionaries(places.filter(lambda place: place not in poison), st.sampled_from(FLAKES), max_size=4))
    return Script(
        sizes,
        poison,
        flaky,
        draw(st.lists(st.none() | st.sampled_from(JOB_FAULTS), max_size=4)),
        draw(st.lists(st.none() | st.sampled_from(REFUSALS), max_size=4)),
        draw(st.none() | st.tuples(st.integers(0, 8), st.sampled_from(list(TAMPERING)))) if countable else None,
        draw(st.booleans()),
    )


def check(script: Script, resumptions: int = 8) -> None:
    run, poison = played(script)
    for _ in range(resumptions):
        try:
            state = run.to_the_gate()
            break
        except ServiceFailure:
            if run.state().last_round.misread:
                assert script.tamper or MISCOUNTED & set(poison.values())
                check_nothing_is_paid_for_again(run)
                return
    else:
        pytest.fail("the run loops")
    outcomes = run.outcomes(state)
    assert sorted(outcomes) == all_rows(script.sizes)
    dead = {row for row, outcome in outcomes.items() if isinstance(outcome, dict)}
    # Failing twice alone is what a row dies of: one that was flaky and then lost its output as well may be dead.
    unlucky = {all_rows(script.sizes)[place] for place in script.flaky} if script.tamper else set()
    assert set(poison) <= dead <= set(poison) | unlucky
    assert all(outcomes[row] == row for row in outcomes if row not in dead)
    for row in dead:
        assert outcomes[row]["error_class"]
        assert outcomes[row]["message"]
    names = [request["TransformJobName"] for request in run.service.requests]
    assert len(set(names)) == len(names)
    assert max(Counter(accepted(run)).values(), default=1) == 1


def check_nothing_is_paid_for_again(run: MemoryRun) -> None:
    """Of a run whose few answers all seem to be in another form: it waits for the setting."""
    sent = run.service.records_sent
    with pytest.raises(ServiceFailure, match=r"answers? (is|are) in another form"):
        run.to_the_gate()
    assert run.service.records_sent == sent
    assert run.state().nothing_read


def accepted(run: MemoryRun) -> list[tuple[int, int]]:
    """The row ranges of outputs that were used, once for each job that was sent them."""
    state = run.state()
    ledger = run.reader_of_the_ledger()
    leaves = [ledger.read_part(record.leaves) for record in state.round_records if record.leaves]
    return [(leaf["start"], leaf["stop"]) for table in leaves for leaf in table.to_pylist()]


@pytest.mark.slow
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(scripts())
def test_any_script_ends_with_each_good_row_scored_and_each_bad_one_dead(script):
    check(script)


@pytest.mark.long
@pytest.mark.timeout(3600)
@settings(max_examples=5_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(scripts())
def test_five_thousand_more_scripts(script):
    check(script)


@pytest.mark.parametrize(("kind", "classes"), POISONS.items())
@pytest.mark.parametrize("logs_late", [False, True])
def test_a_row_dies_of_its_class(kind, classes, logs_late):
    """Without a line in the data log the FailureReason decides, so classes of one kind are one."""
    run, poison = played(Script([30, 30, 30], {17: kind}, logs_late=logs_late))
    state = run.to_the_gate()
    (row,) = poison
    leaf = run.outcomes(state)[row]
    if not logs_late or kind in ("short", "pretty", "twice", "unreadable", "placeholder"):
        assert {leaf["error_class"]} == classes
    else:
        assert leaf["error_class"] in ("rejected by the model", "model error")
