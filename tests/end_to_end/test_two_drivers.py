"""Two drivers on one run: one works, the other says why it does not; one that was frozen does no harm when it wakes."""

from __future__ import annotations

import json

import pytest

from support.drivers import PATIENCE_SECONDS, connect_server
from support.strikes import Hold

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]


@pytest.mark.long
def test_of_two_that_are_started_at_once_one_works(scene):
    run = scene.run(lease_seconds=20)
    drivers = [run.start(), run.start()]
    codes = [driver.wait() for driver in drivers]
    assert sorted(codes) == [0, 4], [driver.log() for driver in drivers]
    winner, loser = sorted(drivers, key=lambda driver: driver.process.returncode)
    run.check(winner.report())
    assert loser.report()["status"] == "held"
    assert "is at work on this run: it renews s3://" in loser.report()["error"][0]


def is_ledger_put(passing):
    return passing.method == "PUT" and passing.path.endswith("/ledger/000000000004.json")


def is_create(passing):
    return passing.operation.endswith(".CreateTransformJob")


def is_copy(passing):
    return passing.method == "PUT" and "/out/" in passing.path and "/part-" in passing.path


def is_commit(passing):
    in_result = "/out/" in passing.path and "_dead_letter" not in passing.path
    return passing.method == "PUT" and in_result and "/_delta_log/0" in passing.path


def is_done(passing):
    return passing.step == "published" and passing.method == "PUT" and "/ledger/" in passing.path


@pytest.mark.parametrize(
    "fits",
    [
        pytest.param(is_ledger_put, marks=pytest.mark.long),
        is_create,
        pytest.param(is_copy, marks=pytest.mark.long),
        pytest.param(is_done, marks=pytest.mark.long),
    ],
)
def test_a_frozen_driver_is_replaced_and_does_no_harm_when_it_wakes(scene, fits):
    """Its request is under way while it is frozen, and arrives when the other driver has published everything."""
    run = scene.run(lease_seconds=2)
    check_freezing(run, scene.proxy, fits)
    assert run.table("result")  # what it did after it woke has not taken `_SUCCESS` away


@pytest.mark.long
def test_a_commit_of_delta_that_was_held_back_is_the_same_transaction(scene, tmp_path):
    """The second driver has a JVM of its own: within one, Delta lets one commit wait for the other."""
    run = scene.run(lease_seconds=2)
    run.document["output"] |= {"format": "delta"}
    with connect_server(tmp_path, scene.proxy.url) as another:
        frozen_report = check_freezing(run, scene.proxy, is_commit, another, is_delta=True)
    assert frozen_report["status"] in ("fenced", "failed")


def check_freezing(run, proxy, fits, remote=None, *, is_delta=False):
    frozen = run.start()
    hold = Hold(fits, frozen.freeze).into(proxy)
    assert hold.held.wait(PATIENCE_SECONDS), frozen.log()
    second = run.start(remote)
    assert second.wait() == 0, second.log()
    report = second.report()
    hold.released.set()
    frozen.wake()
    assert frozen.wait() == 4, frozen.log()
    run.check_paid_once(report)
    if is_delta:
        run.check_delta()
    else:
        run.check(report)
    assert last_step(run)["writer"] != first_writer(run)
    return frozen.report()


def steps(run):
    keys = run.scene.world.objects(f"runs/{run.run_id}/ledger/")
    return [json.loads(run.scene.world.body(key)) for key in keys]


def first_writer(run):
    return steps(run)[0]["writer"]


def last_step(run):
    return steps(run)[-1]
