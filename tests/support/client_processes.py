"""Clients of an emulator in processes of their own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from support.emulator_aws import Aws


def environment(aws: Aws, **more: str) -> dict[str, str]:
    """What a client's process needs to find the emulator: nothing but what any AWS client reads."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    keys = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-west-2"}
    return inherited | keys | {"AWS_ENDPOINT_URL": aws.endpoint_url} | more


def output_of(command: list[str], env: Mapping[str, str]) -> str:
    """Standard output of a command that must succeed."""
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    return ran.stdout
