"""What just ended tells how fast instances are: nothing is sent as if they were faster than that."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from batch_transform.core.ledger import Part
from batch_transform.core.run_settings import TransformSettings
from batch_transform.core.run_state import TIMEOUT, JobRecord
from batch_transform.core.sending.seen_speed import as_slow_as_seen

BEGIN = datetime(2024, 5, 1)
ASKED = TransformSettings(instance_count=4, instance_start_seconds=200, instance_mb_per_second=2.0)


def job(megabytes, seconds, **told):
    """A job of so many MB, its one request included, that took so long, and scored, unless it is told otherwise."""
    times = {"started_at": BEGIN.isoformat(), "ended_at": (BEGIN + timedelta(seconds=seconds)).isoformat()}
    size = round(megabytes * 1_000_000) - 20_000
    return JobRecord("j", {}, 1, "standard", Part("p", 1, "d"), **{"bytes": size, "objects_scored": 1, **times, **told})


def speed(*jobs):
    return as_slow_as_seen(ASKED, SimpleNamespace(just_settled=jobs)).instance_mb_per_second


def test_what_a_job_took_beyond_a_start_up_is_work():
    assert speed(job(1_000, 200 + 10_000)) == pytest.approx(0.1)


def test_of_several_jobs_the_fastest_tells():
    assert speed(job(1_000, 200 + 10_000), job(1_000, 200 + 4_000), job(10, 3_600)) == pytest.approx(0.25)


def test_a_model_is_never_taken_for_faster_than_the_run_file_says():
    assert speed(job(100_000, 200 + 10_000)) == 2.0


def test_where_one_job_was_as_fast_as_was_said_the_others_hung():
    assert speed(job(1_000, 200 + 10_000), job(800, 500)) == 2.0


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"megabytes": 10, "seconds": 2_000}, "much of it may be a long start-up"),
        ({"megabytes": 1_000, "seconds": 9_000, "objects_scored": 0}, "nothing was scored"),
        ({"megabytes": 1_000, "seconds": 9_000, "is_helped": True}, "it was asked at most four times at once"),
        ({"megabytes": 1_000, "seconds": 0, "started_at": None}, "it never started"),
        ({"megabytes": 10, "seconds": 9_000, "stop_reason": TIMEOUT}, "it may have hung"),
    ],
)
def test_a_job_tells_nothing_where(told, why):
    assert speed(job(**told)) == 2.0, why


def test_a_job_that_was_late_tells_what_it_cannot_have_worked_through():
    assert speed(job(1_000, 10_000, stop_reason=TIMEOUT, objects_scored=0)) == pytest.approx(0.1)


def test_instances_of_a_job_have_a_share_of_its_work_each():
    of_two = {"request": {"TransformResources": {"InstanceCount": 2}}}
    two = JobRecord(**{**job(1_000, 200 + 5_000).__dict__, **of_two})
    assert speed(two) == pytest.approx(0.1)
