"""Real drivers are killed by SIGKILL at a request that changes the world, and the run is started again.

*Before* drops the request, *after* forwards it and drops the response. The points are the requests of the driver and of
its Python workers, and of Spark itself where it writes to S3.
"""

from __future__ import annotations

import random

import pytest

from support.strikes import Strike

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]
SAMPLED, ALL = 2, 64


@pytest.fixture(scope="module")
def undisturbed(scene):
    """How many requests change the world in a run that nobody kills."""
    run = scene.run()
    report = run.finish()
    run.check(report)
    assert report["rounds"] >= 2
    assert {job["lane"] for job in report["jobs"]} == {"standard", "oversize"}
    return sum(passing.mutates for passing in scene.proxy.passed)


def killed_and_resumed(scene, number, after):
    run = scene.run()
    driver = run.start()
    strike = Strike(number, after, driver.kill).into(scene.proxy)
    code = driver.wait()
    scene.proxy.watch = scene.proxy.answered = lambda passing: None
    if strike.struck is None:
        assert code == 0, driver.log()
        run.check(driver.report())
        return "the end"
    assert code == -9, driver.log()
    run.check(run.finish())
    return str(strike.struck)


def survive(scene, count, points, seed):
    draw = random.Random(seed)
    step = count / points
    survived = []
    for point in range(points):
        number = min(count - 1, int((point + draw.random()) * step))
        survived.append(killed_and_resumed(scene, number, after=point % 2 == 1))
    print(f"{len(survived)} points of SIGKILL among {count} mutating requests survived")
    return survived


def test_sampled_points(scene, undisturbed):
    assert len(survive(scene, undisturbed, SAMPLED, seed=3)) == SAMPLED


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_many_points(scene, undisturbed):
    survived = survive(scene, undisturbed, ALL, seed=11)
    assert len(survived) == ALL >= 60
    assert any("/ledger/" in point for point in survived)
