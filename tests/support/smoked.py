"""`smoke` against an emulator over HTTP, as a person starts it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from batch_transform.core.smoke.images import image_of
from batch_transform.pipeline.submit import console_script
from transform_emulator.emulator import Emulator
from transform_emulator.service import switch_options
from transform_emulator.settings import Settings

BUCKET, REGION, ACCOUNT = "smoke-bucket", "us-east-1", "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/model"
CONTAINER = str(Path(__file__).with_name("smoke_container.py"))
ARGUMENTS = ["smoke", "--bucket", BUCKET, "--role", ROLE]


@dataclass(frozen=True)
class Account:
    """An emulator that serves AWS's image, and the environment in which a command finds it."""

    emulator: Emulator
    environment: Mapping[str, str]

    def client(self, service: str) -> Any:
        """Returns a boto3 client of it."""
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        return boto3.client(service, REGION, endpoint_url=self.emulator.endpoint_url, **keys)

    def objects(self) -> list[str]:
        """Returns the keys in the bucket."""
        found = self.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", ())
        return [each["Key"] for each in found]

    def models(self) -> list[str]:
        """Returns the names of the models that somebody has made."""
        listed = self.client("sagemaker").list_models()["Models"]
        return [each["ModelName"] for each in listed if each["ModelName"] != image_of(REGION)]  # the emulator's own

    def jobs(self) -> list[str]:
        """Returns the statuses of all jobs."""
        listed = self.client("sagemaker").list_transform_jobs(MaxResults=100)["TransformJobSummaries"]
        return [each["TransformJobStatus"] for each in listed]


@contextmanager
def account(*switches: str, models: Mapping[str, str] | None = None) -> Iterator[Account]:
    """Runs an emulator with these switches, `NAME=VALUE` each."""
    served = {image_of(REGION): CONTAINER} if models is None else models
    settings = Settings(served, buckets=[BUCKET], switches=switch_options.parse(switches))
    with Emulator(settings) as emulator:
        keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": REGION}
        yield Account(emulator, {"AWS_ENDPOINT_URL": emulator.endpoint_url, **keys})


def smoked(there: Account, capsys: pytest.CaptureFixture[str], words: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """Returns the exit code of the command in this process, and its report."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in there.environment.items():
            patch.setenv(name, value)
        code = console_script.exit_code([*ARGUMENTS, *words])
    return code, json.loads(capsys.readouterr().out)
