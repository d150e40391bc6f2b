"""The workspaces of an earlier version (tests/recorded), put where a test finds them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

BUCKET = "tests"  # theirs
RECORDED = Path(__file__).parents[1] / "recorded"


def put(client: Any, name: str) -> None:
    """Puts all objects of a recorded workspace, with its input and its outputs, into an S3 that has the bucket."""
    with zipfile.ZipFile(RECORDED / f"{name}.zip") as archive:
        for key in archive.namelist():
            client.put_object(Bucket=BUCKET, Key=key, Body=archive.read(key))
