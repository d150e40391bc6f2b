"""The CreateTransformJob request of a lane, and whether a job that is already there was asked for in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.framing import GZIP, WHOLE
from batch_transform.core.ledger import JsonObject
from batch_transform.core.run_settings import RunSettings
from batch_transform.core.secret_values import is_same, is_sealed
from batch_transform.core.sending.job_planning import Throughput
from batch_transform.core.service_shapes import (
    ClientConfig,
    JobProcessing,
    Tag,
    TransformJobRequest,
)
from batch_transform.core.uris import S3Uri

MANIFEST = "ManifestFile"  # S3DataType


@dataclass(frozen=True)
class JobSettings:
    """What a transform job is asked for, under the names of the SDK's `Transformer`; None is left unsaid.

    Attributes:
        name: TransformJobName.
        data: the manifest's URI.
        output_path: of this job alone: jobs that share one overwrite each other.
        env: Environment; empty: none.
    """

    name: str
    model_name: str
    data: str
    output_path: str
    instance_type: str
    instance_count: int
    content_type: str
    split_type: str
    assemble_with: str
    invocations_timeout_seconds: int
    strategy: str | None = None
    max_payload: int | None = None
    max_concurrent_transforms: int | None = None
    invocations_max_retries: int | None = None
    compression_type: str | None = None
    accept: str | None = None
    input_filter: str | None = None
    output_filter: str | None = None
    join_source: str | None = None
    output_kms_key: str | None = None
    volume_kms_key: str | None = None
    transform_ami_version: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def model_client_config(self) -> ClientConfig:
        """ModelClientConfig, which the SDK takes as it is."""
        config: ClientConfig = {"InvocationsTimeoutInSeconds": self.invocations_timeout_seconds}
        if self.invocations_max_retries is not None:
            config["InvocationsMaxRetries"] = self.invocations_max_retries
        return config

    @property
    def tag_list(self) -> list[Tag] | None:
        """Tags as the service takes them; None: there are none."""
        return [{"Key": key, "Value": value} for key, value in self.tags.items()] or None


def job_settings(
    name: str,
    settings: RunSettings,
    content_type: str,
    manifest_uri: S3Uri,
    output: S3Uri,
    limits: Throughput,
    instance_type: str | None,
) -> JobSettings:
    """Returns what a run's job is asked for.

    Args:
        name: TransformJobName.
        settings: of the run.
        content_type: of the records.
        manifest_uri: lists the input objects.
        output: S3OutputPath, of this job alone.
        limits: payload and concurrency.
        instance_type: of those that are configured; None: the first.
    """
    transform = settings.transform
    filters = transform.input_filter, transform.output_filter
    # A join asks for records and answers of one type; what is filtered has to be of a known one, by default of the
    # records' (transform_emulator/FACTS.md, 2.4).
    accept = content_type if transform.joins_input or any(filters) else None
    return JobSettings(
        name=name,
        model_name=settings.model_name,
        data=str(manifest_uri),
        output_path=str(output),
        instance_type=instance_type or transform.instance_types[0],
        instance_count=transform.instances_of_a_job,
        content_type=content_type,
        split_type=transform.split,
        # With SplitType Line and one answer line for each record, assembling by line keeps one line for each row. An
        # object that is one request has one answer, and nothing to assemble.
        assemble_with=transform.split,
        invocations_timeout_seconds=transform.invocations_timeout_seconds,
        # "To enable the batch strategy, you must set SplitType to Line, RecordIO, or TFRecord" (botocore).
        strategy=None if transform.split == WHOLE else transform.strategy,
        max_payload=limits.max_payload_mb,
        max_concurrent_transforms=limits.max_concurrent_transforms,
        invocations_max_retries=transform.invocations_max_retries,
        compression_type="Gzip" if settings.record.compression == GZIP else None,
        accept=transform.accept or accept,
        input_filter=filters[0],
        output_filter=filters[1],
        join_source="Input" if transform.joins_input else None,
        output_kms_key=transform.output_kms_key,
        volume_kms_key=transform.volume_kms_key,
        transform_ami_version=transform.ami_version,
        env=dict(transform.environment),
        tags=dict(transform.tags),
    )


def transform_request(job: JobSettings) -> TransformJobRequest:
    """Returns the whole CreateTransformJob request, the same that `sagemaker.transformer` has the SDK build."""
    processing: JobProcessing = _given(
        InputFilter=job.input_filter, OutputFilter=job.output_filter, JoinSource=job.join_source
    )
    request: TransformJobRequest = _given(
        TransformJobName=job.name,
        ModelName=job.model_name,
        MaxPayloadInMB=job.max_payload,
        MaxConcurrentTransforms=job.max_concurrent_transforms,
        BatchStrategy=job.strategy,
        ModelClientConfig=job.model_client_config,
        Environment=dict(job.env) or None,
        TransformInput=_given(
            DataSource={"S3DataSource": {"S3DataType": MANIFEST, "S3Uri": job.data}},
            ContentType=job.content_type,
            SplitType=job.split_type,
            CompressionType=job.compression_type,
        ),
        TransformOutput=_given(
            S3OutputPath=job.output_path,
            Accept=job.accept,
            AssembleWith=job.assemble_with,
            KmsKeyId=job.output_kms_key,
        ),
        DataProcessing=processing or None,
        TransformResources=_given(
            InstanceType=job.instance_type,
            InstanceCount=job.instance_count,
            VolumeKmsKeyId=job.volume_kms_key,
            TransformAmiVersion=job.transform_ami_version,
        ),
        Tags=job.tag_list,
    )
    return request


def _given(**values: Any) -> Any:
    """What is given, as a shape of the service: a key that is left to it must not be there, not even as null."""
    return {key: value for key, value in values.items() if value is not None}


def sent_request(recorded: TransformJobRequest, environment: Mapping[str, str]) -> TransformJobRequest:
    """Returns a recorded request as it is sent, with the values of the secrets that the ledger does not hold.

    Raises:
        ConfigurationError: one is not in the environment that is configured now.
    """
    sealed = {name: value for name, value in recorded.get("Environment", {}).items() if is_sealed(value)}
    known = {name: value for name, value in environment.items() if not is_sealed(value)}
    if unknown := [name for name, value in sealed.items() if not is_same(value, known.get(name))]:
        raise ConfigurationError(
            f"transform.environment.{name}: is not what was recorded; give the value of before" for name in unknown
        )
    if not sealed:
        return recorded
    return {**recorded, "Environment": {**recorded["Environment"], **{name: environment[name] for name in sealed}}}


def differences(sent: TransformJobRequest, described: TransformJobRequest) -> list[str]:
    """Returns which fields of a request, as it is sent or as it is recorded, a described job does not have.

    Describe adds defaults of the service (KmsKeyId: "", CompressionType: "None" and others) and never shows tags, so
    only what was sent is compared.
    """
    return [
        path
        for path, value in _leaves({key: value for key, value in sent.items() if key != "Tags"})
        if not is_same(value, _at(described, path))
    ]


def altered(asked: TransformJobRequest, built: TransformJobRequest) -> list[str]:
    """Returns which fields of a request, tags too, were left out, changed or added where another has built it."""
    before, after = dict(_leaves(asked)), dict(_leaves(built))
    return [path for path in {**before, **after} if before.get(path) != after.get(path)]


def _leaves(document: JsonObject, above: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _at(document: Any, path: str) -> Any:
    for key in path.split("."):
        document = document.get(key) if isinstance(document, Mapping) else None
    return document
