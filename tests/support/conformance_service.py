"""Batch Transform as the suite sees it: the emulator, or the real service with `--aws`. boto3 is all it uses."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

LOG_GROUP = "/aws/sagemaker/TransformJobs"
FINAL = {"Completed", "Failed", "Stopped"}


@dataclass(frozen=True)
class Result:
    """What a job left behind."""

    job: str
    description: dict[str, Any]
    outputs: dict[str, bytes]
    data_log: dict[str, list[str]]

    @property
    def status(self) -> str:
        return str(self.description["TransformJobStatus"])

    def requests(self, key: str = "a") -> list[dict[str, Any]]:
        """What the mirror saw for one input object, in the order of the output; the job ran with MIRROR=describe."""
        return [json.loads(line) for line in self.outputs[f"{key}.out"].split(b"\n") if line]

    def failure(self, key: str) -> list[str]:
        """The data-log's lines about one input object, without their prefix."""
        lines = [line for stream in self.data_log.values() for line in stream]
        return [line.partition(f"/{key}: ")[2] for line in lines if f"/{key}: " in line]


@dataclass(frozen=True)
class Service:
    """The service, and a place in it for one test.

    Attributes:
        s3: A boto3 client.
        sagemaker: A boto3 client.
        logs: A boto3 client.
        bucket: Where objects are put.
        model: A model whose container is the mirror.
        instance_type: What jobs run on.
        seconds: How long a job may take; instances of the real service take minutes to start.
        poll_seconds: How long to wait between two describes.
    """

    s3: Any
    sagemaker: Any
    logs: Any
    bucket: str
    model: str
    instance_type: str
    seconds: float
    poll_seconds: float
    prefix: str = field(default_factory=lambda: f"conformance-{uuid.uuid4().hex[:16]}")

    def run(self, files: Mapping[str, bytes], mirror: str = "echo", **changes: Any) -> Result:
        """Score files to the job's end. `changes` are paths into the request, with __ for the dot."""
        body = self.request(files, mirror, **changes)
        self.sagemaker.create_transform_job(**body)
        return self.finished(body["TransformJobName"])

    def request(self, files: Mapping[str, bytes], mirror: str = "echo", **changes: Any) -> dict[str, Any]:
        """Put the files below in/ and give a request for them, with a name of its own."""
        for key, data in files.items():
            self.s3.put_object(Bucket=self.bucket, Key=f"{self.prefix}/in/{key}", Body=data)
        body: dict[str, Any] = {
            "TransformJobName": f"{self.prefix}-{uuid.uuid4().hex[:8]}",
            "ModelName": self.model,
            "Environment": {"MIRROR": mirror},
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": self.uri("in/")}},
                "SplitType": "Line",
            },
            "TransformOutput": {"S3OutputPath": self.uri("out"), "AssembleWith": "Line"},
            "TransformResources": {"InstanceType": self.instance_type, "InstanceCount": 1},
        }
        for path, value in changes.items():
            *parents, last = path.split("__")
            target = body
            for parent in parents:
                target = target.setdefault(parent, {})
            target[last] = value
            if value is None:
                del target[last]
        return body

    def uri(self, rest: str) -> str:
        """A place of this test's own."""
        return f"s3://{self.bucket}/{self.prefix}/{rest}"

    def finished(self, job: str) -> Result:
        """The result of a job, once it has ended."""
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            description = self.sagemaker.describe_transform_job(TransformJobName=job)
            if description["TransformJobStatus"] in FINAL:
                return Result(job, description, self.objects("out/"), self._data_log(job))
            time.sleep(self.poll_seconds)
        raise AssertionError(f"{job} did not end")

    def objects(self, prefix: str) -> dict[str, bytes]:
        """The objects below a prefix of this test's place, by the rest of their keys."""
        start = f"{self.prefix}/{prefix}"
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=start)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return {key.removeprefix(start): self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}

    def refusal(self, **changes: Any) -> tuple[str, str]:
        """Code and words with which CreateTransformJob refuses a request over one small file."""
        with pytest.raises(ClientError) as caught:
            self.sagemaker.create_transform_job(**self.request({"a": b"1\n"}, **changes))
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    def _data_log(self, job: str) -> dict[str, list[str]]:
        try:
            found = self.logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{job}/")
        except self.logs.exceptions.ResourceNotFoundException:
            return {}
        names = [stream["logStreamName"] for stream in found["logStreams"]]
        return {
            name: [
                event["message"]
                for event in self.logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=name)["events"]
            ]
            for name in names
            if name.endswith("/data-log")
        }
