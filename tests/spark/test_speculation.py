"""With speculation on, a slow task is overtaken by a second attempt, and ends all the same: each row counts once."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from support.cluster_runs import DEAD, SCORED, ClusterRun, run_on
from support.clusters import cluster, standalone
from support.kills import Delay
from support.moments import puts_after, reads_outputs
from support.watching_proxy import GONE, watching

pytestmark = [pytest.mark.spark, pytest.mark.long]
# A task is run twice when a quarter of the others is done and it has taken a tenth longer than they.
SPECULATION = {
    "spark_speculation": "true",
    "spark_speculation_interval": "100ms",
    "spark_speculation_quantile": "0.25",
    "spark_speculation_multiplier": "1.1",
}


class Case(NamedTuple):
    """A run in which an attempt was overtaken in the export, and one in the merge."""

    export: Delay
    merge: Delay
    run: ClusterRun


def puts_the_same_rows(held, other):
    return other.start == held.start and other.token != held.token and other.step == held.step


def reads_the_same(held, other):
    return other.path == held.path and other.pid not in (held.pid, GONE) and other.step == held.step


@pytest.fixture(scope="module")
def case(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    with watching(world.url) as proxy, standalone(folder) as master, cluster(folder, master, **SPECULATION) as running:
        export = Delay(proxy, puts_after("staged"), puts_the_same_rows)
        merge = Delay(proxy, reads_outputs, reads_the_same)

        def watch(passing):
            export(passing)
            merge(passing)

        proxy.watch = watch
        yield Case(export, merge, run_on(running, world, proxy, tmp_path_factory.mktemp("run")))


def test_a_second_attempt_overtook_a_slow_one_in_the_export(case):
    assert case.export.overtaken_by is not None


def test_a_second_attempt_overtook_a_slow_one_in_the_merge(case):
    assert case.merge.overtaken_by is not None


def test_only_one_of_the_attempts_is_in_the_ledger_and_in_manifests(case):
    tokens = [case.export.held.token, case.export.overtaken_by.token]
    named = [any(f"-{token}." in name for name in case.run.named()) for token in tokens]
    there = [any(f"-{token}." in name for name in case.run.inputs()) for token in tokens]
    assert (sorted(named), there) == ([False, True], [True, True])
    assert case.run.sent() == case.run.named()


def test_each_row_has_its_own_prediction_once(case):
    assert case.run.scored() == SCORED


def test_the_bad_rows_are_the_dead_letters(case):
    assert case.run.dead() == DEAD
