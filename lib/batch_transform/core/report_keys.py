"""What the report of a run holds, key by key (jobs/README.md, Exit codes)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from batch_transform.core.expectations import Expectation
from batch_transform.core.ledger import JsonObject
from batch_transform.core.report_histograms import PredictionsTold, SizeCounts

# The rows of one class that have failed: a row of the list `errors`. In this form since `class` is a word of Python's.
FailedClass = TypedDict("FailedClass", {"class": str, "spans": int, "rows": int, "examples": "list[FailureExample]"})


class FailureExample(TypedDict):
    """Where a row failed, without what is in it; null where it was never sent."""

    job: str | None
    object: str | None
    line: int | None
    message: str


class InstanceSeconds(TypedDict):
    """What instances are paid for, and for how much of it they are not waiting for the last one of their job, about.

    Attributes:
        paid: from TransformStartTime to TransformEndTime, times the instances.
        busy: null where it is not known, of a job of many instances that an earlier version has planned.
    """

    paid: float
    busy: float | None


class _Job(TypedDict):
    name: str
    round: int
    lane: str
    objects: int
    bytes: int | None
    status: str | None
    failure_reason: str | None
    max_payload_mb: int | None
    max_concurrent_transforms: int | None
    instance_type: str
    instance_count: int
    created_at: str | None
    started_at: str | None
    ended_at: str | None
    instance_seconds: InstanceSeconds | None
    cost_usd: float | None


class JobReport(_Job, total=False):
    """One of the report's `jobs`; the model's version only where the run has seen several.

    `bytes` are those of its records, null of a job that an earlier version has planned; `cost_usd` is null until it has
    ended, and where no price is known.
    """

    model_version: int


class ModelReport(TypedDict):
    """One of `models`: what the jobs of a run were created with, and whether a person has accepted it."""

    version: int
    model: str | None
    accepted: bool
    seen_at: str
    jobs: list[str]


class _Run(TypedDict):
    run_id: str
    status: str
    model: str
    rows_in: int | None
    rows_scored: int | None
    rows_dead_letter: int | None
    rounds: int
    errors: Sequence[FailedClass]
    advice: Sequence[str]
    jobs: list[JobReport]
    output: str | None
    dead_letter: str | None
    instance_seconds: InstanceSeconds
    cost_usd: float | None
    seconds_by_step: dict[str, float]
    workspace: str
    report: str | None


class RunReport(_Run, PredictionsTold, total=False):
    """The report of a run; the keys that may lack say nothing where they do.

    `cost_usd` is that of the jobs that have ended, at `transform.price_per_hour` or AWS's list price; null where a
    price is not known, and where jobs were created of which none is known to have ended. In an emulator it is what they
    would have cost.

    Attributes:
        prediction_schema: what was inferred.
        models: only of a run whose jobs were created with a model that was looked at.
        record_sizes: of a run that has exported its records.
        expectations: what `expect` was found to be, of a run that was checked.
        error: what ended it.
        ways: how a person goes on after that, a sentence with its command each; in the place of `next`.
        cleaned, rows_forgotten: of `status`: whether all but the ledger is removed; whether what held rows is gone.
        wait_for, next: of `status` and of the steps: what is in flight, and the command to call then.
        seconds: by the clock, that the driver has taken which reports, all that came before Spark included.
        resumed: whether that one has gone on with what another had begun, whose time is not in it.
        emulated: that something else than an endpoint of AWS's own name answers, so that its cost is what AWS would
            take; else it lacks.
        see_errors: the command that shows what failed; of a run that can be gone back to.
        stopped: that a person has stopped it with `stop`, and nobody has gone on with it since; else it lacks.
    """

    prediction_schema: str
    models: list[ModelReport]
    record_sizes: SizeCounts
    expectations: list[Expectation]
    error: list[str]
    ways: list[str]
    cleaned: bool
    rows_forgotten: bool
    wait_for: list[str]
    next: str | None
    seconds: float
    resumed: bool
    emulated: bool
    see_errors: str | None
    stopped: bool


class _Fault(TypedDict):
    run_id: str | None
    status: str


class FaultReport(_Fault, total=False):
    """The report of what was refused, or has failed, before there was a run to report of, and so a page (`report`).

    Attributes:
        ways: how a person goes on, a sentence with its command each; they end `error` as well.
    """

    error: list[str]
    ways: list[str]
    report: str | None


class PackageReport(TypedDict):
    """The report of `package`: the files it made, with their bytes, for which Python, and the seconds it took.

    Attributes:
        archive: None for a target whose workers have what they need.
    """

    status: str
    wheel: str
    wheel_bytes: int
    archive: str | None
    archive_bytes: int | None
    entry: str
    python: str
    seconds: float


class Uploaded(TypedDict):
    """A file that a run takes along: what it is here, its size, and where it goes."""

    source: str
    bytes: int
    target: str


class DeploymentReport(TypedDict, total=False):
    """The report of `run --target`: what a run takes along, and how it is started where.

    Attributes:
        status: `planned` with --dry-run, else `submitted`.
        uploads: files.
        commands: each as a line for a shell.
        request: the parameters of the service's operation.
        operation: that one, as `service.operation`.
        environment: variables beside those of this process.
        id: of what the service has started.
        report: where the run's own report will be.
    """

    run_id: str | None
    status: str
    target: str
    uploads: list[Uploaded]
    commands: list[str]
    operation: str
    request: JsonObject
    environment: dict[str, str]
    id: str
    report: str


class CleanedRun(TypedDict):
    """The report of `clean`: of a run, how much is removed, what is kept, what could not be reached and remains.

    Attributes:
        given_up: whether it was not published, and so never will be.
    """

    run_id: str
    status: str
    workspace: str
    objects: int
    bytes: int
    kept: list[str]
    remains: list[str]
    given_up: bool


class CleanedAmount(TypedDict):
    """How much is removed of one of many runs."""

    workspace: str
    objects: int
    bytes: int


class CleanedWorkspace(TypedDict):
    """The report of `clean --older-than`: the runs that are cleaned, with how much, and those that were not to be."""

    status: str
    cleaned: list[str]
    kept: list[str]
    objects: int
    bytes: int
    runs: list[CleanedAmount]
