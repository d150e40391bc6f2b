"""Classes of failure, from the service's words."""

from __future__ import annotations

import pytest

from batch_transform.core.failures import ErrorClass, of_mismatch, of_missing_output
from batch_transform.core.status import JobStatus

REASONS = [
    ("ClientError: See job logs for more information", ErrorClass.REJECTED),
    ("AlgorithmError: See job logs for more information", ErrorClass.MODEL_FAILED),
    ("InternalServerError: We encountered an internal error. Please try again.", ErrorClass.INTERNAL),
    ("CapacityError: Unable to provision requested ML compute capacity.", ErrorClass.CAPACITY),
    (
        "AlgorithmError: The primary container for production variant AllTraffic failed to respond to ping",
        ErrorClass.UNHEALTHY,  # and not MODEL_FAILED, whose word comes first
    ),
    ("something new", ErrorClass.NO_OUTPUT),
]


@pytest.mark.parametrize(("reason", "error_class"), REASONS)
def test_the_reason_decides_and_is_kept(reason, error_class):
    failure = of_missing_output(JobStatus.FAILED, reason)
    assert failure.error_class is error_class
    assert reason in failure.message


@pytest.mark.parametrize("reason", [None, "", "ClientError"])
def test_a_stopped_job_is_stopped_whatever_the_reason(reason):
    assert of_missing_output(JobStatus.STOPPED, reason).error_class is ErrorClass.STOPPED


def test_a_completed_job_without_an_output_is_no_success():
    failure = of_missing_output(JobStatus.COMPLETED, None)
    assert failure.error_class is ErrorClass.NO_OUTPUT
    assert failure.message == "the job is Completed and has no output for this object."


def test_which_failures_are_no_records_fault():
    assert {kind for kind in ErrorClass if kind.may_pass} == {
        ErrorClass.CAPACITY,
        ErrorClass.INTERNAL,
        ErrorClass.STOPPED,
        ErrorClass.UNHEALTHY,
    }


def test_a_mismatch_says_both_counts():
    assert of_mismatch(3, 2, 0).message == "2 lines in the output for 3 rows; one line per row is used"
    assert of_mismatch(3, 3, 1).message == "3 lines, 1 of them blank in the output for 3 rows; one line per row is used"
    assert of_mismatch(3, 2, 0).error_class is ErrorClass.MISMATCH
