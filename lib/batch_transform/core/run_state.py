"""Frozen records of what a run has done so far, as the ledger's steps tell it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from batch_transform.core.expectations import Expectation
from batch_transform.core.ledger import JsonObject, Part
from batch_transform.core.model_identity import ModelVersion
from batch_transform.core.report_histograms import SizeCounts
from batch_transform.core.report_keys import RunReport
from batch_transform.core.round_record import RoundRecord
from batch_transform.core.run_settings import RunSettings
from batch_transform.core.service_shapes import TransformJobRequest
from batch_transform.core.staged_table import Staged
from batch_transform.core.statuses import JobStatus

# Why a run stops a job of its own: it is late, its driver was interrupted, a person has asked for it with `stop`.
TIMEOUT, INTERRUPTED, ASKED = "timeout", "interrupted", "asked"


@dataclass(frozen=True)
class JobRecord:
    """A transform job: its intent (name and whole request), then what became of it.

    Attributes:
        name: TransformJobName.
        request: the CreateTransformJob request, never planned again.
        round_number: how deep its spans were split and tried again: 1 for the first.
        lane: of its spans.
        spans: the part that lists its spans.
        created: whether the service is known to have accepted it.
        status: terminal status, None while in flight.
        failure_reason: DescribeTransformJob's FailureReason, only when Failed.
        created_at: by the service's clock once the job has ended, by the driver's before that.
        stop_reason: why this run asked for it to be stopped, before it did: TIMEOUT, INTERRUPTED or ASKED.
        controls: objects of one record each that was scored before: they show how often good requests fail in it.
        control_etags: theirs, as they were written; (): they were not recorded.
        verdicts: the part with the verdicts on its spans, None until judged.
        controls_passed: how many of them were scored again.
        controls_failed: how many the model failed; of the rest nobody knows.
        instances: how many instances have a log stream, None if that is not known.
        data_logs: how many of them have a data log.
        is_helped: whether it was asked for with less load than planned (core.sending.instances).
        attempt: which request for these spans, 1 for the first; it is in the name.
        outdated: whether it was not created before what is asked of the service changed (core.resuming.resumed_run).
        model: the number of the ModelVersion that it was created with, None where that was not recorded.
        busy_share: of the time that its instances are paid for, about; None: an earlier version did not record it.
        plan: the number of the step `planned` that it is of, 1 for the first.
        settled_in: the number of the plan after which its verdicts were reconciled, None as long as they are not.
        objects_scored: that it scored in a form that is beyond doubt; 0 of a job that an earlier version judged.
        objects_failed: in which rows failed; likewise.
        price_per_hour: of one of its instances, in US dollars, as it was known when it was planned.
        bytes: of its records; None: an earlier version did not record it.
    """

    name: str
    request: TransformJobRequest
    round_number: int
    lane: str
    spans: Part
    created: bool = False
    status: JobStatus | None = None
    failure_reason: str | None = None
    created_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    stop_reason: str | None = None
    controls: tuple[str, ...] = ()
    control_etags: tuple[str, ...] = ()
    verdicts: Part | None = None
    controls_passed: int = 0
    controls_failed: int = 0
    instances: int | None = None
    data_logs: int | None = None
    is_helped: bool = False
    attempt: int = 1
    outdated: bool = False
    model: int | None = None
    busy_share: float | None = None
    plan: int = 1
    settled_in: int | None = None
    objects_scored: int = 0
    objects_failed: int = 0
    price_per_hour: float | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class Recorded:
    """A step's payload and the parts that it names."""

    payload: JsonObject
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class RunState:
    """A run as a fold over its ledger.

    Fields are final once set, but for `stopped` and `moved_at`; answers may be judged anew.

    Attributes:
        driver_at: when the driver began that has begun the run, or gone on with it last.
        stopped: whether a person has stopped it and nobody has gone on with it since.
        moved_at: the time of the latest step that tells it: the run was begun or gone on with, a round was planned, a
            job was created or found to have ended.
        inferred: the schema of the predictions in DDL, where it was to be inferred; `staged.answers` has it as well.
        intents: with which configurations it set out to publish by a commit; that may be in the table of any of them.
        output_is_fixed: whether it set out to publish files, which may lie in the output since.
        merges_lost: how often merged files were lost before they were published: each merge has names of its own.
        inferred_after: the plan whose answers were last looked at for it, 0 before the first.
        retry_asked: whether a person has asked that dead rows be sent again, and they were not yet.
        models: that jobs were created with, in the order in which they were seen.
        accepts_model: whether a person has accepted what the model is now, until the next job is created.
        forgiven_until: the plan up to which no type is blamed for want of capacity, nor a job for its time.
        beyond: instance types whose quota is less than a job asks for, since then.
        round_records: of each plan, in order.
        rounds_before: the deepest round when the run was last begun or gone on with.
        held: dead leaves that are committed already (`resuming.committed_tables`), of a run that lost outputs since.
        expectations: what `expect` was found to be of the gated rows; None: they were not checked, or otherwise.
        rows_apart: whether what holds row values lies apart from the ledger (`run_layout`).
        cleaned, forgotten: whether all but the ledger was removed; whether its rows were.
        copies_unfit: whether copies of the input's files were found not to do, so that rows are written.
        record_sizes: of what was exported; None: an earlier version did not record them.
    """

    run_id: str
    nonce: str
    config: JsonObject
    opened_at: str
    moved_at: str
    staged: Staged | None = None
    spans: Part | None = None
    inferred: str | None = None
    inferred_after: int = 0
    models: tuple[ModelVersion, ...] = ()
    accepts_model: bool = False
    forgiven_until: int = 0
    beyond: frozenset[str] = frozenset()
    jobs: tuple[JobRecord, ...] = ()
    round_records: tuple[RoundRecord, ...] = ()
    rounds_before: int = 0
    gate: Recorded | None = None
    publication: Recorded | None = None
    published: JsonObject | None = None
    report: RunReport | None = None
    driver_at: str = ""
    cleaned: bool = False
    stopped: bool = False
    seconds_by_step: dict[str, float] = field(default_factory=dict)
    merges_lost: int = 0
    retry_asked: bool = False
    intents: tuple[JsonObject, ...] = ()
    output_is_fixed: bool = False
    held: Recorded | None = None
    expectations: tuple[Expectation, ...] | None = None
    rows_apart: bool = False
    forgotten: bool = False
    copies_unfit: bool = False
    record_sizes: SizeCounts | None = None

    @cached_property
    def settings(self) -> RunSettings:
        """What the run is asked for, as its configuration says."""
        return RunSettings.of(self.config)

    @property
    def plans(self) -> int:
        """The number of the latest plan, 0 before the first."""
        return len(self.round_records)

    @property
    def rounds(self) -> int:
        """The deepest round that is planned, 0 before the first."""
        return max((record.round_number for record in self.round_records), default=0)

    @property
    def next_round(self) -> int:
        """The round of the next plan: one more than the deepest of the jobs whose spans it takes up."""
        return self.last_round.left_round + 1 if self.last_round else 1

    @property
    def unsettled(self) -> tuple[JobRecord, ...]:
        """The jobs whose verdicts are not reconciled yet, of whichever plan."""
        return tuple(job for job in self.jobs if job.settled_in is None)

    @property
    def just_settled(self) -> tuple[JobRecord, ...]:
        """The jobs that were reconciled last, once they are."""
        return tuple(job for job in self.jobs if job.settled_in == self.plans)

    @property
    def last_round(self) -> RoundRecord | None:
        """The record of the latest plan, None before the first."""
        return self.round_records[-1] if self.round_records else None

    @property
    def in_flight(self) -> tuple[JobRecord, ...]:
        """The jobs that were created and are not known to have ended."""
        return tuple(job for job in self.jobs if job.created and job.status is None)

    @property
    def is_settled(self) -> bool:
        """Whether no span is left to send."""
        last = self.last_round
        return last is not None and last.leaves is not None and not last.open_spans

    @property
    def rows_scored(self) -> int:
        """The rows that have a prediction as it stands, each once, however often it was settled."""
        return sum(r.scored_rows - r.lost_scored_rows for r in self.round_records)

    @property
    def rows_dead(self) -> int:
        """The rows that were given up, and are not sent again, each once."""
        return sum(r.dead_rows - r.retried_rows - r.lost_dead_rows for r in self.round_records)

    @property
    def nothing_read(self) -> bool:
        """Whether no answer was accepted yet, nor a row given up, so that answers may still be read otherwise."""
        return self.gate is None and not any(r.scored_rows + r.dead_rows for r in self.round_records)

    @property
    def tells_nothing_yet(self) -> bool:
        """Whether no plan before the latest settled a row or probed the model, since somebody last went on."""
        if any(r.scored_rows + r.dead_rows for r in self.round_records[:-1]):
            return False
        since = max((place for place, r in enumerate(self.round_records, start=1) if r.resumed), default=0)
        return not any(r.is_probe for r in self.round_records[since:])

    def job(self, name: str) -> JobRecord:
        """Returns the job of that name.

        Raises:
            KeyError: no such job is recorded.
        """
        for job in self.jobs:
            if job.name == name:
                return job
        raise KeyError(name)

    def with_job(self, job: JobRecord) -> RunState:
        """Returns the state with this record of a job instead of the one of its name."""
        return replace(self, jobs=tuple(job if other.name == job.name else other for other in self.jobs))

    def with_last_round(self, record: RoundRecord) -> RunState:
        """Returns the state with this record of the latest plan."""
        return replace(self, round_records=(*self.round_records[:-1], record))
