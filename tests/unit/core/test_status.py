"""The five statuses, and no sixth."""

from __future__ import annotations

import botocore.session
import pytest

from batch_transform.core.statuses import JobStatus

SHAPE = botocore.session.get_session().get_service_model("sagemaker").shape_for("TransformJobStatus")


def test_the_statuses_are_those_of_the_service():
    assert [status.value for status in JobStatus] == SHAPE.enum


@pytest.mark.parametrize("text", SHAPE.enum)
def test_each_is_parsed(text):
    assert JobStatus.parse(text).value == text


@pytest.mark.parametrize("text", ["", "completed", "Paused", "InProgress "])
def test_an_unknown_status_raises_and_lists_the_known_ones(text):
    with pytest.raises(ValueError, match="known: InProgress, Completed, Failed, Stopping, Stopped"):
        JobStatus.parse(text)


def test_three_are_ends_and_none_of_them_calls_itself_a_success():
    assert {status for status in JobStatus if status.is_terminal} == {
        JobStatus.COMPLETED,
        JobStatus.FAILED,
        JobStatus.STOPPED,
    }
    assert not [name for name in dir(JobStatus) if "succe" in name.lower()]
