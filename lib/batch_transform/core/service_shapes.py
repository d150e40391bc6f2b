"""What of SageMaker's requests and answers is written or read here, by the service's own names (botocore).

A key that is optional, or that an answer may lack, is so for the service too; what it says besides is not read.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict


class TransformS3DataSource(TypedDict):
    """Where the input of a transform job lies."""

    S3DataType: str
    S3Uri: str


class TransformDataSource(TypedDict):
    """The input of a transform job, which is always on S3."""

    S3DataSource: TransformS3DataSource


class JobInput(TypedDict, total=False):
    """TransformInput."""

    DataSource: TransformDataSource
    ContentType: str
    SplitType: str
    CompressionType: str


class JobOutput(TypedDict, total=False):
    """TransformOutput."""

    S3OutputPath: str
    Accept: str
    AssembleWith: str
    KmsKeyId: str


class JobResources(TypedDict, total=False):
    """TransformResources."""

    InstanceType: str
    InstanceCount: int
    VolumeKmsKeyId: str
    TransformAmiVersion: str


class JobProcessing(TypedDict, total=False):
    """DataProcessing."""

    InputFilter: str
    OutputFilter: str
    JoinSource: str


class ClientConfig(TypedDict, total=False):
    """ModelClientConfig."""

    InvocationsTimeoutInSeconds: int
    InvocationsMaxRetries: int


class Tag(TypedDict):
    """One of Tags."""

    Key: str
    Value: str


class TransformJobRequest(TypedDict, total=False):
    """CreateTransformJob, as the ledger holds it."""

    TransformJobName: str
    ModelName: str
    MaxPayloadInMB: int
    MaxConcurrentTransforms: int
    BatchStrategy: str
    ModelClientConfig: ClientConfig
    Environment: dict[str, str]
    TransformInput: JobInput
    TransformOutput: JobOutput
    DataProcessing: JobProcessing
    TransformResources: JobResources
    Tags: list[Tag]


class DescribedTransformJob(TransformJobRequest, total=False):
    """DescribeTransformJob's answer: the request, with the service's defaults and without tags, and where it stands."""

    TransformJobStatus: str
    FailureReason: str
    CreationTime: datetime
    TransformStartTime: datetime
    TransformEndTime: datetime


class S3ModelData(TypedDict, total=False):
    """S3DataSource of a model's artifact."""

    S3Uri: str
    S3DataType: str


class ModelSource(TypedDict, total=False):
    """ModelDataSource, and one of AdditionalModelDataSources."""

    S3DataSource: S3ModelData


class ContainerDefinition(TypedDict, total=False):
    """A container of a model."""

    Image: str
    ModelPackageName: str
    ModelDataUrl: str
    ModelDataSource: ModelSource
    AdditionalModelDataSources: list[ModelSource]
    Mode: str
    Environment: dict[str, str]


class Vpc(TypedDict):
    """VpcConfig of a model."""

    SecurityGroupIds: list[str]
    Subnets: list[str]


class ModelRequest(TypedDict, total=False):
    """CreateModel, of a model of one container or of several."""

    ModelName: str
    PrimaryContainer: ContainerDefinition
    Containers: list[ContainerDefinition]
    ExecutionRoleArn: str
    VpcConfig: Vpc
    EnableNetworkIsolation: bool


class DescribedModel(ModelRequest, total=False):
    """DescribeModel's answer."""

    InferenceExecutionConfig: dict[str, str]
    CreationTime: datetime
