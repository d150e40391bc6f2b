"""What a run would do, worked out from the measured records by the very functions that a run uses.

How many objects there will be is an estimate in two ways: rows are spread over the partitions by chance, and a run
chooses the number of partitions from a sample. Payload, concurrency, lanes and the objects' target size are exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import pyarrow as pa

from .limits import MAX_CONCURRENT_TRANSFORMS, MAX_INSTANCE_COUNT
from .measured import Measured, about_objects, about_requests, least_objects
from .planning import Setting, Throughput, plan_lanes, standard_payload_mb, throughput
from .sizing import object_bytes, oversize_bytes, partition_count
from .spans import EXPORT_SCHEMA, STANDARD, UNSENDABLE, without_history

# Powers of two, as far as anybody would try.
_MOST_STEPS = 32


@dataclass(frozen=True)
class Asked:
    """What a run file says of the jobs."""

    instance_count: int
    max_payload_mb: Setting
    max_concurrent_transforms: Setting
    strategy: str

    @classmethod
    def of(cls, transform: Mapping[str, Any]) -> Asked:
        """Returns what the section `transform` of a configuration document says."""
        return cls(**{name: transform[name] for name in cls.__dataclass_fields__})

    @property
    def standard_payload_mb(self) -> int | None:
        """The payload limit of the standard lane."""
        return standard_payload_mb(self.max_payload_mb, self.max_concurrent_transforms)

    @property
    def oversize_bytes(self) -> int:
        """The record size above which a record is in the oversize lane, in bytes with its newline."""
        return oversize_bytes(self.standard_payload_mb)


@dataclass(frozen=True)
class LaneWork:
    """A lane's one job: how it sends, and into how many objects and requests its records go, about."""

    lane: str
    rows: int
    bytes: int
    largest: int
    max_payload_mb: int | None
    max_concurrent_transforms: int | None
    objects: int
    objects_least: int
    requests: int


def run_plan(measured: Measured, asked: Asked) -> dict[str, Any]:
    """Returns the plan as a report says it.

    Keys: `rows_in`, `bytes`, `largest_record_bytes`, `rows_over_the_limit` (dead letters before any job),
    `staged_partitions`, `object_bytes` (the target), `jobs` (a LaneWork each), `instances` and `concurrency` (what they
    buy, see `instance_steps` and `concurrency_steps`).
    """
    lanes = lane_works(measured, asked)
    dead = measured.lanes.get(UNSENDABLE)
    return {
        "rows_in": measured.rows,
        "bytes": sum(lane.bytes for lane in measured.sendable.values()),
        "largest_record_bytes": measured.largest,
        "rows_over_the_limit": dead.rows if dead else 0,
        "staged_partitions": partition_count(measured.json_bytes),
        "object_bytes": target_bytes(measured, asked),
        "jobs": [asdict(lane) for lane in lanes],
        "instances": list(instance_steps(measured, asked)),
        "concurrency": list(concurrency_steps(measured, asked)),
    }


def target_bytes(measured: Measured, asked: Asked) -> int:
    """Returns the target size of an object in bytes."""
    return object_bytes(measured.json_bytes, asked.instance_count, asked.standard_payload_mb)


def lane_works(measured: Measured, asked: Asked) -> list[LaneWork]:
    """Returns the jobs of the first round, one for each lane that has rows."""
    target, partitions = target_bytes(measured, asked), partition_count(measured.json_bytes)
    return [
        _work(plan.lane, measured, plan.throughput, target, partitions, asked.strategy)
        for plan in plan_lanes(_as_spans(measured), asked.max_payload_mb, asked.max_concurrent_transforms)
    ]


def _as_spans(measured: Measured) -> pa.Table:
    """A span for each lane, with its largest record: all that planning looks at."""
    spans = [
        {"start": 0, "stop": lane.rows, "lane": name, "object": name, "bytes": lane.bytes, "largest": lane.largest}
        for name, lane in measured.sendable.items()
    ]
    return without_history(pa.Table.from_pylist(spans, schema=EXPORT_SCHEMA))


def _work(name: str, measured: Measured, limits: Throughput, target: int, partitions: int, strategy: str) -> LaneWork:
    lane = measured.lanes[name]
    objects = about_objects(lane, measured.rows, partitions, target)
    requests = about_requests(lane, objects, limits.max_payload_mb, strategy)
    return LaneWork(
        lane=name,
        rows=lane.rows,
        bytes=lane.bytes,
        largest=lane.largest,
        max_payload_mb=limits.max_payload_mb,
        max_concurrent_transforms=limits.max_concurrent_transforms,
        objects=objects,
        objects_least=least_objects(lane, target),
        requests=requests,
    )


def instance_steps(measured: Measured, asked: Asked) -> Iterator[dict[str, Any]]:
    """Yields what `instance_count` buys the largest job: for powers of two and the number that is configured.

    `requests_in_turn` is how many requests each slot of each instance sends one after the other: with requests of equal
    length the job takes that many times one request. Whole objects go to instances, so more instances than objects
    idle. It is None where the container chooses its concurrency.
    """
    most = min(MAX_INSTANCE_COUNT, max(_MOST_STEPS, asked.instance_count))
    for count in sorted({*_powers_of_two(most), asked.instance_count}):
        chosen = replace(asked, instance_count=count)
        if not (works := lane_works(measured, chosen)):
            return
        largest = max(works, key=lambda work: work.requests)
        yield {
            "instance_count": count,
            "configured": count == asked.instance_count,
            "object_bytes": target_bytes(measured, chosen),
            "objects": largest.objects,
            "objects_per_instance": round(largest.objects / count, 1),
            **_in_flight(largest.requests, min(count, largest.objects), largest.max_concurrent_transforms),
        }
        if count >= max(asked.instance_count, largest.objects):
            return  # more would idle


def concurrency_steps(measured: Measured, asked: Asked) -> Iterator[dict[str, Any]]:
    """Yields what `max_concurrent_transforms` buys: for powers of two and the planned number, the payload beside it.

    The service takes a product of at most 100 MB. A record over the payload is sent in the oversize lane, so a small
    one costs a job more.
    """
    lane = measured.lanes.get(STANDARD)
    if lane is None or asked.max_payload_mb == "model":
        return
    planned = throughput(lane.largest, asked.max_payload_mb, asked.max_concurrent_transforms)
    own = planned.max_concurrent_transforms
    most = MAX_CONCURRENT_TRANSFORMS // (asked.max_payload_mb if isinstance(asked.max_payload_mb, int) else 1)
    for count in sorted({*_powers_of_two(most), *([own] if own else [])}):
        chosen = replace(asked, max_concurrent_transforms=count)
        payload = throughput(lane.largest, asked.max_payload_mb, count).max_payload_mb
        objects = about_objects(
            lane, measured.rows, partition_count(measured.json_bytes), target_bytes(measured, chosen)
        )
        requests = about_requests(lane, objects, payload, asked.strategy)
        yield {
            "max_concurrent_transforms": count,
            "planned": count == own,
            "max_payload_mb": payload,
            "largest_record_fits": lane.largest <= chosen.oversize_bytes,
            **_in_flight(requests, min(asked.instance_count, objects), count),
        }


def _in_flight(requests: int, instances: int, concurrent: int | None) -> dict[str, Any]:
    if concurrent is None:
        return {"requests": requests, "requests_at_once": None, "requests_in_turn": None}
    at_once = max(1, min(requests, instances * concurrent))
    return {"requests": requests, "requests_at_once": at_once, "requests_in_turn": math.ceil(requests / at_once)}


def _powers_of_two(most: int) -> Iterator[int]:
    return (1 << exponent for exponent in range(most.bit_length()))
