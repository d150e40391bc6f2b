"""A driver that is killed before or after any of its mutations, from export to gate, and resumed by another one.

The real loop, over ports in memory; only the resume runs after a crash, as after SIGKILL. The run has two lanes, poison
rows of two kinds, a flaky one, and four rounds.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from contextlib import suppress

import pytest

from batch_transform.core.errors import ServiceFailure
from support.faults import Crash, Fate
from support.memory_run import MemoryRun, all_rows

SIZES = [40, 40, 1, 30]
LARGE = 80  # place of the row whose object is in the other lane
POISON = {7: 400, 55: 500}
FLAKY = 99
DEATHS = [Fate.DIE_BEFORE, Fate.DIE_AFTER]


class Model:
    """Refuses the poison rows always and the flaky one once."""

    def __init__(self, rows):
        self.poison = {rows[place]: status for place, status in POISON.items()}
        self.flaky = {rows[FLAKY]}

    def __call__(self, records):
        ids = [json.loads(record)["id"] for record in records]
        for row in ids:
            if row in self.flaky:
                self.flaky.discard(row)
                return 503
            if row in self.poison:
                return self.poison[row]
        return [json.dumps({"echo": row}).encode() for row in ids]


def begun():
    rows = all_rows(SIZES)
    return MemoryRun(SIZES, Model(rows), oversize=[rows[LARGE]])


def covered(run):
    """How many outputs there are for each row, whichever job wrote them."""
    names = [key.rpartition("/")[2].removesuffix(".out") for key in run.store.world.tree("runs/run/output/")]
    ranges = [name.removeprefix("s").split("-")[:2] for name in names if name.startswith("s")]
    return Counter(row for first, rows in ranges for row in range(int(first), int(first) + int(rows)))


def check(run, state):
    """It is as if nothing had happened: the same rows dead, each prediction on its row, nothing paid for twice."""
    rows = all_rows(SIZES)
    outcomes = run.outcomes(state)
    assert sorted(outcomes) == rows
    dead = {row for row, outcome in outcomes.items() if isinstance(outcome, dict)}
    assert dead == {rows[place] for place in POISON}
    assert all(outcomes[row] == row for row in rows if row not in dead)
    assert set(covered(run).values()) == {1}
    names = [request["TransformJobName"] for request in run.service.requests]
    assert len(set(names)) == len(names) == len(state.jobs)


def killed(run, fates):
    """Drives the run until it is killed, or done; returns what it asked for."""
    faults = run.beset(fates)
    with suppress(Crash):
        run.to_the_gate()
    return faults.log


@pytest.fixture(scope="module")
def undisturbed():
    """The mutations of a run that nobody kills."""
    run = begun()
    log = killed(run, {})
    state = run.driver().state
    check(run, state)
    assert state.rounds >= 3
    assert {job.lane for job in state.jobs} == {"standard", "oversize"}
    return log


@pytest.mark.parametrize("fate", DEATHS)
def test_killed_once_at_every_point(undisturbed, fate):
    survived = 0
    for point in range(len(undisturbed)):
        run = begun()
        killed(run, {point: fate})
        run.beset({})
        check(run, run.to_the_gate())
        survived += 1
    print(f"{survived} points of {len(undisturbed)} survived: {fate.value}")
    assert survived == len(undisturbed) > 40


def test_killed_twice_at_sampled_points(undisturbed):
    draw = random.Random(7)
    for _ in range(60):
        run = begun()
        killed(run, {draw.randrange(len(undisturbed)): draw.choice(DEATHS)})
        killed(run, {draw.randrange(len(undisturbed)): draw.choice(DEATHS)})
        run.beset({})
        check(run, run.to_the_gate())


# boto3 repeats a call by itself: of calls of which one in ten goes wrong, fewer than one in a hundred reach the driver.
FAULTY = 0.02
MESSAGES = [Fate.LOSE_REQUEST, Fate.LOSE_RESPONSE, Fate.RESEND]


@pytest.mark.parametrize("seed", range(50))
def test_calls_that_go_wrong_beyond_the_clients_own_retries(seed):
    """Lost requests, lost responses, calls that are sent twice: the right result, or exit code 4 and resumed to it."""
    draw = random.Random(seed)
    run = begun()
    for _ in range(20):
        run.beset({n: draw.choice(MESSAGES) for n in range(400) if draw.random() < FAULTY})
        try:
            state = run.to_the_gate()
        except ServiceFailure:
            continue
        run.beset({})
        check(run, state)
        return
    pytest.fail("the run never ends")
