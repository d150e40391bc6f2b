"""What the containers of a run's jobs wrote, and how it is shown. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from batch_transform.core.escaping import one_line
from batch_transform.core.report_keys import JobReport
from batch_transform.core.statuses import JobStatus

# Of more jobs those that failed last say as much.
_MOST_JOBS = 5


class WrittenStream(TypedDict):
    """A log stream of a container: its last lines."""

    stream: str
    lines: list[str]


class WrittenJob(TypedDict):
    """What the containers of a job wrote; `trouble` says why that cannot be told."""

    job: str
    status: str | None
    failure_reason: str | None
    streams: list[WrittenStream]
    trouble: str | None


class WrittenLogs(TypedDict):
    """The report of `logs`."""

    run_id: str
    group: str
    jobs: list[WrittenJob]


def jobs_to_read(jobs: Sequence[JobReport]) -> list[JobReport]:
    """Returns the jobs whose containers are asked for: the last that failed, else the last that was created."""
    made = [job for job in jobs if job["status"] is not None or job["created_at"] is not None] or list(jobs)
    failed = [job for job in made if job["status"] == JobStatus.FAILED.value]
    return failed[-_MOST_JOBS:] if failed else made[-1:]


def lines_of_logs(found: WrittenLogs) -> list[str]:
    """Returns what a person reads of it; what cannot be seen is escaped."""
    lines: list[str] = []
    for job in found["jobs"]:
        reason = f": {one_line(job['failure_reason'])}" if job["failure_reason"] else ""
        lines += [*([""] if lines else []), f"{job['job']} ({job['status'] or 'in flight'}{reason})"]
        for stream in job["streams"]:
            lines += [f"  {stream['stream']}", *(f"    {one_line(line)}" for line in stream["lines"])]
        if job["trouble"]:
            lines.append(f"  {one_line(job['trouble'])}")
        elif not any(stream["lines"] for stream in job["streams"]):
            lines.append(f"  its containers have written nothing to {found['group']}, or it is not there yet")
    return lines or [f"{found['run_id']}: no job was created yet"]
