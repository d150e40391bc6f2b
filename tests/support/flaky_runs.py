"""Runs in memory of a model that fails at random, whatever it is asked, and of rows that it always refuses."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from batch_transform.core.errors import ServiceFailure
from batch_transform.core.isolation.verdict_rows import DEAD
from support.memory_run import MemoryRun, all_rows

# How a request fails, as MemoryService has it; a document with a status of 200 is an answer like any other.
WAYS: dict[str, Any] = {
    "400": 400,
    "404": 404,
    "500": 500,
    "503": 503,
    "timeout": "timeout",
    "drop": "drop",
    "document": [b'{"error": "try again"}'],
}
STRATEGIES = ("MultiRecord", "SingleRecord")
BAD_ROWS = 20


class FlakyModel:
    """Fails requests that hold a bad row, and others at a rate."""

    def __init__(self, rate: float, way: str, seed: int) -> None:
        self.rate, self.way, self.bad = rate, WAYS[way], set[int]()
        self._random = random.Random(seed)

    def __call__(self, records: list[bytes]) -> Any:
        ids = [json.loads(record)["id"] for record in records]
        if self._random.random() < self.rate or not self.bad.isdisjoint(ids):
            return self.way
        return [json.dumps({"echo": row}).encode() for row in ids]


@dataclass(frozen=True)
class Ended:
    """How a run ended: `stopped` says why it was not published, `wrong` are good rows that were given up."""

    stopped: str
    bad: int
    found: int
    wrong: int
    rounds: int
    objects: int
    again: int


def play(rate: float, way: str, strategy: str, seed: int, rows: int = 1_000, **transform: Any) -> Ended:
    """Returns how a run of so many rows in objects of a hundred ended; each row that it scored has its own answer."""
    sizes = [100] * (rows // 100)
    model = FlakyModel(rate, way, seed)
    run = MemoryRun(sizes, model, transform={"strategy": strategy, **transform})
    everyone = all_rows(sizes)
    model.bad = set(random.Random(f"{seed} {rows}").sample(everyone, BAD_ROWS))
    stopped = ""
    try:
        state = run.to_the_gate()
        outcomes = run.outcomes(state)
        assert sorted(outcomes) == everyone
        assert all(outcome in (row,) or isinstance(outcome, dict) for row, outcome in outcomes.items())
        dead = {row for row, outcome in outcomes.items() if isinstance(outcome, dict)}
    except ServiceFailure as failure:
        stopped, state, dead = str(failure), run.state(), _given_up(run)
    sent = run.service.records_sent - rows
    return Ended(
        stopped, BAD_ROWS, len(dead & model.bad), len(dead - model.bad), state.rounds, len(run.service.sent), sent
    )


def _given_up(run: MemoryRun) -> set[int]:
    ledger = run.reader_of_the_ledger()
    tables = [ledger.read_part(record.leaves) for record in run.state().round_records if record.leaves]
    leaves = [leaf for table in tables for leaf in table.to_pylist() if leaf["state"] == DEAD]
    return {row for leaf in leaves for row in range(leaf["start"], leaf["stop"])}
