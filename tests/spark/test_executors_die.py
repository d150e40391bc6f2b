"""An executor or a Python worker is killed in the middle of each phase: the run goes on, and its result is right.

The kill hits the process whose request is in flight; the request itself arrives when its sender is dead, as the last
packets of a lost machine may.
"""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

import pytest

from support.cluster_driver import ROWS_OF_TASK, TASKS
from support.cluster_runs import DEAD, SCORED, ClusterRun, run_on
from support.clusters import cluster
from support.kills import Fits, Kill, Killed, Victim
from support.watching_proxy import GATE, Passing, WatchingProxy

pytestmark = [pytest.mark.spark, pytest.mark.timeout(600)]
COMMANDS = {Victim.EXECUTOR: "CoarseGrainedExecutorBackend", Victim.WORKER: "pyspark.daemon"}


class Phase(NamedTuple):
    """When to kill: at which request of which step of the run."""

    fits: Fits
    while_writing: bool = False


def putting_after(step: str) -> Fits:
    """A later object of a task, when two other tasks have put objects as well."""

    def fits(passing, passed):
        if passing.step != step or passing.token is None:
            return False
        tokens = {other.token for other in passed if other.step == step}
        return passing.token in tokens and len(tokens - {None}) >= 3

    return fits


def making_rows(passing, passed):
    """A row in the middle of the third task of the staging."""
    return passing.path.startswith(GATE) and sum(other.path.startswith(GATE) for other in passed) >= 2


def reading_outputs(passing, passed):
    """An output that a task of the merge asks for, when a quarter of them has been read."""
    return passing.step == "gated" and is_output(passing) and sum(map(is_output, after(passed, "gated"))) >= 20


def is_output(passing: Passing) -> bool:
    return passing.method == "GET" and passing.path.endswith(".out")


def after(passed, step):
    return [passing for passing in passed if passing.step == step]


PHASES = {
    "staging": Phase(making_rows, while_writing=True),
    "export": Phase(putting_after("staged")),
    "cut": Phase(putting_after("reconciled")),
    "merge": Phase(reading_outputs, while_writing=True),
}
CASES = [(victim, phase) for victim in Victim for phase in PHASES]


class Case(NamedTuple):
    """A run in which something was killed."""

    victim: Victim
    phase: str
    killed: Killed
    passed: list[Passing]
    run: ClusterRun


@pytest.fixture(scope="module")
def proxy(world):
    with closing(WatchingProxy(world.url)) as running:
        yield running


@pytest.fixture(scope="module")
def executors(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module", params=CASES, ids=[f"{phase}-{victim.value}" for victim, phase in CASES])
def case(request, world, proxy, executors, tmp_path_factory):
    victim, phase = request.param
    proxy.reset()
    proxy.watch = kill = Kill(proxy, victim, *PHASES[phase])
    run = run_on(executors, world, proxy, tmp_path_factory.mktemp(phase))
    assert kill.done, f"no {victim.value} was killed in the {phase}"
    return Case(victim, phase, kill.done, proxy.passed, run)


def test_the_process_at_work_was_killed(case):
    assert COMMANDS[case.victim] in case.killed.command


def test_its_task_was_run_again(case):
    """By another process, which asked for the same row, wrote objects of the same rows, or read the same output."""
    held = case.killed.held
    later = [passing for passing in case.passed[case.killed.passed :] if passing.pid != held.pid]
    again = [passing for passing in later if (passing.step, passing.method) == (held.step, held.method)]
    if held.start is None:
        assert [passing.path for passing in again].count(held.path) == 1
    else:
        assert [passing.start for passing in again].count(held.start) == 1
        assert held.token not in [passing.token for passing in again]


def test_each_row_has_its_own_prediction_once(case):
    assert case.run.scored() == SCORED


def test_the_bad_rows_are_the_dead_letters(case):
    assert case.run.dead() == DEAD


def test_what_the_killed_task_wrote_is_there_and_nothing_refers_to_it(case):
    run, token = case.run, case.killed.held.token
    orphans = run.inputs() - run.named()
    of_the_killed = {name for name in run.inputs() if token and f"-{token}." in name}
    assert of_the_killed <= orphans
    # One before the kill, and the one that arrived after it.
    assert len(of_the_killed) >= (2 if token else 0)
    assert run.sent() == run.named()


def test_the_staged_files_are_those_of_successful_tasks(case):
    assert case.run.staged_rows() == [ROWS_OF_TASK] * TASKS
