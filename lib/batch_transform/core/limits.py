"""What Batch Transform accepts, each number with its source.

Sources: `botocore` is its service model of CreateTransformJob (`sagemaker/2017-07-24/service-2.json`); DG is the
Amazon SageMaker developer guide.
"""

from __future__ import annotations

# AWS does not say what its MB is. Payloads are chosen with the smaller reading, which leaves 5 % head-room if the
# service means 2^20 (its own XGBoost container rejects bodies over 6 * 1024 * 1024 while it advertises 6).
BYTES_PER_MB = 1_000_000

MAX_PAYLOAD_MB = 100  # botocore, MaxPayloadInMB: "cannot be greater than 100 MB"
DEFAULT_PAYLOAD_MB = 6  # botocore, MaxPayloadInMB: "The default value is 6 MB"
MAX_PAYLOAD_TIMES_CONCURRENCY_MB = 100  # botocore, MaxPayloadInMB x MaxConcurrentTransforms
MAX_CONCURRENT_TRANSFORMS = 100  # DG of January 2019, limits table: 1-100, for each instance
# A joined record holds the record and its prediction: "up to twice the record size" (transform_emulator/FACTS.md, 2.4).
JOIN_HEADROOM = 2
LARGEST_RECORD_BYTES = MAX_PAYLOAD_MB * BYTES_PER_MB

MAX_JOB_NAME_CHARACTERS = 63  # botocore, TransformJobName
MAX_INSTANCE_COUNT = 100  # botocore, TransformInstanceCount
MAX_ENVIRONMENT_ENTRIES = 16  # botocore, TransformEnvironmentMap
MAX_ENVIRONMENT_KEY_CHARACTERS = 1024  # botocore, TransformEnvironmentKey
MAX_ENVIRONMENT_VALUE_CHARACTERS = 10_240  # botocore, TransformEnvironmentValue
MAX_TAGS = 50  # botocore, TagList
MAX_TAG_KEY_CHARACTERS = 128  # botocore, TagKey
MAX_TAG_VALUE_CHARACTERS = 256  # botocore, TagValue
MAX_CONTENT_TYPE_CHARACTERS = 256  # botocore, ContentType and Accept
MAX_KMS_KEY_CHARACTERS = 2048  # botocore, KmsKeyId
# botocore, VolumeKmsKeyId: none with "local storage", which EC2's pages name of these families that jobs take.
LOCAL_STORAGE_FAMILIES = frozenset({"g4dn", "g5", "g6", "g6e", "trn1"})
MAX_AMI_VERSION_CHARACTERS = 63  # botocore, TransformAmiVersion
MAX_JSON_PATH_CHARACTERS = 63  # botocore, JsonPath
MAX_INVOCATIONS_TIMEOUT_SECONDS = 3600  # botocore, InvocationsTimeoutInSeconds: 1-3600
MAX_INVOCATIONS_RETRIES = 3  # botocore, InvocationsMaxRetries: 0-3

MAX_MODEL_NAME_CHARACTERS = 63  # botocore, ModelName
MAX_MODEL_DATA_URL_CHARACTERS = 1024  # botocore, Url
MAX_IMAGE_CHARACTERS = 255  # botocore, ContainerImage
MAX_ROLE_ARN_CHARACTERS = 2048  # botocore, RoleArn
MAX_MODEL_ENVIRONMENT_ENTRIES = 100  # botocore, EnvironmentMap
MAX_MODEL_ENVIRONMENT_VALUE_CHARACTERS = 1024  # botocore, EnvironmentValue
MAX_PACKAGE_CHARACTERS = 176  # botocore, VersionedArnOrName
MAX_CONTAINERS = 15  # botocore, ContainerDefinitionList
MAX_SECURITY_GROUPS = 5  # botocore, VpcSecurityGroupIds
MAX_SUBNETS = 16  # botocore, Subnets
MAX_VPC_ID_CHARACTERS = 32  # botocore, SecurityGroupId and SubnetId
MAX_ENDPOINT_NAME_CHARACTERS = 63  # botocore, EndpointName (sagemaker-runtime)
# botocore, BodyBlob of sagemaker-runtime: "max": 6291456, of InvokeEndpoint's body; its answer is of the same shape.
MAX_ENDPOINT_BODY_BYTES = 6_291_456

MAX_RUN_ID_CHARACTERS = 250  # ours: as long as Airflow's, StringID() of its models
MAX_PLAIN_RUN_ID_CHARACTERS = 128  # ours: a run's folder is one segment of every key, and S3 keys end at 1,024 bytes
MAX_WORKSPACE_CHARACTERS = 512  # ours: leaves room below S3Uri's 1,024 for the run id and the longest name in a run
