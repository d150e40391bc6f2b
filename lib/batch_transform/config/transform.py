"""The section `transform`: how the jobs are asked for. Limits are the service's, from `core.limits`."""

from __future__ import annotations

import math
import re
import sys
from typing import Annotated, Any

from batch_transform.config.json_paths import check_json_path
from batch_transform.config.places import check_no_secret
from batch_transform.config.typed_sections import Section, ValidationInfo, field_validator
from batch_transform.config.typed_values import AfterValidator, BeforeValidator, Field, PlainValidator
from batch_transform.config.values import (
    Concurrency,
    KmsKey,
    MediaType,
    Names,
    Number,
    PayloadMb,
    WholeNumber,
    check_count,
    check_environment,
    check_length,
    check_no_repeats,
    check_pattern,
    one_of,
    read_number,
)
from batch_transform.core import limits
from batch_transform.core.framing import LINE, WHOLE
from batch_transform.core.run_settings import INSTANCES, JOBS, Sizing, TransformSettings
from batch_transform.core.written_values import written

# botocore, TagKey and TagValue: letters, digits, spaces (\p{Z}: no tab and no newline) and _.:/=+-@
_TAG_TEXT = re.compile(r"(?:[\w.:/=+\-@]|[^\S\t-\r\x1c-\x1f\x85])*")

_BINARY_SPLITS = {"recordio": "RecordIO", "tfrecord": "TFRecord"}


def check_split(value: Any) -> str:
    """Returns `Line` or `None`, SplitType's own words."""
    if isinstance(value, str) and value.lower() in _BINARY_SPLITS:
        raise ValueError(
            f"is {_BINARY_SPLITS[value.lower()]}, which is not offered: records are lines, or objects as they are; "
            "valid: Line, None"
        )
    return one_of(LINE, WHOLE)(value)


_check_instance_type = check_pattern(r"ml\.[a-z0-9-]+\.[a-z0-9-]+", 64, "an ML instance type such as ml.m5.xlarge")


def check_instance_types(value: Any) -> str | tuple[str, ...]:
    """Returns one instance type, or an ordered list of them; a list of one is that one."""
    if isinstance(value, str):
        return _check_instance_type(value)
    if not isinstance(value, (list, tuple)) or not value or not all(isinstance(name, str) for name in value):
        raise ValueError(f"is {written(value)}; valid: an ML instance type such as ml.m5.xlarge, or a list of them")
    names = check_no_repeats(tuple(_check_instance_type(name) for name in value))
    return names if len(names) > 1 else names[0]


def check_price(value: Any) -> float | dict[str, float]:
    """Returns a price, or one of each instance type."""
    if isinstance(value, dict):
        return {_check_instance_type(str(name)): _check_amount(price) for name, price in value.items()}
    return _check_amount(value)


def _check_amount(value: Any) -> float:
    number = read_number(value)
    if isinstance(number, int) and number > sys.float_info.max:
        number = math.inf
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number < math.inf:
        raise ValueError(f"is {written(value)}; valid: US dollars for an hour, as 0.23, or those of each instance type")
    return float(number)


InstanceTypes = Annotated[str | tuple[str, ...], BeforeValidator(check_instance_types)]
Price = Annotated[float | dict[str, float], PlainValidator(check_price)]
Strategy = Annotated[str, AfterValidator(one_of("MultiRecord", "SingleRecord"))]
SpreadName = Annotated[str, AfterValidator(one_of(JOBS, INSTANCES))]
Split = Annotated[str, BeforeValidator(check_split)]
JoinSource = Annotated[str, AfterValidator(one_of("none", "input"))]
AmiVersion = Annotated[
    str,
    AfterValidator(
        check_pattern(
            "[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*",
            limits.MAX_AMI_VERSION_CHARACTERS,
            "an AMI version of SageMaker's, as al2-ami-sagemaker-batch-gpu-535",
        )
    ),
]
JsonPath = Annotated[str, AfterValidator(check_json_path)]


class Transform(Section):
    """The resources and the request of every job.

    Attributes:
        instance_type: InstanceType; or several, the first that has capacity is taken (core.sending.instances).
        max_payload_mb: MaxPayloadInMB; `auto`: from the measured records, `model`: left unset.
        max_concurrent_transforms: MaxConcurrentTransforms, for each instance; `auto` and `model` as above.
        split: SplitType; `None` is text: an object is one request. None: it follows from the record's format.
        invocations_timeout_seconds: how long the service waits for one answer.
        invocations_max_retries: None: left unset, the service's default.
        join_source: `input`: the service writes each record beside its prediction, which takes a larger payload.
        input_filter: what of a record the model is sent, in JSONPath; None: all.
        output_filter: what of an answer, joined or not, is written; None: all.
        environment_may_change: variables of `environment` on which no answer depends, such as a number of workers, so
            that they may change while the run goes on.
        job_timeout_minutes: how long a job may take before it is stopped.
        instance_count: how many instances work side by side.
        spread: `jobs`: each is a job of its own, no more of them than there is work worth a start-up; `instances`: they
            are InstanceCount of one job. None: nobody has said; jobs, but for a run that an earlier version has begun.
        instance_start_seconds: of one instance, which its work must be worth.
        instance_mb_per_second: what one instance works through, of records.
        max_parallel_jobs: how many jobs are in flight at once; None: as `instance_count` allows, two of `instances`.
        on_interrupt: what becomes of jobs in flight when the driver is interrupted; `leave`: they go on and are paid
            for, and the next driver takes them up.
        ami_version: TransformAmiVersion, the drivers of the instances; None: the service's own.
        price_per_hour: of an instance, in US dollars, or of each type; None: AWS's list price, where it is known.
        poll_seconds: between two looks at the jobs; None: `RunConfig.poll_seconds` decides.
    """

    instance_type: InstanceTypes = TransformSettings.instance_type
    instance_count: Annotated[WholeNumber, Field(ge=1, le=limits.MAX_INSTANCE_COUNT)] = TransformSettings.instance_count
    spread: SpreadName | None = None
    instance_start_seconds: Annotated[Number, Field(ge=0, le=86_400, allow_inf_nan=False)] = (
        TransformSettings.instance_start_seconds
    )
    instance_mb_per_second: Annotated[Number, Field(gt=0, allow_inf_nan=False)] = (
        TransformSettings.instance_mb_per_second
    )
    # 0 would mean HTTP chunks without a limit, which leaves no way to know what a request holds: not offered.
    max_payload_mb: PayloadMb = TransformSettings.max_payload_mb
    max_concurrent_transforms: Concurrency = TransformSettings.max_concurrent_transforms
    strategy: Strategy = TransformSettings.strategy
    split: Split | None = None
    join_source: JoinSource = TransformSettings.join_source
    input_filter: JsonPath | None = None
    output_filter: JsonPath | None = None
    invocations_timeout_seconds: Annotated[WholeNumber, Field(ge=1, le=limits.MAX_INVOCATIONS_TIMEOUT_SECONDS)] = (
        TransformSettings.invocations_timeout_seconds
    )
    invocations_max_retries: Annotated[WholeNumber, Field(ge=0, le=limits.MAX_INVOCATIONS_RETRIES)] | None = None
    job_timeout_minutes: Annotated[WholeNumber, Field(ge=1)] = TransformSettings.job_timeout_minutes
    max_parallel_jobs: Annotated[WholeNumber, Field(ge=1, le=limits.MAX_INSTANCE_COUNT)] | None = None
    on_interrupt: Annotated[str, AfterValidator(one_of("stop", "leave"))] = "stop"
    environment: dict[str, str] = Field(default_factory=dict)
    environment_may_change: Names = ()
    accept: MediaType | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    output_kms_key: KmsKey | None = None
    volume_kms_key: KmsKey | None = None
    ami_version: AmiVersion | None = None
    price_per_hour: Price | None = None
    poll_seconds: Annotated[Number, Field(gt=0, le=3600, allow_inf_nan=False)] | None = None

    @field_validator("max_concurrent_transforms")
    @classmethod
    def _product(cls, concurrent: Sizing, info: ValidationInfo) -> Sizing:
        payload = info.data.get("max_payload_mb")
        if isinstance(payload, int) and isinstance(concurrent, int):
            product = payload * concurrent
            if product > limits.MAX_PAYLOAD_TIMES_CONCURRENCY_MB:
                raise ValueError(
                    f"is {concurrent}; times max_payload_mb ({payload}) that is {product}, "
                    f"the service's limit is {limits.MAX_PAYLOAD_TIMES_CONCURRENCY_MB}"
                )
        return concurrent

    @property
    def processes_data(self) -> bool:
        """Whether the service filters or joins records, which it must be able to read for that."""
        return self.join_source == "input" or bool(self.input_filter or self.output_filter)

    @field_validator("environment")
    @classmethod
    def _environment(cls, environment: dict[str, str]) -> dict[str, str]:
        most, longest = limits.MAX_ENVIRONMENT_ENTRIES, limits.MAX_ENVIRONMENT_VALUE_CHARACTERS
        return check_environment(environment, most, longest)

    @field_validator("tags")
    @classmethod
    def _tags(cls, tags: dict[str, str]) -> dict[str, str]:
        check_count(tags, limits.MAX_TAGS)
        for key, value in tags.items():
            check_length(limits.MAX_TAG_KEY_CHARACTERS)(key)
            check_no_secret(value)
            if len(value) > limits.MAX_TAG_VALUE_CHARACTERS:
                limit = limits.MAX_TAG_VALUE_CHARACTERS
                raise ValueError(f"has a value of {len(value)} characters under {key}; the limit is {limit}")
            # AWS keeps the prefix for itself and refuses it (Tag, API reference).
            if key.lower().startswith("aws:") or not _TAG_TEXT.fullmatch(key) or not _TAG_TEXT.fullmatch(value):
                raise ValueError(f"has {key!r}: valid are letters, digits, spaces and _.:/=+-@, not aws: at the front")
        return tags
