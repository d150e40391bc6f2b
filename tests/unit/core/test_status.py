"""The five statuses of a job, and no sixth; those of a run, each with its meaning."""

from __future__ import annotations

import re

import botocore.session
import pytest

from batch_transform.core.statuses import JobStatus, RunStatus

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


def test_each_status_of_a_run_stands_in_the_table_of_what_it_means():
    told = re.findall(r"^ *\| ([a-z_, ]+) \| .* \|$", RunStatus.__doc__, re.M)
    assert sorted(name for row in told[1:] for name in row.split(", ")) == sorted(status.value for status in RunStatus)
