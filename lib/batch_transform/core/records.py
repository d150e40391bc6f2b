"""Frozen records of what a run has done so far, as the ledger's steps tell it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .ledger import Part
from .spans import StagedFile
from .status import JobStatus


@dataclass(frozen=True)
class JobRecord:
    """A transform job: its intent (name and whole request), then what became of it.

    Attributes:
        name: TransformJobName.
        request: the CreateTransformJob request, never planned again.
        round_number: 1 for the first.
        lane: of its spans.
        spans: the part that lists its spans.
        created: whether the service is known to have accepted it.
        status: terminal status, None while in flight.
        failure_reason: DescribeTransformJob's FailureReason, only when Failed.
        verdicts: the part with the outcome of its spans, None until judged.
        spans_to_retry: how many of its spans met a failure that is worth another job.
        model_failed: whether the model never answered, so that another job at once would end alike.
    """

    name: str
    request: dict[str, Any]
    round_number: int
    lane: str
    spans: Part
    created: bool = False
    status: JobStatus | None = None
    failure_reason: str | None = None
    created_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    verdicts: Part | None = None
    spans_to_retry: int = 0
    model_failed: bool = False


@dataclass(frozen=True)
class Staged:
    """The staged table: its files and the schema in which they are read."""

    schema_json: str
    files: tuple[StagedFile, ...]

    @property
    def rows(self) -> int:
        """Rows in: what the staged files hold together."""
        return sum(file.rows for file in self.files)

    @property
    def json_bytes(self) -> int:
        """Estimated bytes of JSON of the whole table."""
        return sum(file.json_bytes for file in self.files)

    @property
    def largest(self) -> int:
        """Estimated bytes of the largest record."""
        return max((file.largest for file in self.files), default=0)


@dataclass(frozen=True)
class Recorded:
    """A step's payload and the parts that it names."""

    payload: dict[str, Any]
    parts: tuple[Part, ...] = ()

    @property
    def payload_without_seconds(self) -> dict[str, Any]:
        """The payload as the handler gave it: the driver adds how long the step took."""
        return {key: value for key, value in self.payload.items() if key != "seconds"}


@dataclass(frozen=True)
class RunState:
    """A run as a fold over its ledger. Every field is final once set."""

    run_id: str
    nonce: str
    config: dict[str, Any]
    opened_at: str
    staged: Staged | None = None
    spans: Part | None = None
    planned: bool = False
    jobs: tuple[JobRecord, ...] = ()
    rounds_before: int = 0
    gate: Recorded | None = None
    publication: Recorded | None = None
    published: dict[str, Any] | None = None
    report: dict[str, Any] | None = None
    seconds_by_step: dict[str, float] = field(default_factory=dict)

    @property
    def rounds(self) -> int:
        """The number of the latest round, 0 before the first."""
        return max((job.round_number for job in self.jobs), default=0)

    @property
    def spans_to_retry(self) -> int:
        """How many spans of the latest round are left to send again."""
        return sum(job.spans_to_retry for job in self.jobs if job.round_number == self.rounds)

    def job(self, name: str) -> JobRecord:
        """Returns the job of that name.

        Raises:
            KeyError: no such job is recorded.
        """
        for job in self.jobs:
            if job.name == name:
                return job
        raise KeyError(name)
