"""A driver that is killed before or after any of its mutations, from the first to the last, and resumed by another one.

The real loop, over ports in memory; only the resume runs after a crash, as after SIGKILL. The run has two lanes, poison
rows of two kinds, a flaky one, and four rounds; it appends to an output that holds another run's rows.
"""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from batch_transform.core.errors import ErrorBudgetExceeded, ServiceFailure
from batch_transform.outputs.registry import DEFAULT
from support.crashing_run import DEATHS, begun, check, check_published, early_steps, killed
from support.faults import Fate
from support.memory_run import FILE_FORMATS
from support.sampling import one_in

MODES = ["error", "append", "overwrite", "overwrite_partitions"]


@pytest.fixture(scope="module")
def undisturbed():
    """The mutations of a run that nobody kills, and the world as it was before each of them and at the end."""
    run, worlds = begun(), []
    faults = run.watched(lambda: worlds.append(run.copy()))
    state = run.to_the_end()
    check(run, state)
    assert state.rounds >= 3
    assert {job.lane for job in state.jobs} == {"standard", "oversize"}
    return faults.log, [*worlds, run.copy()]


@pytest.mark.slow
@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.long)])
def test_killed_once_at_every_point(undisturbed, every):
    """After one mutation is before the next one: what lies between them is lost with the process."""
    log, worlds = undisturbed
    places = [*of_each_kind(log, every), len(log)]
    for place in places:
        world = worlds[place].copy()
        check(world, world.to_the_end())
    print(f"{len(places)} points before and after {len(log)} mutations survived")
    assert len(worlds) == len(log) + 1 > 120
    assert len(places) > 120 / every


def of_each_kind(log, every):
    """The places of one in so many mutations of each kind, the first of them among these."""
    seen, places = Counter(), []
    for place, name in enumerate(log):
        kind = re.sub(r"[^/ ]*\d[^/ ]*", "", name)
        if seen[kind] % every == 0:
            places.append(place)
        seen[kind] += 1
    return places


# Of the points of a run these are tried.
EVERY = [52, pytest.param(7, marks=pytest.mark.long)]


@pytest.mark.slow
@pytest.mark.parametrize("every", EVERY)
def test_killed_with_jobs_side_by_side(every):
    """Four in a round and lane, each with the controls of its own."""
    run, worlds = begun(transform={"instance_count": 4, "instance_start_seconds": 0}), []
    run.watched(lambda: worlds.append(run.copy()))
    state = run.to_the_end()
    check(run, state)
    assert max(Counter((job.round_number, job.lane) for job in state.jobs).values()) == 4
    for world in worlds[::every]:
        check(world, world.to_the_end())


@pytest.mark.slow
@pytest.mark.parametrize("every", EVERY)
def test_killed_while_rounds_overlap(every):
    """As above, with jobs that take unlike long: the poison rows' chains go on beside jobs of the first round."""
    run, worlds = begun(transform={"instance_count": 4, "instance_start_seconds": 0}), []
    run.service.lasts = lambda number: [200, 900, 3_000, 500][number % 4]
    run.watched(lambda: worlds.append(run.copy()))
    state = run.to_the_end()
    check(run, state)
    assert early_steps(run) >= 2
    assert len({job.plan for job in state.jobs}) > state.rounds - 1
    for world in worlds[::every]:
        check(world, world.to_the_end())


@pytest.mark.parametrize("format", [name for name in FILE_FORMATS if name != DEFAULT])
def test_killed_at_every_point_of_publishing_another_format(format):
    """What comes before is of no format: the default's points are all of a run."""
    run = begun(format=format)
    state = run.to_the_gate()
    assert state.publication is None
    faults, worlds = run.watched(lambda: worlds.append(run.copy())), []
    run.to_the_end()
    for world in [*worlds, run.copy()]:
        check(world, world.to_the_end())
    assert len(worlds) == len(faults.log) > 20


def test_what_the_points_are(undisturbed):
    """The scenario has each kind of mutation that a run can make."""
    log, _ = undisturbed
    kinds = {name.partition(" ")[0] for name in log}
    assert kinds >= {"PutObject", "CreateTransformJob", "CopyObject", "DeleteObject"}
    for folder in ("staging", "input", "manifests", "ledger", "parts", "merged", "evidence"):
        assert any(f"/{folder}/" in name for name in log)
    assert any("lease.json" in name for name in log)
    assert any("_SUCCESS" in name for name in log)


@pytest.mark.slow
@pytest.mark.parametrize("times", [20, pytest.param(60, marks=pytest.mark.long)])
def test_killed_twice_at_sampled_points(undisturbed, times):
    draw = random.Random(7)
    log, worlds = undisturbed
    for _ in range(times):
        run = draw.choice(worlds).copy()
        killed(run, {draw.randrange(len(log)): draw.choice(DEATHS)})
        run.beset({})
        check(run, run.to_the_end())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("format", FILE_FORMATS)
def test_killed_again_and_again_in_every_format_and_mode(format, mode):
    draw = random.Random(mode)
    for _ in range(3 if format == DEFAULT else 2):
        run = begun(mode, format=format)
        for _ in range(6):
            killed(run, {draw.randrange(60): draw.choice(DEATHS)})
        run.beset({})
        check(run, run.to_the_end())


# boto3 repeats a call by itself: of calls of which one in ten goes wrong, fewer than one in a hundred reach the driver.
FAULTY = 0.02
MESSAGES = [Fate.LOSE_REQUEST, Fate.LOSE_RESPONSE, Fate.RESEND]


@pytest.mark.slow
@pytest.mark.parametrize("seed", one_in(5, range(50)))
def test_calls_that_go_wrong_beyond_the_clients_own_retries(seed):
    """Lost requests, lost responses, calls that are sent twice: the right result, or exit code 4 and resumed to it."""
    draw = random.Random(seed)
    run = begun()
    for _ in range(60):  # a round of a hundred objects is written anew each time; Spark would repeat one task
        run.beset({n: draw.choice(MESSAGES) for n in range(600) if draw.random() < FAULTY})
        try:
            state = run.to_the_end()
        except ServiceFailure:
            continue
        run.beset({})
        check(run, state)
        return
    pytest.fail("the run never ends")


def test_a_run_that_is_published_does_nothing_more():
    run = begun()
    state = run.to_the_end()
    before = run.store.world.tree()
    faults = run.beset({})
    assert run.to_the_end() == state
    assert (faults.log, run.store.world.tree()) == ([], before)


def test_who_waits_for_a_dead_drivers_lease_says_so():
    run = begun()
    killed(run, {20: Fate.DIE_AFTER})
    run.beset({})
    run.events.clear()
    run.to_the_end()
    assert "has not given the run back; waiting up to 60 s" in run.events[0].text


def test_over_budget_nothing_is_published_and_a_resume_scores_nothing():
    run = begun()
    run.errors = {"max_rows": 1}
    with pytest.raises(ErrorBudgetExceeded):
        run.to_the_end()
    sent = len(run.service.requests)
    assert [key for key in run.store.world.tree("out") if not key.endswith("_SUCCESS")] == []
    run.errors = {"max_rows": 2}
    check(run, run.to_the_end())
    assert len(run.service.requests) == sent


KEPT = {"ledger", "lease.json", "report.html", "status.json", "parts"}


def test_what_a_run_leaves_is_removed_with_all_that_killed_drivers_left():
    draw = random.Random(4)
    run = begun()
    run.retention = "delete"
    while run.drivers < 6:
        killed(run, {draw.randrange(45): draw.choice(DEATHS)})
    assert run.state().report is None
    run.beset({})
    state = run.to_the_end()
    check_published(run)
    assert state.cleaned
    left = [key.removeprefix("runs/run/") for key in run.store.world.tree("runs/run/")]
    assert {name.partition("/")[0] for name in left} == KEPT
    assert not run.store.world.tree("rows/")
    assert {name for name in left if name.startswith("parts/")} == {part.key for part in state.publication.parts}


def test_killed_while_it_cleans_it_stays_published(undisturbed):
    log, worlds = undisturbed
    nearly = worlds[next(n for n, name in enumerate(log) if "status.json" in name)]
    for point in range(0, 60, 5):
        run = nearly.copy()
        run.retention = "delete"
        killed(run, {point: Fate.DIE_AFTER})
        run.beset({})
        assert run.to_the_end().report["status"] == "published"
        check_published(run)
