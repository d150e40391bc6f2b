"""Jobs that would be stopped before their instances have started, of which each is paid for and none scores a row."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from batch_transform.config.loading import from_arguments
from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.checks.collected_faults import Faults, check_service, check_start


def config(minutes, **transform):
    transform = {"job_timeout_minutes": minutes, **transform}
    return from_arguments(run_id="r", workspace="s3://bucket/w", model="m", transform=transform)


@pytest.mark.parametrize(("minutes", "transform"), [(1, {}), (2, {}), (8, {"instance_start_seconds": 480})])
def test_they_are_refused_before_rows_are_staged(minutes, transform):
    with pytest.raises(
        ConfigurationError, match=r"transform\.job_timeout_minutes: is .*transform\.instance_start_seconds"
    ):
        check_start(config(minutes, **transform), "eu-west-1")


def test_they_are_taken_where_instances_start_in_time_or_are_an_emulators():
    check_start(config(3), "eu-west-1")  # instances that nobody has told of take three to five minutes
    check_start(config(4, instance_start_seconds=239), "eu-west-1")
    check_start(config(1, instance_start_seconds=30), "eu-west-1")
    check_start(config(1), None)


def test_they_are_among_what_is_asked_of_the_service_by_a_run_that_has_not_scored():
    jobs = SimpleNamespace(check_model=lambda name: None)
    for is_new in (True, False):
        faults = Faults()
        check_service(config(1), jobs, faults, "eu-west-1", is_new=is_new)
        assert ["job_timeout_minutes" in str(each) for each in faults.found] == [True] * is_new
