"""A control is what was written: one that is gone or altered is written again, or tells of nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from batch_transform.core.resuming.altered_objects import control_pins
from batch_transform.core.state import actions as act
from batch_transform.core.state.next_action import next_action
from support.memory_run import LAYOUT, MemoryRun, all_rows, echoing

SIZES = [6, 6]
BAD = all_rows(SIZES)[2]
FOLDER = "rows/run/input/"


def before(kind):
    """A run that is about to create, or to judge, the first job that has controls."""
    run = MemoryRun(SIZES, echoing(lambda row: 400 if row == BAD else 500 if row == 9999 else None))
    driver = run.driver()
    while not (isinstance(action := next_action(driver.state), kind) and action.job.controls):
        assert driver.step()
    return run, driver, action.job


def gone(run, name):
    del run.store.world.objects["bucket", f"{FOLDER}{name}"]


def altered(run, name, at=None):
    """A record that the model refuses."""
    _, modified = run.store.world.objects["bucket", f"{FOLDER}{name}"]
    run.store.world.objects["bucket", f"{FOLDER}{name}"] = b'{"id": 9999}\n', at or modified


def steps(run):
    return [step.kind for step in run.reader_of_the_ledger().load()]


def test_controls_are_recorded_as_they_were_written():
    run, _, job = before(act.Create)
    written = {info.key.removeprefix(FOLDER): info.etag for info in run.store.list(LAYOUT.input)}
    pins = control_pins(job).to_pylist()
    assert len(pins) > 1
    assert {pin["name"]: pin["etag"] for pin in pins} == {name: written[name] for name in job.controls}


@pytest.mark.parametrize("way", [gone, altered])
@pytest.mark.parametrize("resumed", [False, True])
def test_before_its_job_a_control_is_written_again(way, resumed):
    run, driver, job = before(act.Create)
    for name in job.controls[:-1]:
        way(run, name)
    if resumed:
        driver.ctx.lease.release()
        driver = run.driver()
    state = driver.run()
    driver.close(state.report)
    (job,) = [other for other in state.jobs if other.name == job.name]
    assert (job.controls_passed, job.controls_failed) == (len(job.controls), 0)
    assert steps(run).count("mended") == 1
    assert [row for row, leaf in run.outcomes(state).items() if isinstance(leaf, dict)] == [BAD]


def test_a_control_that_was_altered_before_its_job_ended_tells_of_nothing():
    run, driver, job = before(act.Judge)
    ended = datetime.fromisoformat(job.ended_at)
    first, *others = job.controls
    altered(run, first, ended)
    # It was sent so, and the model has refused it.
    del run.store.world.objects["bucket", f"rows/run/output/{job.name}/{first}.out"]
    run.service._logs[job.name][first] = run.service._logs[job.name][next(iter(run.service._logs[job.name]))]
    assert driver.step()
    judged = driver.state.job(job.name)
    assert (judged.controls_passed, judged.controls_failed) == (len(others), 0)


def test_a_control_that_was_altered_afterwards_was_answered_as_it_was():
    run, driver, job = before(act.Judge)
    altered(run, job.controls[0])  # S3's time in memory is after that of the jobs
    assert driver.step()
    assert driver.state.job(job.name).controls_passed == len(job.controls)


def test_of_an_earlier_version_which_did_not_record_them_controls_are_believed():
    _, _, job = before(act.Create)
    pins = control_pins(replace(job, control_etags=()))
    assert pins["etag"].null_count == len(job.controls)
