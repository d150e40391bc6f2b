"""What a plan holds, key by key."""

from __future__ import annotations

from typing import TypedDict

from batch_transform.core.estimate.instance_time import InFlight, InstanceTime
from batch_transform.core.estimate.outlook import Outlook


class LaneWork(TypedDict):
    """A lane: how its jobs send, and into how many objects and requests its records go, about."""

    lane: str
    rows: int
    bytes: int
    largest: int
    max_payload_mb: int | None
    max_concurrent_transforms: int | None
    objects: int
    objects_least: int
    requests: int


class InstanceStep(InFlight, InstanceTime):
    """What a number of instances buys the largest lane, and what all lanes take."""

    instance_count: int
    configured: bool
    object_bytes: int
    objects: int
    objects_per_instance: float


class ConcurrencyStep(InFlight):
    """What a number of requests at a time buys, and the payload beside it."""

    max_concurrent_transforms: int
    planned: bool
    max_payload_mb: int | None
    largest_record_fits: bool


class RunPlan(TypedDict):
    """A plan as a report says it.

    Attributes:
        estimated: what rows and records are estimated from; empty: each record was measured.
        rows_over_the_limit: dead letters before any job.
        input_partitions: those with rows in which Spark reads the table.
        repartitioned: why it is; empty where it is not.
        object_bytes: the target.
        jobs: the lanes of the first round.
        outlook: what they are expected to take and to cost.
    """

    rows_in: int
    bytes: int
    largest_record_bytes: int
    estimated: str
    rows_over_the_limit: int
    input_partitions: int
    staged_partitions: int
    repartitioned: str
    object_bytes: int
    spread: str
    jobs: list[LaneWork]
    outlook: Outlook
    instances: list[InstanceStep]
    concurrency: list[ConcurrencyStep]
