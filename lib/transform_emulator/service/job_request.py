"""A transform job's request as typed values; what it leaves out stays None, to be settled by `parameters`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from transform_emulator.service.limits import (
    DEFAULT_INVOCATIONS_MAX_RETRIES,
    DEFAULT_INVOCATIONS_TIMEOUT_SECONDS,
    DEFAULT_MAX_CONCURRENT_TRANSFORMS,
    DEFAULT_MAX_PAYLOAD_MB,
)


class Split(Enum):
    """SplitType."""

    NONE = "None"
    LINE = "Line"
    RECORD_IO = "RecordIO"
    TF_RECORD = "TFRecord"


class Strategy(Enum):
    """BatchStrategy, under the names of the API; the container knows them in upper snake case."""

    MULTI_RECORD = "MultiRecord"
    SINGLE_RECORD = "SingleRecord"

    @property
    def container_name(self) -> str:
        """The name in environment variables, /execution-parameters and the data-log."""
        return self.name


class Assemble(Enum):
    """AssembleWith."""

    NONE = "None"
    LINE = "Line"


@dataclass(frozen=True)
class JobRequest:
    """The parts of CreateTransformJob that the data plane acts on."""

    name: str
    model_name: str
    manifest: bool
    s3_uri: str
    output_path: str
    content_type: str | None
    accept: str | None
    split: Split
    assemble: Assemble
    gzip: bool
    strategy: Strategy | None
    max_concurrent_transforms: int | None
    max_payload_mb: int | None
    timeout_seconds: int
    max_retries: int
    environment: Mapping[str, str]
    instance_count: int
    output_kms_key: str | None
    input_filter: str
    output_filter: str
    join_input: bool


@dataclass(frozen=True)
class Parameters:
    """What an instance works with, once request, container and defaults have had their say."""

    max_concurrent_transforms: int
    max_payload_mb: int
    strategy: Strategy

    def payload_bytes(self, bytes_per_mb: int, inclusive: bool) -> int | None:
        """Returns the largest body in bytes, or None for MaxPayloadInMB=0: no limit, sent with chunked encoding."""
        if not self.max_payload_mb:
            return None
        return self.max_payload_mb * bytes_per_mb - (0 if inclusive else 1)


def from_api(body: Mapping[str, Any]) -> JobRequest:
    """Returns the typed request of a body that validation has accepted."""
    source = body["TransformInput"]["DataSource"]["S3DataSource"]
    given, output = body["TransformInput"], body["TransformOutput"]
    client, processing = body.get("ModelClientConfig", {}), body.get("DataProcessing", {})
    strategy = body.get("BatchStrategy")
    return JobRequest(
        name=body["TransformJobName"],
        model_name=body["ModelName"],
        manifest=source["S3DataType"] == "ManifestFile",
        s3_uri=source["S3Uri"],
        output_path=output["S3OutputPath"],
        # Absent is not empty: a header without a value is sent by nobody (xgboost-container#122).
        content_type=given.get("ContentType") or None,
        accept=output.get("Accept") or None,
        # SplitType, AssembleWith and CompressionType default to None (botocore).
        split=Split(given.get("SplitType", "None")),
        assemble=Assemble(output.get("AssembleWith", "None")),
        gzip=given.get("CompressionType", "None") == "Gzip",
        strategy=Strategy(strategy) if strategy else None,
        # 0 asks the container, as leaving it out does (botocore, MaxConcurrentTransforms).
        max_concurrent_transforms=body.get("MaxConcurrentTransforms") or None,
        # 0 is a value of its own here: a payload without a limit, sent in chunks.
        max_payload_mb=body.get("MaxPayloadInMB"),
        timeout_seconds=client.get("InvocationsTimeoutInSeconds", DEFAULT_INVOCATIONS_TIMEOUT_SECONDS),
        max_retries=client.get("InvocationsMaxRetries", DEFAULT_INVOCATIONS_MAX_RETRIES),
        environment=dict(body.get("Environment", {})),
        instance_count=body["TransformResources"]["InstanceCount"],
        output_kms_key=output.get("KmsKeyId") or None,
        input_filter=processing.get("InputFilter", "$"),
        output_filter=processing.get("OutputFilter", "$"),
        join_input=processing.get("JoinSource", "None") == "Input",
    )


def parameters(request: JobRequest, advertised: Mapping[str, Any]) -> Parameters:
    """Returns the effective parameters: request before /execution-parameters before default (developer guide).

    Args:
        request: The job's request.
        advertised: The container's /execution-parameters, `{}` if it has none. Values of a wrong type are ignored.
    """
    # A container may advertise anything; what is no sensible number counts as not advertised.
    concurrent = advertised.get("MaxConcurrentTransforms")
    payload = advertised.get("MaxPayloadInMB")
    # Upper snake case: `{"BatchStrategy": "MULTI_RECORD"}`; local mode fails on it ("Invalid Batch Strategy").
    names = {strategy.container_name: strategy for strategy in Strategy}
    strategy = names.get(str(advertised.get("BatchStrategy")), Strategy.MULTI_RECORD)
    return Parameters(
        max_concurrent_transforms=request.max_concurrent_transforms
        or (concurrent if isinstance(concurrent, int) and concurrent > 0 else DEFAULT_MAX_CONCURRENT_TRANSFORMS),
        max_payload_mb=request.max_payload_mb
        if request.max_payload_mb is not None
        else (payload if isinstance(payload, int) and payload >= 0 else DEFAULT_MAX_PAYLOAD_MB),
        strategy=request.strategy or strategy,
    )


def container_environment(request: JobRequest, with_jobs: bool) -> dict[str, str]:
    """Returns the variables the service adds: SAGEMAKER_BATCH always, the rest only if the *request* set them.

    Args:
        request: The job's request.
        with_jobs: Whether the job's own Environment is part of it; it wins over anything else.
    """
    # "true", where the SDK's local mode has "True" and always sets the concurrency too.
    variables = {"SAGEMAKER_BATCH": "true"}
    if request.max_payload_mb is not None:
        variables["SAGEMAKER_MAX_PAYLOAD_IN_MB"] = str(request.max_payload_mb)
    if request.strategy is not None:
        variables["SAGEMAKER_BATCH_STRATEGY"] = request.strategy.container_name
    if request.max_concurrent_transforms is not None:
        variables["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] = str(request.max_concurrent_transforms)
    return variables | dict(request.environment) if with_jobs else variables
