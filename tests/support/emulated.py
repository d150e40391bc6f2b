"""An emulator as tests use it: a process of its own, and model servers that answer as `support.answers` says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batch_transform.aws.access import AwsAccess
from support import answers
from support.model_server import model_command
from support.scripted_model import ScriptedModel
from support.scripted_model import echo as as_it_came
from support.second_s3 import S3Server

BUCKET = "tests"
REGION = "us-east-1"
MODELS = {
    "echo": answers.echo,
    "nulls": answers.nulls,
    "shaped": answers.shaped,
    "formed": answers.echo,
    "lines": as_it_came,
}


@dataclass(frozen=True)
class Emulated:
    """The running emulator, its bucket and its models."""

    url: str
    models: dict[str, ScriptedModel]
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def access(self) -> AwsAccess:
        """How the pipeline reaches it."""
        return AwsAccess(REGION, self.url)

    def client(self, service: str) -> Any:
        """Returns a boto3 client of it, made once: making one takes longer than what it is asked."""
        if service not in self._clients:
            self._clients[service] = AwsAccess(REGION, self.url, emulated=True).client(service)
        return self._clients[service]

    def objects(self, prefix: str = "") -> list[str]:
        """Returns the keys in the bucket below a prefix."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", ())]

    def body(self, key: str) -> bytes:
        """Returns an object of the bucket."""
        body: bytes = self.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body

    def jobs(self, run_id: str | None = None) -> list[str]:
        """Returns the names of a run's jobs; None: of all."""
        chosen: dict[str, Any] = {"MaxResults": 100} | ({"NameContains": run_id} if run_id else {})
        pages = self.client("sagemaker").get_paginator("list_transform_jobs").paginate(**chosen)
        return [job["TransformJobName"] for page in pages for job in page["TransformJobSummaries"]]

    def inputs(self, job: str) -> list[str]:
        """Returns the names of a job's input objects, from its manifest."""
        request = self.client("sagemaker").describe_transform_job(TransformJobName=job)
        uri = request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        names: list[str] = json.loads(self.body(uri.removeprefix(f"s3://{BUCKET}/")))[1:]
        return names

    @contextmanager
    def faults(self, *declared: dict[str, Any]) -> Iterator[None]:
        """Lets these faults strike, and no other, until the end of the block."""
        self._tell("PUT", json.dumps({"faults": declared}).encode())
        try:
            yield
        finally:
            self._tell("DELETE")

    def _tell(self, method: str, body: bytes | None = None) -> None:
        request = urllib.request.Request(f"{self.url}/_emulator/faults", body, method=method)
        with urllib.request.urlopen(request):
            pass

    def arguments(self, folder: Path, model: str = "echo", **sections: Any) -> dict[str, Any]:
        """Returns arguments of `score` for a new run with everything of Spark's below `folder`."""
        return {
            "run_id": f"t-{uuid.uuid4().hex[:12]}",
            "model": model,
            "workspace": f"s3://{BUCKET}",
            "staging": str(folder / "staging"),
            "output": {"path": str(folder / "out")},
            "prediction": "echo string",
            "transform": {"poll_seconds": 0.1, "invocations_max_retries": 0},
            "aws": {"endpoint_url": self.url, "region": REGION},
            **sections,
        }


@contextmanager
def emulated(behind: S3Server | None = None) -> Iterator[Emulated]:
    """Runs an emulator with one bucket, which makes no other one; its objects lie in the S3 server `behind`, if any.

    The bucket there outlives it. The pipeline needs no identity of the server behind: the emulator signs anew.
    """
    with ExitStack() as resources:
        models = {name: resources.enter_context(closing(ScriptedModel())) for name in MODELS}
        for name, answer in MODELS.items():
            models[name].script.answer = answer
        command = [sys.executable, "-m", "transform_emulator", "--port", "0", "--exit-with-stdin", "--bucket", BUCKET]
        environment = dict(os.environ)
        if behind is not None:
            command += ["--s3-endpoint", behind.url]
            environment |= behind.environment
            client = behind.client()
            with suppress(client.exceptions.BucketAlreadyOwnedByYou):  # from an emulator before
                client.create_bucket(Bucket=BUCKET)
        for name, model in models.items():
            command += ["--model", f"{name}={model.url}"]
        command += ["--model", f"logging={model_command('logging')}"]
        with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            yield Emulated(json.loads(process.stdout.readline())["endpoint_url"], models)
            process.stdin.close()
