"""One call in ten to S3 and SageMaker goes wrong: throttled, answered 500, reset, or obeyed with the answer lost."""

from __future__ import annotations

import pytest

from support.strikes import Weather

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]
PROBABILITY = 0.1
SAMPLED, ALL = [1], range(50)
ATTEMPTS = 5


def ends_right(scene, seed):
    run = scene.run(lease_seconds=10)
    weather = Weather(seed, PROBABILITY).into(scene.proxy)
    report = run.finish(ATTEMPTS)
    scene.proxy.watch = scene.proxy.answered = lambda passing: None
    run.check(report)
    assert set(weather.struck) == {"throttled", "500", "reset", "lost"}
    return len(run.started)


@pytest.mark.parametrize("seed", SAMPLED)
def test_a_run_in_bad_weather(scene, seed):
    assert ends_right(scene, seed) <= ATTEMPTS


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_fifty_runs_in_bad_weather(scene):
    drivers = [ends_right(scene, seed) for seed in ALL]
    print(f"{len(drivers)} runs, {sum(drivers)} drivers")
    assert len(drivers) == len(ALL)
