"""Why a run ends after a round, in words, where no row is at fault: its settings, its model, somebody else. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.amounts import counted
from batch_transform.core.isolation.error_classes import ErrorClass, of_missing_output
from batch_transform.core.isolation.failure_summary import advice_of
from batch_transform.core.isolation.observed_failures import JudgedJob
from batch_transform.core.isolation.verdict_rows import FAILED, SCORED, VERDICT_SCHEMA, Verdict
from batch_transform.core.run_state import JobRecord
from batch_transform.core.spans import conformed
from batch_transform.core.statuses import JobStatus

# Of failed spans, the classes of those that have an output.
ANSWERED = (ErrorClass.MISMATCH, ErrorClass.UNREADABLE)
# The settings of which one may be wrong where every request fails: what is sent, unless nobody came to read it.
_OF_RECORDS = "record.columns, record.content_type, transform.environment"
_OF_REQUESTS = {
    ErrorClass.TIMED_OUT: "transform.invocations_timeout_seconds, transform.max_concurrent_transforms, "
    "transform.instance_type",
    ErrorClass.OUT_OF_MEMORY: "transform.instance_type, transform.max_concurrent_transforms",
    ErrorClass.NO_ANSWER: "transform.instance_type, transform.environment",
    ErrorClass.UNAVAILABLE: "transform.instance_type, transform.environment",
}


def misread_answers(jobs: Sequence[JudgedJob], *, has_schema: bool) -> str | None:
    """Returns why every answer of a round is of no use, if some setting reads them; None if that is not so.

    Args:
        jobs: of the round, judged.
        has_schema: whether predictions have one. Without it one line is a good string for one row, whatever it holds,
            so the answer to an object of one row says nothing of its form.
    """
    verdicts = _verdicts(jobs)
    verdicts = verdicts.filter(_are_answered(verdicts))
    if not has_schema:
        verdicts = verdicts.filter(pc.invert(_are_one_string(verdicts)))
    if not verdicts.num_rows or verdicts["setting"].null_count:
        return None
    settings = " or ".join(pc.unique(verdicts["setting"]).to_pylist())
    example = verdicts.slice(0, 1).to_pylist()[0]
    return (
        f"{_all_answers(verdicts.num_rows)} in another form than prediction.format and its like say. For example "
        f"{example['object']} in {example['job']}: {example['message'].partition('; set ')[0]}. Set {settings}"
    )


def _all_answers(count: int) -> str:
    return f"all {count:,} answers are" if count > 1 else "the one answer is"


def unread_answers(jobs: Sequence[JudgedJob]) -> str | None:
    """Returns why no answer of a round can be read, if every object was answered and none could; else None.

    No setting is known that reads them: the schema may be wrong, or the model answered errors with a status of 200.
    """
    verdicts = _verdicts(jobs)
    unread = pc.sum(pc.equal(verdicts["error_class"], ErrorClass.UNREADABLE.value)).as_py() or 0
    if not verdicts.num_rows or unread < verdicts.num_rows:
        return None
    example = verdicts.slice(0, 1).to_pylist()[0]
    return (
        f"no answer can be read, of {counted(verdicts.num_rows, 'object')}. For example {example['object']} in "
        f"{example['job']}: {example['message']}"
    )


def _verdicts(jobs: Sequence[JudgedJob]) -> pa.Table:
    """All verdicts of a round, as columns: there may be a million, of which one is told."""
    return pa.concat_tables([VERDICT_SCHEMA.empty_table(), *(conformed(job.verdicts, VERDICT_SCHEMA) for job in jobs)])


def _are_answered(verdicts: pa.Table) -> pa.ChunkedArray:
    answered = pa.array([kind.value for kind in ANSWERED])
    return pc.or_(pc.not_equal(verdicts["state"], FAILED), pc.is_in(verdicts["error_class"], value_set=answered))


def _are_one_string(verdicts: pa.Table) -> pa.ChunkedArray:
    return pc.and_(pc.equal(verdicts["state"], SCORED), pc.fill_null(pc.equal(verdicts["lines"], 1), False))


def foreign_stops(jobs: Sequence[JudgedJob]) -> list[str]:
    """Returns a sentence for each job that somebody else has stopped."""
    return [
        f"{job.record.name} was stopped by somebody else; what it had scored is kept"
        for job in jobs
        if job.record.status is JobStatus.STOPPED and job.record.stop_reason is None
    ]


def quotes_no_row(job: JobRecord) -> bool:
    """Returns whether whatever the containers of a judged job wrote quotes no row of the run: they were sent none.

    None ever answered a ping, there is no data log, in which each instance writes a line before its first request
    (transform_emulator/FACTS.md, 4), and no output.
    """
    is_failed = job.status is JobStatus.FAILED and not job.objects_scored
    if not is_failed or job.data_logs != 0:
        return False
    return of_missing_output(JobStatus.FAILED, job.failure_reason).error_class is ErrorClass.UNHEALTHY


def broken_model(rows: int, example: Verdict) -> str:
    """Returns what a probe of which nothing was scored says: `rows` were sent, one failed verdict is the example."""
    settings = _OF_REQUESTS.get(ErrorClass(example["error_class"]), _OF_RECORDS)
    words = (
        f"no record at all was scored: first every object failed, then {counted(rows, 'single row')} sent one by "
        f"one. It is the model or the configuration ({settings}), not a few bad rows. "
        f"For example {example['object']} in {example['job']}: {example['error_class']}, {example['message']}"
    )
    return advised(words, example["error_class"])


def advised(words: str, error_class: str) -> str:
    """Returns why a run ends, with what a person can do about a class of failure, if anything is known."""
    advice = advice_of(error_class)
    return f"{words}; {advice.removesuffix('.')}" if advice else words
