"""Clients of an emulator, requests for jobs, and what jobs leave behind."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3

from support.model_server import model_command

LOG_GROUP = "/aws/sagemaker/TransformJobs"
FINAL = {"Completed", "Failed", "Stopped"}
WAIT_SECONDS = 30
TELLING_MODEL = model_command("telling")


@dataclass(frozen=True)
class Aws:
    """boto3 clients of one region, all with the emulator as their endpoint."""

    endpoint_url: str
    region: str = "us-west-2"
    access_key: str = "AKIATEST"
    secret_key: str = "secret"

    @classmethod
    def of(cls, endpoint_url: str, region: str = "us-west-2") -> Aws:
        return cls(endpoint_url, region)

    @cached_property
    def s3(self) -> Any:
        return self.client("s3")

    @cached_property
    def sagemaker(self) -> Any:
        return self.client("sagemaker")

    @cached_property
    def logs(self) -> Any:
        return self.client("logs")

    def client(self, service: str, **options: Any) -> Any:
        """A client of another service, or with options of its own."""
        keys = {"aws_access_key_id": self.access_key, "aws_secret_access_key": self.secret_key}
        return boto3.client(service, endpoint_url=self.endpoint_url, region_name=self.region, **keys, **options)

    def wait_until(self, job: str, statuses: set[str] = FINAL, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
        """The job's description, once it is in one of the statuses."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            description: dict[str, Any] = self.sagemaker.describe_transform_job(TransformJobName=job)
            if description["TransformJobStatus"] in statuses:
                return description
            time.sleep(0.01)
        raise AssertionError(f"{job} is still {description['TransformJobStatus']}")

    def outputs(self, bucket: str, prefix: str = "out/") -> dict[str, bytes]:
        """All objects below a prefix, by the rest of their keys."""
        listed = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        read = self.s3.get_object
        return {o["Key"].removeprefix(prefix): read(Bucket=bucket, Key=o["Key"])["Body"].read() for o in listed}

    def log_lines(self, job: str, data_log: bool) -> list[str]:
        """The lines of the job's data-log streams, or of its container streams; none where nobody has logged."""
        try:
            found = self.logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{job}/")
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        streams = found["logStreams"]
        names = [s["logStreamName"] for s in streams if s["logStreamName"].endswith("/data-log") == data_log]
        read = self.logs.get_log_events
        return [
            e["message"] for n in names for e in read(logGroupName=LOG_GROUP, logStreamName=n, limit=10_000)["events"]
        ]


@dataclass(frozen=True)
class Ran:
    """What one job left behind."""

    description: dict[str, Any]
    outputs: dict[str, bytes]
    bodies: list[bytes]
    data_log: list[str]

    @property
    def status(self) -> str:
        return str(self.description["TransformJobStatus"])


def request(job: str, bucket: str, **changes: Any) -> dict[str, Any]:
    """A CreateTransformJob request over s3://<bucket>/in/; `changes` are dotted paths with __ for the dot."""
    body: dict[str, Any] = {
        "TransformJobName": job,
        "ModelName": "scripted",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/in/"}},
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": f"s3://{bucket}/out", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = body
        for parent in parents:
            target = target.setdefault(parent, {})
        if value is None:
            target.pop(last, None)
        else:
            target[last] = value
    return body


def manifest(bucket: str, prefix: str, *entries: str) -> bytes:
    """A manifest's bytes."""
    return json.dumps([{"prefix": f"s3://{bucket}/{prefix}"}, *entries]).encode()
