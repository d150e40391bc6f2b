"""An executor or a Python worker is killed in the middle of each phase: the run goes on, and its result is right.

The kill hits the process whose request is in flight; the request itself arrives when its sender is dead, as the last
packets of a lost machine may.
"""

from __future__ import annotations

from typing import NamedTuple

import psutil
import pytest

from support.cluster_driver import ROWS_OF_TASK, TASKS
from support.cluster_runs import DEAD, SCORED, ClusterRun, run_on
from support.clusters import cluster
from support.kills import Aim, Killed, Kills, Victim, WritingKill
from support.moments import makes_rows, puts_after, reads_outputs
from support.watching_proxy import GONE, Passing, watching

pytestmark = [pytest.mark.spark, pytest.mark.slow]
COMMANDS = {Victim.EXECUTOR: "CoarseGrainedExecutorBackend", Victim.WORKER: "pyspark.daemon"}
AIMS = {
    "staging": Aim(makes_rows, writing_below="/copy"),
    "export": Aim(puts_after("staged")),
    "cut": Aim(puts_after("reconciled")),
    "merge": Aim(reads_outputs),
}
# The workers merge a plain table (spark.file_merge), from whose answers Spark computes nothing; else Spark merges it.
BY_SPARK = {**AIMS, "merge": Aim(reads_outputs, writing_below="-result")}
WRITTEN = ["export", "cut"]
# Whom it hits in each phase: in CI the one and the other in turn.
IN_TURN = dict(zip(AIMS, [Victim.EXECUTOR, Victim.WORKER] * 2, strict=True))
# Whom it hits, and whether Spark merges, as it does where provenance is asked for.
CASES = [
    pytest.param((IN_TURN, False), id="in turn"),
    *[
        pytest.param((dict.fromkeys(AIMS, victim), by), id=f"{victim.value}, {name}", marks=pytest.mark.long)
        for victim in Victim
        for name, by in (("by workers", False), ("by Spark", True))
    ],
]


class Case(NamedTuple):
    """A run in which a process was killed in each phase."""

    victims: dict[str, Victim]
    killed: dict[str, Killed]
    passed: list[Passing]
    run: ClusterRun


@pytest.fixture(scope="module")
def proxy(world):
    with watching(world.url) as running:
        yield running


@pytest.fixture(scope="module")
def executors(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module", params=CASES)
def case(request, world, proxy, executors, tmp_path_factory):
    victims, is_by_spark = request.param
    proxy.reset()
    proxy.watch = kills = Kills(proxy, victims, BY_SPARK if is_by_spark else AIMS)
    run = run_on(executors, world, proxy, tmp_path_factory.mktemp("run"), provenance=is_by_spark)
    missed = [phase for phase in AIMS if phase not in kills.done]
    assert not missed, f"nothing was killed in {missed}"
    return Case(victims, kills.done, proxy.passed, run)


@pytest.mark.parametrize("phase", AIMS)
def test_a_process_at_work_was_killed(case, phase):
    assert COMMANDS[case.victims[phase]] in case.killed[phase].command


@pytest.mark.parametrize("phase", AIMS)
def test_its_task_was_run_again(case, phase):
    """By another process, which made the same row, put an object of the same rows, or read the same output."""
    held = case.killed[phase].held
    later = [passing for passing in case.passed[case.killed[phase].passed :] if passing.pid not in (held.pid, GONE)]
    same = [passing for passing in later if (passing.step, passing.method) == (held.step, held.method)]
    if phase in WRITTEN:
        assert [passing.start for passing in same].count(held.start) == 1
        assert held.token not in [passing.token for passing in same]
    else:
        assert [passing.path for passing in same].count(held.path) == 1


@pytest.mark.parametrize("phase", WRITTEN)
def test_what_the_killed_task_put_is_there_and_nothing_refers_to_it(case, phase):
    """An object from before the kill, and the one that arrived after it."""
    orphans = {name for name in case.run.inputs() if f"-{case.killed[phase].held.token}." in name}
    assert len(orphans) >= 2
    assert not orphans & (case.run.named() | case.run.sent())


def test_all_that_was_sent_is_in_the_ledger(case):
    assert case.run.sent() == case.run.named()


def test_the_staged_files_are_those_of_successful_tasks(case):
    assert list(case.run.staged().values()) == [ROWS_OF_TASK] * TASKS


def test_each_row_has_its_own_prediction_once(case):
    assert case.run.scored() == SCORED


def test_the_bad_rows_are_the_dead_letters(case):
    assert case.run.dead() == DEAD


# Small partitions: the copy of the input is staged again, in eight of its own.
SMALL_PARTITIONS = 40


@pytest.fixture(scope="module")
def shuffled(world, proxy, executors, tmp_path_factory):
    """A run in which an executor was killed while it wrote rows from a shuffle, part of which was lost with it."""
    proxy.reset()
    for _ in range(3):
        with WritingKill(psutil.Process(executors.process.pid), "/rows", after_files=2) as kill:
            run = run_on(executors, world, proxy, tmp_path_factory.mktemp("run"), SMALL_PARTITIONS)
        if kill.written:
            return kill.written, run
    raise AssertionError("three runs, and no executor was killed")


@pytest.mark.long
def test_a_file_that_was_half_written_after_a_shuffle_is_written_again(shuffled):
    written, run = shuffled
    assert "/_temporary/" in written
    assert written.rpartition("/")[2] in [path.rpartition("/")[2] for path in run.staged()]


@pytest.mark.long
def test_a_shuffle_repeated_in_part_gives_each_row_once(shuffled):
    assert shuffled[1].scored() == SCORED
    assert shuffled[1].dead() == DEAD
