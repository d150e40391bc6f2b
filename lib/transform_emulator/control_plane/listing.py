"""ListTransformJobs: filters, sort orders, pages."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from transform_emulator.control_plane.describe import summary
from transform_emulator.control_plane.errors import validation
from transform_emulator.control_plane.jobs import Job

DEFAULT_MAX_RESULTS = 10  # botocore, MaxResults

SORT_KEYS: dict[str, Callable[[Job], Any]] = {
    "Name": lambda job: job.name,
    "CreationTime": lambda job: job.created,
    "Status": lambda job: job.status.value,
}


def page(jobs: Sequence[Job], query: Mapping[str, Any]) -> dict[str, Any]:
    """Returns one page of the jobs that the query's filters let through.

    Sorted by CreationTime, latest first, unless the query says otherwise (botocore, ListTransformJobs).
    """
    # NextToken counts into the list as it is filtered now: a job that is created between two pages shifts it.
    chosen = [job for job in jobs if _matches(job, query)]
    descending = query.get("SortOrder", "Descending") == "Descending"
    chosen.sort(key=SORT_KEYS[query.get("SortBy", "CreationTime")], reverse=descending)
    start = _start(query.get("NextToken"))
    stop = start + query.get("MaxResults", DEFAULT_MAX_RESULTS)
    answer: dict[str, Any] = {"TransformJobSummaries": [summary(job) for job in chosen[start:stop]]}
    if stop < len(chosen):
        answer["NextToken"] = base64.urlsafe_b64encode(str(stop).encode()).decode()
    return answer


def _matches(job: Job, query: Mapping[str, Any]) -> bool:
    return (
        _within(job.created, query.get("CreationTimeAfter"), query.get("CreationTimeBefore"))
        and _within(job.life.modified, query.get("LastModifiedTimeAfter"), query.get("LastModifiedTimeBefore"))
        and query.get("NameContains", "") in job.name
        and query.get("StatusEquals", job.status.value) == job.status.value
    )


def _within(moment: datetime, after: float | str | None, before: float | str | None) -> bool:
    return (after is None or moment.timestamp() > _seconds(after)) and (
        before is None or moment.timestamp() < _seconds(before)
    )


def _seconds(value: float | str) -> float:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
        except ValueError as error:
            raise validation(f"'{value}' is not a timestamp.") from error
    return float(value)


def _start(token: str | None) -> int:
    if token is None:
        return 0
    try:
        start = int(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, binascii.Error) as error:
        raise validation("Invalid NextToken.") from error
    if start < 0:
        raise validation("Invalid NextToken.")
    return start
