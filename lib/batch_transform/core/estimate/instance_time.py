"""What the instances of a round's jobs would be paid for, and for how much of it they would be busy, about. Pure.

How fast a model is nobody knows before it was asked: all of it holds for the start-up and the speed that a run file
gives, or else for those that are taken (`run_settings`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypedDict

from batch_transform.core.run_settings import JOBS, TransformSettings
from batch_transform.core.sending.spreading import (
    REQUEST_BYTES,
    Speed,
    busy_share,
    job_counts,
    most_instances,
    packed,
    speed_of,
)

# By the keys of so many equal objects a job's instances are loaded as good as equally; each row may be an object.
_MOST_HASHED = 100_000


class InFlight(TypedDict):
    """How a lane's requests go through its instances; None where the container chooses its concurrency."""

    requests: int
    requests_at_once: int | None
    requests_in_turn: int | None


class InstanceTime(TypedDict):
    """What jobs take.

    Attributes:
        jobs: how many there are.
        elapsed_seconds: until the last one has ended.
        paid_seconds: of all instances, start-ups included.
        busy_seconds: those, but for what instances wait for the last one of their job.
    """

    jobs: int
    elapsed_seconds: float
    paid_seconds: float
    busy_seconds: float


def instance_time(
    lanes: Sequence[tuple[int, int]], transform: TransformSettings, told: Speed | None = None
) -> InstanceTime:
    """Returns what the jobs of these lanes take.

    Args:
        lanes: of each its bytes and its objects.
        transform: as configured: by its speed work is spread over jobs.
        told: how fast instances are in fact; None: as configured.
    """
    count, speed = transform.instance_count, told or speed_of(transform)
    sizes = [size_bytes + objects * REQUEST_BYTES for size_bytes, objects in lanes]
    work = [speed.seconds(size) for size in sizes]
    start, jobs = speed.start_seconds, job_counts(sizes, [objects for _, objects in lanes], transform)
    if transform.spread == JOBS:
        each = [start + seconds / number for seconds, number in zip(work, jobs, strict=True) for _ in range(number)]
        paid = busy = sum(each)
    else:
        hashed = [min(objects, _MOST_HASHED) for _, objects in lanes]
        busy_shares = [busy_share(map(str, range(objects)), [1.0] * objects, count) for objects in hashed]
        taken = zip(work, busy_shares, jobs, strict=True)
        each = [start + seconds / number / count / share for seconds, share, number in taken for _ in range(number)]
        paid, busy = count * sum(each), sum(work) + count * start * len(each)
    at_once = max(1, min(transform.most_jobs, len(each)))
    elapsed = max((sum(each[place] for place in places) for places in packed(each, at_once)), default=0.0)
    return {
        "jobs": len(each),
        "elapsed_seconds": round(elapsed, 3),
        "paid_seconds": round(paid, 3),
        "busy_seconds": round(busy, 3),
    }


def at_work(time: InstanceTime, objects: int, transform: TransformSettings) -> int:
    """Returns how many instances have something to do side by side, of a lane with so many objects."""
    return min(most_instances(transform), time["jobs"] if transform.spread == JOBS else objects)


def in_flight(requests: int, instances: int, concurrent: int | None) -> InFlight:
    """Returns how so many requests go through so many instances, `concurrent` at once on each."""
    if concurrent is None:
        return {"requests": requests, "requests_at_once": None, "requests_in_turn": None}
    at_once = max(1, min(requests, instances * concurrent))
    return {"requests": requests, "requests_at_once": at_once, "requests_in_turn": math.ceil(requests / at_once)}
