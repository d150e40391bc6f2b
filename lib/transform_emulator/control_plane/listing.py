"""ListTransformJobs and ListModels: filters, sort orders, pages."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from transform_emulator.control_plane.describe import summary
from transform_emulator.control_plane.errors import validation
from transform_emulator.control_plane.jobs import Job

DEFAULT_MAX_RESULTS = 10  # botocore, MaxResults

SORT_KEYS: dict[str, Callable[[Job], Any]] = {
    "Name": lambda job: job.name,
    "CreationTime": lambda job: job.created,
    "Status": lambda job: job.status.value,
}

Listed = TypeVar("Listed")


@dataclass(frozen=True)
class ListedModel:
    """What ListModels says of a model."""

    name: str
    arn: str
    created: datetime


MODEL_SORT_KEYS: dict[str, Callable[[ListedModel], Any]] = {
    "Name": lambda model: model.name,
    "CreationTime": lambda model: model.created,
}


def page(jobs: Sequence[Job], query: Mapping[str, Any]) -> dict[str, Any]:
    """Returns one page of the jobs that the query's filters let through.

    Sorted by CreationTime, latest first, unless the query says otherwise (botocore, ListTransformJobs).
    """
    shown, token = _cut([job for job in jobs if _matches(job, query)], query, SORT_KEYS)
    return {"TransformJobSummaries": [summary(job) for job in shown], **token}


def page_of_models(models: Sequence[ListedModel], query: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the same of models (botocore, ListModels)."""
    chosen = [
        model
        for model in models
        if _within(model.created, query.get("CreationTimeAfter"), query.get("CreationTimeBefore"))
        and query.get("NameContains", "") in model.name
    ]
    shown, token = _cut(chosen, query, MODEL_SORT_KEYS)
    told = [
        {"ModelName": model.name, "ModelArn": model.arn, "CreationTime": model.created.timestamp()} for model in shown
    ]
    return {"Models": told, **token}


def _cut(
    chosen: Sequence[Listed], query: Mapping[str, Any], keys: Mapping[str, Callable[[Listed], Any]]
) -> tuple[Sequence[Listed], dict[str, str]]:
    """The page that a query asks for, and the NextToken, if more follow."""
    # NextToken counts into the list as it is filtered now: what is created between two pages shifts it.
    descending = query.get("SortOrder", "Descending") == "Descending"
    ordered = sorted(chosen, key=keys[query.get("SortBy", "CreationTime")], reverse=descending)
    start = _start(query.get("NextToken"))
    stop = start + query.get("MaxResults", DEFAULT_MAX_RESULTS)
    token = {"NextToken": base64.urlsafe_b64encode(str(stop).encode()).decode()} if stop < len(ordered) else {}
    return ordered[start:stop], token


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
