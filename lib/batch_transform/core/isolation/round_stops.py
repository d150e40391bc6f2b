"""Why a run ends after a round, in words, where no row is at fault: its settings, its model, somebody else. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from batch_transform.core.isolation.error_classes import ErrorClass
from batch_transform.core.isolation.observed_failures import JudgedJob
from batch_transform.core.isolation.verdict_rows import FAILED, SCORED, Verdict
from batch_transform.core.statuses import JobStatus

# Of failed spans, the classes of those that have an output.
ANSWERED = (ErrorClass.MISMATCH, ErrorClass.UNREADABLE)


def misread_answers(jobs: Sequence[JudgedJob], *, has_schema: bool = True) -> str | None:
    """Returns why every answer of a round is of no use, if some setting reads them; None if that is not so.

    Args:
        jobs: of the round, judged.
        has_schema: whether predictions have one. Without it one line is a good string for one row, whatever it holds,
            so the answer to an object of one row says nothing of its form.
    """
    answers = [verdict for job in jobs for verdict in job.verdicts.to_pylist() if _answered(verdict)]
    verdicts = [verdict for verdict in answers if has_schema or not _is_one_string(verdict)]
    if not verdicts or any(verdict.get("setting") is None for verdict in verdicts):
        return None
    settings = " or ".join(dict.fromkeys(verdict["setting"] for verdict in verdicts))
    example = verdicts[0]
    return (
        f"all {len(verdicts)} answers are in another form than prediction.format and its like say. For example "
        f"{example['object']} in {example['job']}: {example['message'].partition('; set ')[0]}. Set {settings}"
    )


def unread_answers(jobs: Sequence[JudgedJob]) -> str | None:
    """Returns why no answer of a round can be read, if every object was answered and none could; else None.

    No setting is known that reads them: the schema may be wrong, or the model answered errors with a status of 200.
    """
    verdicts = [verdict for job in jobs for verdict in job.verdicts.to_pylist()]
    if not verdicts or any(verdict["error_class"] != ErrorClass.UNREADABLE.value for verdict in verdicts):
        return None
    example = verdicts[0]
    return (
        f"no answer can be read, of {len(verdicts):,} objects. For example {example['object']} in {example['job']}: "
        f"{example['message']}"
    )


def _answered(verdict: Verdict) -> bool:
    return bool(verdict["state"] != FAILED or ErrorClass(verdict["error_class"]) in ANSWERED)


def _is_one_string(verdict: Verdict) -> bool:
    return bool(verdict["state"] == SCORED and verdict["lines"] == 1)


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
