"""What a run is asked for, as far as the core decides by it: made once, from the checked configuration.

The defaults stand here, and `config`, which checks a run file, takes them from here. A ledger holds the configuration
as JSON; what one of an earlier version does not say, or says is null, has its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, TypeVar

from batch_transform.core.framing import ALL_ROWS, LINE
from batch_transform.core.lease import DEFAULT_TTL_SECONDS
from batch_transform.core.ledger import JsonObject

# `auto`: from the measured records; `model`: left unset, the container's /execution-parameters decide; else a number.
Sizing = int | Literal["auto", "model"]

# How instances work side by side. `jobs`: each is a job of its own; `instances`: they are one job's.
Spread = Literal["jobs", "instances"]
JOBS: Spread = "jobs"
INSTANCES: Spread = "instances"
# "Typical cold start 3-5 min per job" (transform_emulator/FACTS.md, 6).
START_SECONDS = 240.0
# What an instance works through. Models lie a hundred times above it and below: our guess, which `plan` tells.
MB_PER_SECOND = 1.0
# Jobs of all instances of the run in flight at once, where nothing else is said. One job for each lane and payload.
_PARALLEL_JOBS_OF_MANY_INSTANCES = 2

# The value of `prediction.schema` that asks for it.
INFER = "infer"


@dataclass(frozen=True)
class RecordSettings:
    """What of the section `record` is asked for after staging; what a record holds is Spark's to know."""

    format: str = "jsonlines"
    compression: str | None = None
    rows_per_object: int | str | None = None


@dataclass(frozen=True)
class TransformSettings:
    """What of the section `transform` makes a job's request, and how many are in flight.

    Attributes:
        spread: whether instances side by side are jobs, or one job's.
        instance_start_seconds: which work is worth an instance's start-up.
        instance_mb_per_second: what an instance works through.
        max_parallel_jobs: None: as many as `instance_count` allows with `jobs`, two with `instances`.
        job_timeout_minutes: after which a job is stopped.
        price_per_hour: of an instance, in US dollars, or of each type.
    """

    instance_type: str | tuple[str, ...] = "ml.m5.xlarge"
    instance_count: int = 1
    spread: Spread = JOBS
    instance_start_seconds: float = START_SECONDS
    instance_mb_per_second: float = MB_PER_SECOND
    max_payload_mb: Sizing = "auto"
    max_concurrent_transforms: Sizing = "auto"
    strategy: str = "MultiRecord"
    split: str = LINE
    join_source: str = "none"
    input_filter: str | None = None
    output_filter: str | None = None
    # The service's default time-out is 600 s and a large record can take longer; a longer one costs nothing.
    invocations_timeout_seconds: int = 3600
    invocations_max_retries: int | None = None
    max_parallel_jobs: int | None = None
    job_timeout_minutes: int = 480
    environment: Mapping[str, str] = field(default_factory=dict)
    accept: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    output_kms_key: str | None = None
    volume_kms_key: str | None = None
    ami_version: str | None = None
    price_per_hour: float | Mapping[str, float] | None = None

    @property
    def instance_types(self) -> tuple[str, ...]:
        """The instance types, in the order in which they are to be tried."""
        return (self.instance_type,) if isinstance(self.instance_type, str) else self.instance_type

    @property
    def instances_of_a_job(self) -> int:
        """How many instances a job is asked for with."""
        return 1 if self.spread == JOBS else self.instance_count

    @property
    def most_jobs(self) -> int:
        """How many jobs may be in flight at once."""
        if self.spread == JOBS:
            return min(self.max_parallel_jobs or self.instance_count, self.instance_count)
        return self.max_parallel_jobs or _PARALLEL_JOBS_OF_MANY_INSTANCES

    @property
    def joins_input(self) -> bool:
        """Whether the service writes each record beside its prediction."""
        return self.join_source == "input"


@dataclass(frozen=True)
class PredictionSettings:
    """The section `prediction`: how answers are read, and what becomes of them."""

    schema: str | None = None
    format: str = "jsonlines"
    records_path: str | None = None
    separator: str | None = None
    blank_lines: str = "skip"
    body: str | None = None
    max_line_mb: int = 32
    column: str | None = None
    sql: tuple[str, ...] | None = None
    placeholder: str | None = None
    key: Mapping[str, str] | None = None
    provenance: bool = False


@dataclass(frozen=True)
class OutputSettings:
    """The section `output`."""

    path: str | None = None
    table: str | None = None
    format: str = "parquet"
    mode: Literal["error", "append", "overwrite", "overwrite_partitions"] = "error"
    partition_by: tuple[str, ...] = ()
    replace_where: str | None = None


@dataclass(frozen=True)
class DeadLetterSettings:
    """The section `dead_letter`."""

    path: str | None = None
    table: str | None = None
    column: str | None = None


@dataclass(frozen=True)
class RunSettings:
    """What a run is asked for.

    Attributes:
        model_name: of the model.
        output: None: the result stays in the workspace.
        is_of_frame: whether the run is of `score()`, whose rows were at hand; else a run file names its input.
        lease_seconds: how long another driver waits before it takes a silent run over.
        budget_usd: what the jobs may cost; None: whatever they do.
        expect: aggregates in SQL that must be true of what is published.
    """

    model_name: str = ""
    record: RecordSettings = RecordSettings()
    transform: TransformSettings = TransformSettings()
    prediction: PredictionSettings = PredictionSettings()
    output: OutputSettings | None = None
    dead_letter: DeadLetterSettings | None = None
    is_of_frame: bool = False
    lease_seconds: float = DEFAULT_TTL_SECONDS
    budget_usd: float | None = None
    expect: tuple[str, ...] = ()

    # A configuration is JSON here: as `RunConfig.to_document` wrote it, in this version or an earlier one.
    @classmethod
    def of(cls, document: JsonObject) -> RunSettings:
        """Returns what a run's configuration document says."""
        output, dead_letter = document.get("output"), document.get("dead_letter")
        return cls(
            (document.get("model") or {}).get("name", ""),
            _section(RecordSettings, document.get("record")),
            _section(TransformSettings, _with_key(_with_spread(document.get("transform")), document.get("aws"))),
            _section(PredictionSettings, document.get("prediction")),
            None if output is None else _section(OutputSettings, output),
            None if dead_letter is None else _section(DeadLetterSettings, dead_letter),
            document.get("input") is None,
            float(document.get("lease_seconds", DEFAULT_TTL_SECONDS)),
            document.get("budget_usd"),
            tuple(document.get("expect") or ()),
        )

    @property
    def is_one_object(self) -> bool:
        """Whether all rows of the table go into one object, which must never be split."""
        return self.record.rows_per_object == ALL_ROWS

    @property
    def asked_of_the_service(self) -> tuple[object, ...]:
        """What a request is made of and may change under one run id (config.changes)."""
        asked = self.transform
        return (
            asked.instance_type,
            asked.instances_of_a_job,
            asked.max_payload_mb,
            asked.max_concurrent_transforms,
            asked.invocations_timeout_seconds,
            asked.invocations_max_retries,
            asked.environment,
            asked.tags,
            asked.output_kms_key,
            asked.volume_kms_key,
            asked.ami_version,
        )

    @property
    def published(self) -> tuple[object, ...]:
        """What publishing depends on and may change under one run id (config.changes)."""
        becomes = self.prediction
        return (self.output, self.dead_letter, becomes.sql, becomes.column, becomes.provenance)


def _with_spread(transform: JsonObject | None) -> JsonObject:
    """A section `transform`; a version that knew no `spread` asked for one job of many instances."""
    return {"spread": INSTANCES, **(transform or {})}


def _with_key(transform: JsonObject, aws: JsonObject | None) -> JsonObject:
    """A section `transform`; what the service writes has the key that everything else has, unless it says another."""
    key = ((aws or {}).get("s3") or {}).get("kms_key")
    return transform if transform.get("output_kms_key") or key is None else {**transform, "output_kms_key": key}


def carried_on(recorded: JsonObject, given: JsonObject) -> JsonObject:
    """Returns the configuration with which a run goes on that was begun by an earlier version.

    Where that knew no `spread`, and whoever goes on says none, it goes on as it was begun: its objects were cut so.

    Args:
        recorded: the configuration that the run has.
        given: the one that it is started with now, every key written out; null where nobody has said one.
    """
    now = given.get("transform") or {}
    was = _with_spread(recorded.get("transform"))["spread"]
    if "spread" not in now or now["spread"] is not None or was is None:
        return given
    return {**given, "transform": {**now, "spread": was}}


Section = TypeVar("Section")


# JSON itself again, one section of it; None: it is not given.
def _section(kind: type[Section], given: JsonObject | None) -> Section:
    known = {name: (given or {}).get(name) for name in (each.name for each in fields(kind))}  # type: ignore[arg-type]
    told = {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}
    return kind(**{name: value for name, value in told.items() if value is not None})
