"""The service's limits and defaults, each with its source."""

# A job log with 25,000 records of 10,000 bytes and MaxPayloadInMB=6 fits 629 records in a request (6 * 2**20), not 600;
# AWS's XGBoost container also rejects bodies over 6 * 1024 * 1024 while it advertises MaxPayloadInMB 6 (FACTS.md, 2.3).
BYTES_PER_MB = 2**20

# Developer guide of January 2019, "How Batch Transform works": the values when neither the request nor the
# container's /execution-parameters says otherwise.
DEFAULT_MAX_CONCURRENT_TRANSFORMS = 1
DEFAULT_MAX_PAYLOAD_MB = 6
DEFAULT_INVOCATIONS_TIMEOUT_SECONDS = 600  # botocore, ModelClientConfig
DEFAULT_INVOCATIONS_MAX_RETRIES = 3  # botocore, ModelClientConfig

# botocore, MaxPayloadInMB: the value "cannot be greater than 100 MB", nor its product with MaxConcurrentTransforms.
MAX_PAYLOAD_MB = 100
MAX_PAYLOAD_TIMES_CONCURRENCY_MB = 100
MAX_CONCURRENT_TRANSFORMS = 100  # developer guide of January 2019, for each instance
MAX_INSTANCE_COUNT = 100  # botocore, TransformResources.InstanceCount
MAX_FAILURE_REASON_CHARACTERS = 1024  # botocore, FailureReason

# InvokeEndpoint: a real-time model must answer within 60 seconds, and its body "must be less than 25 MB" (developer
# guide, real-time endpoints; it was 6 MB before 2024).
ENDPOINT_TIMEOUT_SECONDS = 60
MAX_ENDPOINT_BODY_BYTES = 25 * BYTES_PER_MB
MAX_INNER_PAYLOAD_MB = 5  # of an endpoint's pipeline, between two containers ("Troubleshoot Inference Pipelines")

# Developer guide, "Use your own inference code with batch transform": a ping request times out after 2 seconds.
PING_REQUEST_TIMEOUT_SECONDS = 2.0
PING_INTERVAL_SECONDS = 1.0  # amazon-sagemaker-examples#815
PING_DEADLINE_SECONDS = 30 * 60.0  # AWS staff in amazon-sagemaker-examples#815: a model that never answers fails then

# S3's smallest part in a multipart upload is 5 MiB and its largest part number 10,000: 16 MiB allow 156 GiB.
UPLOAD_PART_BYTES = 16 * BYTES_PER_MB
READ_CHUNK_BYTES = BYTES_PER_MB // 4  # small beside the smallest MaxPayloadInMB, as a body's last chunk is held

# CloudWatch Logs: one event holds at most 256 KB less 26 bytes, PutLogEvents at most 10,000 events.
MAX_LOG_EVENT_BYTES = 262_118
