"""AddTags, ListTags and DeleteTags of transform jobs; the tags of everything else are moto's."""

from collections.abc import Callable, Sized
from typing import Any

from transform_emulator.control_plane.errors import validation
from transform_emulator.control_plane.jobs import Job, JobRegister, Scope

TAG_CALLS = frozenset({"AddTags", "ListTags", "DeleteTags"})
KIND = ":transform-job/"
MAX_TAGS = 50  # botocore, TagList


def is_for_a_job(operation: str, body: dict[str, Any]) -> bool:
    """Returns whether a call is about the tags of a transform job."""
    return operation in TAG_CALLS and KIND in str(body.get("ResourceArn", ""))


def call(jobs: JobRegister, operation: str, scope: Scope, body: dict[str, Any]) -> dict[str, Any]:
    """Returns the answer to a checked call.

    Raises:
        ApiError: There is no such job, or it would have more than 50 tags.
    """
    arn = body["ResourceArn"]
    job = jobs.get(scope, arn.partition(KIND)[2])
    if job is None or job.arn != arn:
        raise validation(f"Could not find resource {arn}.")
    answers: dict[str, Callable[[JobRegister, Job, dict[str, Any]], dict[str, Any]]] = {
        "AddTags": _add,
        "ListTags": lambda _, of, __: {"Tags": _listed(of)},
        "DeleteTags": _delete,
    }
    return answers[operation](jobs, job, body)


def too_many(tags: Sized) -> str | None:
    """Returns why nothing has these tags; None if it may."""
    return f"The number of tags ({len(tags)}) must not be greater than {MAX_TAGS}." if len(tags) > MAX_TAGS else None


def _add(jobs: JobRegister, job: Job, body: dict[str, Any]) -> dict[str, Any]:
    tags = {**job.life.tags} | {tag["Key"]: tag["Value"] for tag in body["Tags"]}
    if (text := too_many(tags)) is not None:
        raise validation(text)
    jobs.set_tags(job, tags)
    return {"Tags": _listed(job)}


def _delete(jobs: JobRegister, job: Job, body: dict[str, Any]) -> dict[str, Any]:
    jobs.set_tags(job, {key: value for key, value in job.life.tags.items() if key not in body["TagKeys"]})
    return {}


def _listed(job: Job) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in job.life.tags.items()]
