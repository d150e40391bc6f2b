"""Why a run ends after a round, in words, where it is no single span that ends it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from batch_transform.core.isolation.judged import JudgedJob
from batch_transform.core.isolation.verdict_rows import Verdict
from batch_transform.core.statuses import JobStatus


def foreign_stops(jobs: Sequence[JudgedJob]) -> list[str]:
    """Returns a sentence for each job that somebody else has stopped."""
    return [
        f"{job.record.name} was stopped by somebody else; what it had scored is kept"
        for job in jobs
        if job.record.status is JobStatus.STOPPED and job.record.stop_reason is None
    ]


def broken_model(rows: int, example: Verdict) -> str:
    """Returns what a probe of which nothing was scored says: `rows` were sent, one failed verdict is the example."""
    return (
        f"no record at all was scored: first every object failed, then {rows} single rows sent one by one. It is the "
        f"model or the configuration (record.columns, record.content_type, transform.environment), not a few bad rows. "
        f"For example {example['object']} in {example['job']}: {example['error_class']}, {example['message']}"
    )
