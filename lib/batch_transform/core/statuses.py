"""Where a transform job stands, as the service says, and where a run stands, as its reports say."""

from __future__ import annotations

from enum import Enum


class JobStatus(Enum):
    """TransformJobStatus as DescribeTransformJob answers it (botocore, TransformJobStatus)."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"

    @classmethod
    def parse(cls, text: str) -> JobStatus:
        """Returns the status named `text`.

        Raises:
            ValueError: a status that this version does not know; it is never taken for an end or a success.
        """
        try:
            return cls(text)
        except ValueError:
            known = ", ".join(status.value for status in cls)
            raise ValueError(f"unknown transform job status {text!r}; known: {known}") from None

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended. Only its outputs say what it achieved: neither status is a success by itself."""
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED)


class RunStatus(str, Enum):
    """What the key `status` of a report says.

    | status | of |
    |---|---|
    | published | a run whose tables are there |
    | refused | a run or a command that was asked for what cannot be (exit code 2) |
    | over_budget | a run with too many dead letters, more than `errors` accepts (3) |
    | over_cost | a run whose jobs have cost what it may (3) |
    | unexpected_predictions | a run whose predictions are not what `expect` says (3) |
    | failed | a run or a command that something outside stopped; a run can be resumed (4) |
    | unverified | a run of which a commit is there with other rows than were proven (4) |
    | held, fenced | a driver that is not the run's: another one is at work, or has taken over (4) |
    | interrupted | a run or a plan that a signal or a person has ended |
    | prepared, waiting, settled | a step: the jobs are recorded, are in flight, or have all ended and been judged |
    | running, died, ended | an unpublished run that is looked at: its driver is at work, has not let go, or has |
    | submitted | a run that was given to a cluster |
    | planned | what a run would do, or what `--dry-run` would |
    | packaged | what a cluster needs of this program |
    | alike, different | an endpoint's answers beside a run's |
    | tried | what the service was asked by `smoke` |
    | cleaned | runs of which all but the ledger is removed; a run that is looked at was given up so |
    """

    PUBLISHED = "published"
    REFUSED = "refused"
    OVER_BUDGET = "over_budget"
    OVER_COST = "over_cost"
    UNEXPECTED_PREDICTIONS = "unexpected_predictions"
    FAILED = "failed"
    UNVERIFIED = "unverified"
    HELD = "held"
    FENCED = "fenced"
    INTERRUPTED = "interrupted"
    PREPARED = "prepared"
    WAITING = "waiting"
    SETTLED = "settled"
    RUNNING = "running"
    DIED = "died"
    ENDED = "ended"
    SUBMITTED = "submitted"
    PLANNED = "planned"
    PACKAGED = "packaged"
    ALIKE = "alike"
    DIFFERENT = "different"
    CLEANED = "cleaned"
    TRIED = "tried"

    def __str__(self) -> str:
        """The word that stands in the report."""
        return self.value


# How a run ends that the same command goes on with, unless its error says that it is final.
GONE_ON_WITH = frozenset({RunStatus.FAILED, RunStatus.UNVERIFIED, RunStatus.INTERRUPTED})
