"""What the driver can be told to do next. Each is done by one handler and reported as one ledger step."""

from __future__ import annotations

from dataclasses import dataclass

from batch_transform.core.run_state import JobRecord, Recorded


@dataclass(frozen=True)
class Stage:
    """Write the input with row numbers."""


@dataclass(frozen=True)
class Export:
    """Write the staged rows as objects."""


@dataclass(frozen=True)
class Plan:
    """Choose payloads, write manifests, record the jobs of what is to be sent with their whole requests."""


@dataclass(frozen=True)
class Replan:
    """Record another request, by another name, for the spans of a job that was never created."""

    job: JobRecord


@dataclass(frozen=True)
class Create:
    """Create a job whose name and request are recorded."""

    job: JobRecord


@dataclass(frozen=True)
class Await:
    """Poll the jobs in flight until each has ended."""

    jobs: tuple[JobRecord, ...]


@dataclass(frozen=True)
class Infer:
    """Infer the predictions' schema from a sample of the outputs of these ended jobs.

    Attributes:
        jobs: whose outputs are there.
        doubted: input objects that were altered before their job had ended: their answers are not believed.
    """

    jobs: tuple[JobRecord, ...]
    doubted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Judge:
    """Count an ended job's outputs and say of each of its spans whether it is scored or failed, and why.

    Attributes:
        job: that one.
        doubted: what it may have read in another form than was exported, by name; it is not believed.
    """

    job: JobRecord
    doubted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reconcile:
    """Settle what judged jobs have settled, and decide what becomes of the failed spans.

    Attributes:
        jobs: those.
        flying: jobs that run meanwhile. Where there are some, it is done only to send what is left beside them: nothing
            is said of the run as a whole before all of them have ended.
    """

    jobs: tuple[JobRecord, ...]
    flying: tuple[JobRecord, ...] = ()


@dataclass(frozen=True)
class RetryDead:
    """Write the dead rows as objects again, and let them be open: a person has asked for it."""


@dataclass(frozen=True)
class GiveUp:
    """End with exit code 4, for these reasons; the run can be resumed."""

    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Gate:
    """Check that every row has exactly one outcome."""


@dataclass(frozen=True)
class Intend:
    """Count the dead letters, write what is to be published, and record what publishing will do before it is done."""


@dataclass(frozen=True)
class Publish:
    """Do what the publication step records, as far as it is not done."""

    publication: Recorded


@dataclass(frozen=True)
class Finish:
    """Write the report."""


@dataclass(frozen=True)
class Nothing:
    """The run is published; its report is stored."""


Action = (
    Stage
    | Export
    | Plan
    | Replan
    | Create
    | Await
    | Infer
    | Judge
    | Reconcile
    | RetryDead
    | GiveUp
    | Gate
    | Intend
    | Publish
    | Finish
    | Nothing
)
