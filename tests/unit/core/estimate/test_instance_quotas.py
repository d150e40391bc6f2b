"""A plan tells the account's quotas, and what a run does that asks for more; nobody to ask is a line, not an error."""

from __future__ import annotations

import pytest

from batch_transform.core.estimate.instance_quotas import (
    OF_ALL_TYPES,
    QuotasFound,
    of_type,
    quota_lines,
    quotas_told,
)
from batch_transform.core.run_settings import INSTANCES, TransformSettings

M5, C5 = of_type("ml.m5.xlarge"), of_type("ml.c5.xlarge")


def lines(values, jobs=4, why_not="", **transform):
    return list(quota_lines(QuotasFound(values, why_not), TransformSettings(instance_count=4, **transform), jobs))


def test_quotas_that_are_enough_are_told_and_nothing_more():
    assert lines({M5: 4.0, OF_ALL_TYPES: 20.0}) == [
        "quotas: ml.m5.xlarge for transform job usage: 4; Number of instances across all transform jobs: 20, for all "
        "jobs of the account together"
    ]


def test_jobs_beyond_a_quota_wait_for_each_other():
    _, advice = lines({M5: 2.0, OF_ALL_TYPES: 20.0})
    assert advice == (
        "ml.m5.xlarge for transform job usage is 2, and 4 instances at once are asked for: a job waits until another "
        "has ended; have it raised in Service Quotas, or set transform.instance_count=2"
    )


def test_a_run_is_held_to_what_it_asks_for_and_not_to_what_is_set():
    assert len(lines({M5: 2.0, OF_ALL_TYPES: 20.0}, jobs=2)) == 1
    assert len(lines({M5: 2.0, OF_ALL_TYPES: 20.0}, jobs=3)) == 2
    assert len(lines({M5: 2.0, OF_ALL_TYPES: 20.0}, jobs=3, max_parallel_jobs=2)) == 1


def test_one_job_of_too_many_instances_is_refused():
    _, advice = lines({M5: 3.0, OF_ALL_TYPES: 20.0}, jobs=1, spread=INSTANCES)
    assert "a job of so many is refused; have it raised" in advice


def test_the_quota_of_all_types_holds_as_well():
    _, advice = lines({M5: 4.0, OF_ALL_TYPES: 3.0})
    assert advice.startswith("Number of instances across all transform jobs is 3, and 4")


def test_with_a_quota_of_none_no_job_is_begun():
    _, advice = lines({M5: 0.0, OF_ALL_TYPES: 20.0}, jobs=1)
    assert "1 instance at once is asked for: no job is begun; have it raised in Service Quotas" in advice
    assert "instance_count" not in advice
    _, advice = lines({M5: 0.0, C5: 4.0, OF_ALL_TYPES: 20.0}, instance_type=("ml.m5.xlarge", "ml.c5.xlarge"))
    assert "the next of transform.instance_type is taken; have it raised" in advice
    _, advice = lines({M5: 4.0, C5: 4.0, OF_ALL_TYPES: 0.0}, instance_type=("ml.m5.xlarge", "ml.c5.xlarge"))
    assert "no job is begun" in advice


@pytest.mark.parametrize("why", ["AccessDeniedException: no", ""])
def test_what_is_not_known_is_one_line(why):
    known, unknown = lines({OF_ALL_TYPES: 20.0}, why_not=why)
    assert known.startswith("quotas: Number of instances")
    assert unknown == f"quota not known: {why or 'Service Quotas lists no value that is applied to this account'}"
    assert lines({}, why_not="x") == ["quota not known: x"]


def test_the_report_has_each_quota_known_or_not():
    found = quotas_told(QuotasFound({M5: 4.0}), ("ml.m5.xlarge", "ml.c5.xlarge"))
    assert [each["name"] for each in found] == [M5, C5, OF_ALL_TYPES]
    assert [each["value"] for each in found] == [4.0, None, None]
