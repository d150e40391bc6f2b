"""A container that never was healthy is told by its own last lines; one that has seen rows is not quoted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_transform.core.errors import ServiceFailure
from batch_transform.core.isolation.round_stops import quotes_no_row
from batch_transform.core.statuses import JobStatus
from support.memory_run import MemoryRun, echoing

SAID = "ImportError: no module named 'numpi'"


def refused(**job):
    """The error of a run whose first job never was healthy, and its record."""
    run = MemoryRun([4], echoing(lambda row: None))
    run.service.job_faults.append("ping")
    driver = run.driver()
    driver.ctx = replace(driver.ctx, last_words=lambda name: [f"{name} starts", SAID])
    with pytest.raises(ServiceFailure) as raised:
        driver.run()
    return str(raised.value), driver.state.jobs[0]


def test_a_container_that_crashed_at_its_start_is_told_by_its_last_lines():
    said, job = refused()
    assert f"The last that its container wrote: {job.name} starts | {SAID}. Start the run again" in said


@pytest.mark.parametrize(
    "other",
    [
        {"data_logs": 1},
        {"data_logs": None},
        {"objects_scored": 1},
        {"status": JobStatus.STOPPED},
        {"failure_reason": "AlgorithmError: See job logs for more information"},
        {"failure_reason": None},
    ],
)
def test_a_container_that_may_have_seen_a_row_is_not_quoted(other):
    _, job = refused()
    assert quotes_no_row(job)
    assert not quotes_no_row(replace(job, **other))
