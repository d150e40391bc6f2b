"""A run opened by its parts, for tests that look at what lies between input and result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame

from batch_transform.config.loading import from_arguments
from batch_transform.core.events import Event
from batch_transform.pipeline.lifecycle.opening_run import open_run
from batch_transform.pipeline.loop.driver import Driver
from batch_transform.pipeline.tables.source import Source
from support.emulated import BUCKET, Emulated


def silent(event: Event) -> None:
    """Listens to nothing."""


def run_file(world: Emulated, run_id: str, **changes: Any) -> dict[str, Any]:
    """Returns a run file, in which `{folder}` stands for the test's folder."""
    base = {
        "run_id": run_id,
        "workspace": f"s3://{BUCKET}/{run_id}",
        "staging": "{folder}/staging",
        "input": {"path": "{folder}/in"},
        "record": {"columns": ["key"]},
        "model": {"name": "echo"},
        "transform": {"poll_seconds": 0.1},
        "prediction": {"schema": "echo string"},
        "output": {"path": "{folder}/out"},
        "aws": {"endpoint_url": world.url, "region": "us-east-1"},
    }
    return base | changes


def reopened(df: DataFrame, world: Emulated, arguments: Mapping[str, Any]) -> Driver:
    """Returns the driver of a run that `score(df, **arguments)` began."""
    return open_run(df.sparkSession, from_arguments(**arguments), world.access, silent, Source(df, is_scan=False))


class Interrupting:
    """A listener that raises KeyboardInterrupt at the n-th event, counted from 0."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if len(self.events) == self.at + 1:
            raise KeyboardInterrupt
