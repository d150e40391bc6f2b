"""Outputs that are older than their job, or that come once it was judged: none is used, and each is told of."""

from __future__ import annotations

from datetime import timedelta

from support.memory_run import LAYOUT, MemoryRun, echoing

SIZES = [6, 6]


def told(run, words):
    return [event.text for event in run.events if words in event.text]


def is_right(run, state):
    outcomes = run.outcomes(state)
    return len(outcomes) == sum(SIZES) and all(outcome == row for row, outcome in outcomes.items())


def wrong(body):
    """As many answers, none of which is its row's."""
    return b'{"echo": -1}\n' * body.count(b"\n")


def test_an_output_that_is_older_than_its_job_is_none():
    run = MemoryRun(SIZES, echoing(lambda row: None))
    driver = run.driver()
    while not any(job.status is not None for job in driver.state.jobs):
        assert driver.step()
    (job,) = driver.state.jobs
    key = next(key for key in run.store.world.tree(LAYOUT.outputs.join(job.name).key) if key.endswith(".out"))
    body, at = run.store.world.objects["bucket", key]
    run.store.world.objects["bucket", key] = wrong(body), at - timedelta(days=30)
    state = driver.run()
    assert told(run, f"{key} is older than its job and is not used")
    assert state.rounds == 2
    assert is_right(run, state)


def late_run(comes):
    """A run of which an output is not there when its job is judged, and comes then, if it does."""
    run, kept = MemoryRun(SIZES, echoing(lambda row: None)), []

    def dropped(job, name, body):
        if not kept:
            kept.append((name, body))
            return None
        return body

    run.service.tamper = dropped
    driver = run.driver()
    while not any(job.verdicts for job in driver.state.jobs):
        assert driver.step()
    first, (name, body) = driver.state.jobs[0], kept[0]
    place = LAYOUT.output(first.name, name)
    if comes:
        run.store.put(place, wrong(body))
    return run, driver.run(), place


def test_an_output_that_comes_once_its_job_was_judged_is_not_used_and_is_told_of_once():
    run, state, place = late_run(comes=True)
    words = f"1 output came after the job was judged, and is not used; first: {place}"
    assert told(run, "came after") == [words]
    assert is_right(run, state)
    assert state.rounds == 2


def test_of_outputs_that_came_in_time_nothing_is_told():
    run, state, _ = late_run(comes=False)
    assert told(run, "came after") == []
    assert is_right(run, state)
