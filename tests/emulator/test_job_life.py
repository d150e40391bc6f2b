"""The register of jobs, its listing and its clock, without a server."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from transform_emulator.control_plane.errors import ApiError
from transform_emulator.control_plane.jobs import Job, JobRegister, Scope, Status
from transform_emulator.control_plane.listing import page

START = datetime(2024, 5, 1, tzinfo=timezone.utc)
SCOPE = Scope("123456789012", "us-west-2", "AKIATEST")


class Ticking:
    """A clock that moves on by a second each time it is looked at."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> datetime:
        self.looks += 1
        return START + timedelta(seconds=self.looks)


@pytest.fixture
def register() -> JobRegister:
    return JobRegister(Ticking())


def add(register: JobRegister, name: str, scope: Scope = SCOPE) -> Job:
    job, new = register.add(scope, {"TransformJobName": name})
    assert new
    return job


def names(register: JobRegister, **query: Any) -> list[str]:
    return [job["TransformJobName"] for job in page(register.all(SCOPE), query)["TransformJobSummaries"]]


def test_a_job_that_is_done(register: JobRegister) -> None:
    """CreationTime always, TransformStartTime when instances start, TransformEndTime at the end (botocore)."""
    job = add(register, "a")
    assert (job.status, job.life.started, job.life.ended) == (Status.IN_PROGRESS, None, None)
    register.start(job)
    register.finish(job, None)
    assert job.status is Status.COMPLETED
    assert job.life.started is not None
    assert job.life.ended is not None
    assert job.created < job.life.started < job.life.ended == job.life.modified
    assert job.done.is_set()


def test_a_job_that_failed_has_a_reason_of_at_most_1024_characters(register: JobRegister) -> None:
    """FailureReason: at most 1024 characters (botocore)."""
    job = add(register, "a")
    register.finish(job, "x" * 2000)
    assert (job.status, len(job.life.failure_reason or "")) == (Status.FAILED, 1024)


def test_a_job_that_is_stopped_is_stopping_first(register: JobRegister) -> None:
    """Stopping, then Stopped, without a reason whatever its interrupted requests said; not a second time after."""
    job = add(register, "a")
    assert register.request_stop(job)
    assert (job.status, job.stop.is_set()) == (Status.STOPPING, True)
    assert register.request_stop(job)
    register.finish(job, "AlgorithmError: broken off")
    assert (job.status, job.life.failure_reason) == (Status.STOPPED, None)
    assert not register.request_stop(job)


def test_a_name_belongs_to_an_account_and_a_region(register: JobRegister) -> None:
    """Unique within a Region in an account (botocore); who signs for the account does not matter."""
    add(register, "a")
    again, new = register.add(Scope("123456789012", "us-west-2", "ANOTHERKEY"), {"TransformJobName": "a"})
    assert (new, again.name) == (False, "a")
    add(register, "a", Scope("123456789012", "eu-central-1", "AKIATEST"))
    add(register, "a", Scope("999999999999", "us-west-2", "AKIATEST"))
    assert len(register.all()) == 3
    assert len(register.all(SCOPE)) == 1


def test_pages_are_of_ten_unless_told_otherwise(register: JobRegister) -> None:
    """MaxResults 1 to 100, default 10 (botocore); the token of a page leads to the next, the last page has none."""
    for number in range(12):
        add(register, f"job-{number:02}")
    first = page(register.all(SCOPE), {})
    assert len(first["TransformJobSummaries"]) == 10
    second = page(register.all(SCOPE), {"NextToken": first["NextToken"]})
    assert [job["TransformJobName"] for job in second["TransformJobSummaries"]] == ["job-01", "job-00"]
    assert "NextToken" not in second
    assert len(names(register, MaxResults=12)) == 12


def test_a_page_that_ends_with_the_list_has_no_token(register: JobRegister) -> None:
    """NextToken only "if the response is truncated" (botocore): a full last page is not followed by an empty one."""
    for number in range(10):
        add(register, f"job-{number}")
    assert "NextToken" not in page(register.all(SCOPE), {})


def test_orders(register: JobRegister) -> None:
    """SortBy Name, CreationTime (default) or Status; SortOrder Descending (default) or Ascending (botocore)."""
    for name in ("b", "c", "a"):
        add(register, name)
    register.finish(register.all(SCOPE)[1], None)
    assert names(register) == ["a", "c", "b"]
    assert names(register, SortOrder="Ascending") == ["b", "c", "a"]
    assert names(register, SortBy="Name") == ["c", "b", "a"]
    assert names(register, SortBy="Status", SortOrder="Ascending")[0] == "c"


def test_filters(register: JobRegister) -> None:
    """NameContains, StatusEquals, and times that exclude their bounds' own moment (botocore, ListTransformJobs)."""
    first, second, third = (add(register, name) for name in ("run-1", "run-2", "other"))
    register.finish(first, None)
    assert names(register, NameContains="run") == ["run-2", "run-1"]
    assert names(register, StatusEquals="Completed") == ["run-1"]
    assert names(register, CreationTimeAfter=second.created.timestamp()) == ["other"]
    assert names(register, CreationTimeBefore=second.created.isoformat()) == ["run-1"]
    assert names(register, LastModifiedTimeAfter=third.life.modified.timestamp()) == ["run-1"]
    assert names(register, LastModifiedTimeBefore=third.life.modified.timestamp(), NameContains="run") == ["run-2"]


@pytest.mark.parametrize(
    "query",
    [{"NextToken": "%%"}, {"NextToken": "bm90IGEgbnVtYmVy"}, {"NextToken": "LTU="}, {"CreationTimeAfter": "x"}],
)
def test_what_is_no_token_or_time_is_refused(register: JobRegister, query: dict[str, str]) -> None:
    """A ValidationException rather than a page from somewhere."""
    add(register, "a")
    with pytest.raises(ApiError) as caught:
        page(register.all(SCOPE), query)
    assert caught.value.code == "ValidationException"


def test_a_summary_has_an_end_and_no_start(register: JobRegister) -> None:
    """The members of botocore's TransformJobSummary, and none besides."""
    job = add(register, "a")
    register.start(job)
    register.finish(job, "AlgorithmError: x")
    (summary,) = page(register.all(SCOPE), {})["TransformJobSummaries"]
    assert summary["FailureReason"] == "AlgorithmError: x"
    assert summary.keys() == {
        "TransformJobName",
        "TransformJobArn",
        "CreationTime",
        "TransformEndTime",
        "LastModifiedTime",
        "TransformJobStatus",
        "FailureReason",
    }
