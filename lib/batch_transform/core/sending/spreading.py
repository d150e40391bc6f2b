"""How work is spread over instances: how many jobs are worth their start-up, and which objects each of them has. Pure.

An instance is paid from its start to the end of its job. The service maps the objects of one job to its instances by
key, blind to their size (transform_emulator/FACTS.md, 5), and bills each until the last one is done. A job of one
instance stops being paid when it is done itself; so objects are packed by size, the largest first, into such jobs.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.limits import BYTES_PER_MB
from batch_transform.core.run_settings import JOBS, MB_PER_SECOND, START_SECONDS, TransformSettings

# A request takes time of its own, whatever it holds: as much as so many bytes at that speed. Our estimate, 20 ms.
REQUEST_BYTES = 20_000
# A job is given work for half of the time after which it is stopped, and then has scored nothing: how fast a model is
# nobody knows before it was asked.
_LONGEST = 0.5


@dataclass(frozen=True)
class Speed:
    """What an instance takes to start, and works through then."""

    start_seconds: float = START_SECONDS
    mb_per_second: float = MB_PER_SECOND

    def seconds(self, size_bytes: float) -> float:
        """Returns how long one instance works on so many bytes."""
        return size_bytes / (self.mb_per_second * BYTES_PER_MB)

    def start_ups(self, size_bytes: float) -> float:
        """Returns how many start-ups the work on so many bytes is worth; without end where a start costs nothing."""
        seconds = self.seconds(size_bytes)
        return seconds / self.start_seconds if self.start_seconds else (float("inf") if seconds else 0.0)


def speed_of(transform: TransformSettings) -> Speed:
    """Returns what a run file says of its instances."""
    return Speed(transform.instance_start_seconds, transform.instance_mb_per_second)


def most_instances(transform: TransformSettings) -> int:
    """Returns how many instances may be at work side by side, of the jobs of one lane."""
    return transform.most_jobs if transform.spread == JOBS else transform.instance_count


def fewest(seconds: Sequence[float], objects: Sequence[int], transform: TransformSettings) -> list[int]:
    """Returns how many jobs each group of objects becomes at least, so that each may end before it is stopped.

    Args:
        seconds: the work of each group, on the instances of one job.
        objects: of each group; at least 1.
        transform: as configured.
    """
    longest = _LONGEST * 60 * transform.job_timeout_minutes
    return [max(1, math.ceil(min(most, each / longest))) for each, most in zip(seconds, objects, strict=True)]


def shares(
    start_ups: Sequence[float], objects: Sequence[int], most: int, least: Sequence[int] | None = None
) -> list[int]:
    """Returns how many jobs each group of objects becomes: one at least, and further ones where they are worth it.

    A further job goes to the group whose jobs have most to do, as long as each of them keeps work for one start-up, and
    an object. All groups together have at most `most`, unless they are more themselves.

    Args:
        start_ups: the work of each group, in start-ups of an instance.
        objects: of each group; at least 1.
        most: how many instances work side by side.
        least: jobs of each group whatever they are worth; None: one of each.
    """
    jobs = list(least or [1] * len(start_ups))
    left = [(-work / (jobs[place] + 1), place) for place, work in enumerate(start_ups)]
    heapq.heapify(left)
    while left and sum(jobs) < most:
        _, place = heapq.heappop(left)
        if jobs[place] < objects[place] and start_ups[place] >= jobs[place] + 1:
            jobs[place] += 1
            heapq.heappush(left, (-start_ups[place] / (jobs[place] + 1), place))
    return jobs


def job_counts(
    sizes: Sequence[float], objects: Sequence[int], transform: TransformSettings, in_flight: int = 0
) -> list[int]:
    """Returns how many jobs each group of objects becomes, beside instances that are at work already.

    With `spread: jobs` as many as there are instances free; and more, which wait for the others to be done, where each
    has work for a start-up as the service takes it, whatever the run file says of it: packed into what is free, much
    work would be waited for longer than for that. However they are spread, no job has work for longer than it may take.

    Args:
        sizes: the bytes of each group.
        objects: of each group; at least 1.
        transform: as configured.
        in_flight: instances at work.
    """
    speed = speed_of(transform)
    least = fewest([speed.seconds(size) / transform.instances_of_a_job for size in sizes], objects, transform)
    if transform.spread != JOBS:
        return least
    now = shares([speed.start_ups(size) for size in sizes], objects, transform.most_jobs - in_flight, least)
    if not in_flight:
        return now
    slow = replace(speed, start_seconds=max(speed.start_seconds, START_SECONDS))
    later = shares([slow.start_ups(size) for size in sizes], objects, transform.most_jobs, least)
    return [max(pair) for pair in zip(now, later, strict=True)]


def packed(weights: Sequence[float] | np.ndarray, jobs: int) -> list[list[int]]:
    """Returns the places of the objects of each job, in their order: the heaviest first, each to the lightest job.

    The heaviest job is at most (4/3 - 1/(3 jobs)) times as heavy as the best packing's, and at most one object heavier
    than the mean (Graham, Bounds on Multiprocessing Timing Anomalies, 1969).

    Args:
        weights: of the objects.
        jobs: at least 1; with fewer objects than jobs, some have none.
    """
    held: list[list[int]] = [[] for _ in range(jobs)]
    lightest = [(0.0, number) for number in range(jobs)]
    for place in np.argsort(-np.asarray(weights, float), kind="stable").tolist():
        weight, number = lightest[0]
        held[number].append(place)
        heapq.heapreplace(lightest, (weight + float(weights[place]), number))
    return [sorted(places) for places in held]


def weights_of(spans: pa.Table) -> np.ndarray:
    """Returns what each span (spans.SPAN_SCHEMA) weighs: its bytes and a request, as often as it is sent."""
    times = pc.add(pc.fill_null(pc.list_value_length(spans["copies"]), 0), 1).to_numpy()
    weights: np.ndarray = times * (spans["bytes"].to_numpy() + float(REQUEST_BYTES))
    return weights


def busy_share(names: Iterable[str], weights: Iterable[float], instances: int) -> float:
    """Returns which share of the time an instance of a job is at work, about, if a hash of its key places an object.

    The rest it waits for the last one, and is paid. How the service maps keys is not documented; a hash is what the
    guide's words suggest.
    """
    loads = [0.0] * instances
    for name, weight in zip(names, weights, strict=True):
        digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
        loads[int.from_bytes(digest, "big") % instances] += weight
    return sum(loads) / (instances * max(loads)) if any(loads) else 1.0
