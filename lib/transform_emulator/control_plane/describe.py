"""What Describe and List say about a job."""

from typing import Any

from transform_emulator.control_plane.jobs import Job, Life

# What the service fills in when a request leaves it out; MaxPayloadInMB, MaxConcurrentTransforms, BatchStrategy and
# ModelClientConfig are *not* filled in (output of sm-batch_transform_pytorch.ipynb, cells 27 and 33).
FILLED_INPUT = {"CompressionType": "None", "SplitType": "None"}
FILLED_OUTPUT = {"AssembleWith": "None", "KmsKeyId": ""}
FILLED_PROCESSING = {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}

ECHOED = (
    "ModelName",
    "MaxConcurrentTransforms",
    "ModelClientConfig",
    "MaxPayloadInMB",
    "BatchStrategy",
    "Environment",
    "TransformResources",
    "ExperimentConfig",
)


def description(job: Job) -> dict[str, Any]:
    """Returns DescribeTransformJob's answer; times are seconds since the epoch, as JSON 1.1 has them."""
    body, life = job.body, job.life
    answer: dict[str, Any] = {
        "TransformJobName": job.name,
        "TransformJobArn": job.arn,
        "TransformJobStatus": life.status.value,
        "CreationTime": job.created.timestamp(),
        "TransformInput": FILLED_INPUT | body["TransformInput"],
        "TransformOutput": FILLED_OUTPUT | body["TransformOutput"],
        "DataProcessing": FILLED_PROCESSING | body.get("DataProcessing", {}),
    }
    answer |= {name: body[name] for name in ECHOED if name in body}
    return answer | _endings(life) | _emulated(job)


def summary(job: Job) -> dict[str, Any]:
    """Returns one entry of ListTransformJobs."""
    life = job.life
    answer = {
        "TransformJobName": job.name,
        "TransformJobArn": job.arn,
        "TransformJobStatus": life.status.value,
        "CreationTime": job.created.timestamp(),
        "LastModifiedTime": life.modified.timestamp(),
    }
    endings = _endings(life)
    # botocore's TransformJobSummary has the end and the reason of a failure, but not the start.
    endings.pop("TransformStartTime", None)  # not a member of TransformJobSummary
    return answer | endings


def _emulated(job: Job) -> dict[str, Any]:
    """What the service does not tell: seconds that are billed, and what they were used for (FACTS.md, 5)."""
    life = job.life
    if life.started is None or life.ended is None:
        return {}
    each = (life.ended - life.started).total_seconds()
    billed = each * job.body["TransformResources"]["InstanceCount"]
    return {"Emulated": {"BilledSeconds": billed, "Instances": list(job.work)}}


def _endings(life: Life) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if life.started is not None:
        answer["TransformStartTime"] = life.started.timestamp()
    if life.ended is not None:
        answer["TransformEndTime"] = life.ended.timestamp()
    if life.failure_reason is not None:
        answer["FailureReason"] = life.failure_reason
    return answer
