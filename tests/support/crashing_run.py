"""A run in memory that is killed and gone on with: two lanes, poison rows of two kinds, a flaky one, four rounds.

It appends to an output that holds another run's rows.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from batch_transform.core.run_state import RunState
from batch_transform.core.uris import S3Uri
from support.faults import Crash, Fate
from support.memory_run import MemoryRun, all_rows

SIZES = [14, 14, 1, 9]
LARGE = 28  # place of the row whose object is in the other lane
POISON = {7: 400, 19: 500}
FLAKY = 33
DEATHS = [Fate.DIE_BEFORE, Fate.DIE_AFTER]


class Model:
    """Refuses the poison rows always, each with its status, and the flaky one once; both are places of rows."""

    def __init__(self, rows: Sequence[int], poison: Mapping[int, int], flaky: int) -> None:
        self.poison = {rows[place]: status for place, status in poison.items()}
        self.flaky = {rows[flaky]}

    def __call__(self, records: list[bytes]) -> int | list[bytes]:
        ids = [json.loads(record)["id"] for record in records]
        for row in ids:
            if row in self.flaky:
                self.flaky.discard(row)
                return 503
            if row in self.poison:
                return self.poison[row]
        return [json.dumps({"echo": row}).encode() for row in ids]


def begun(mode: str = "append", transform: Mapping[str, Any] | None = None, **options: Any) -> MemoryRun:
    rows = all_rows(SIZES)
    model = Model(rows, POISON, FLAKY)
    asked = {"invocations_max_retries": 0, **(transform or {})}  # else the service's own tries score the flaky row
    run = MemoryRun(SIZES, model, oversize=[rows[LARGE]], exported=False, mode=mode, transform=asked, **options)
    for folder in ("out", "out_dead_letter"):
        run.store.put(S3Uri("bucket", f"{folder}/_SUCCESS"), b"")
    return run


def covered(run: MemoryRun) -> Counter[int]:
    """How many outputs there are for each row, whichever job wrote them."""
    names = [key.rpartition("/")[2].removesuffix(".out") for key in run.store.world.tree("rows/run/output/")]
    ranges = [name.removeprefix("s").split("-")[:2] for name in names if name.startswith("s")]
    return Counter(row for first, rows in ranges for row in range(int(first), int(first) + int(rows)))


def check(run: MemoryRun, state: RunState) -> None:
    """It is as if nothing had happened: the same rows dead, each prediction on its row, nothing paid for twice."""
    check_published(run)
    assert set(covered(run).values()) == {1}
    names = [request["TransformJobName"] for request in run.service.requests]
    assert len(set(names)) == len(names) == len(state.jobs)
    assert state.report is not None
    assert state.report["status"] == "published"


def check_published(run: MemoryRun) -> None:
    """A reader finds each row once."""
    rows = all_rows(SIZES)
    dead = {rows[place] for place in POISON}
    assert run.published("result") == [(row, str(row)) for row in rows if row not in dead]
    assert [row for row, _ in run.published("dead_letter")] == sorted(dead)


def killed(run: MemoryRun, fates: Mapping[int, Fate]) -> list[str]:
    """Drives the run until it is killed, or done; returns what it asked for."""
    faults = run.beset(fates)
    with suppress(Crash):
        run.to_the_end()
    return faults.log


def kinds(run: MemoryRun) -> list[str]:
    """The kinds of a run's steps, in order."""
    return [step.kind for step in run.reader_of_the_ledger().load()]


def mutations(run: MemoryRun) -> list[str]:
    """What a run asks for that changes anything, from here to its end."""
    faults = run.beset({})
    run.to_the_end()
    return faults.log


def early_steps(run: MemoryRun) -> int:
    """How often something was settled while other jobs ran."""
    return sum(step.kind == "reconciled" and "jobs" in step.payload for step in run.reader_of_the_ledger().load())
