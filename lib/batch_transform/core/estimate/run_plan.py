"""What a run would do, worked out from the measured records by the very functions that a run uses.

How many objects there will be is an estimate: rows are spread over the partitions by chance, and a run knows sizes only
about when it chooses how many partitions there are. Payload, concurrency and lanes are exact, and so is the objects'
target size, unless files are copied: a run knows sizes of their records only about as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from batch_transform.core.estimate import measured_records
from batch_transform.core.estimate.earlier_jobs import SpeedTold
from batch_transform.core.estimate.instance_time import at_work, in_flight, instance_time
from batch_transform.core.estimate.measured_records import LaneSize, Measured
from batch_transform.core.estimate.outlook import outlook
from batch_transform.core.estimate.plan_keys import ConcurrencyStep, InstanceStep, LaneWork, RunPlan
from batch_transform.core.framing import JSON_LINES, Framing
from batch_transform.core.limits import MAX_CONCURRENT_TRANSFORMS, MAX_INSTANCE_COUNT
from batch_transform.core.run_settings import RunSettings, TransformSettings
from batch_transform.core.sending.job_planning import Throughput, plan_lanes, throughput
from batch_transform.core.sending.object_cutting import CuttingRules
from batch_transform.core.sending.object_sizes import cutting_rules, headroom
from batch_transform.core.sending.spreading import Speed
from batch_transform.core.spans import EXPORT_SCHEMA, STANDARD, UNSENDABLE, without_history

# Powers of two, as far as anybody would try.
_MOST_STEPS = 32


@dataclass(frozen=True)
class Asked:
    """What a run file says of the jobs, and how records lie in their objects."""

    settings: RunSettings
    framing: Framing = JSON_LINES

    @property
    def transform(self) -> TransformSettings:
        """What is asked of the service."""
        return self.settings.transform

    def rules(self, json_bytes: int) -> CuttingRules:
        """Returns where objects end, given the bytes of all records."""
        return cutting_rules(self.settings, json_bytes, self.framing)

    def but(self, transform: TransformSettings) -> Asked:
        """Returns the same with another section `transform`."""
        return replace(self, settings=replace(self.settings, transform=transform))


def run_plan(measured: Measured, asked: Asked, told: SpeedTold, price: float | None) -> RunPlan:
    """Returns what a run would do.

    Args:
        measured: its records.
        asked: of it.
        told: how fast an instance is.
        price: of an hour of an instance, in US dollars; None: it is not known.
    """
    lanes = lane_works(measured, asked)
    dead = measured.lanes.get(UNSENDABLE)
    return {
        "rows_in": measured.rows,
        "bytes": sum(lane.bytes for lane in measured.sendable.values()),
        "largest_record_bytes": measured.largest,
        "estimated": measured.estimated,
        "rows_over_the_limit": dead.rows if dead else 0,
        "input_partitions": measured.partitions.before,
        "staged_partitions": _partitions(measured, asked),
        "repartitioned": "all rows are one request" if asked.settings.is_one_object else measured.partitions.why,
        "object_bytes": asked.rules(measured.json_bytes).object_bytes,
        "spread": asked.transform.spread,
        "jobs": lanes,
        "outlook": outlook([(lane["bytes"], lane["objects"]) for lane in lanes], asked.transform, told, price),
        "instances": list(instance_steps(measured, asked, told.speed)),
        "concurrency": list(concurrency_steps(measured, asked)),
    }


def _partitions(measured: Measured, asked: Asked) -> int:
    return 1 if asked.settings.is_one_object else max(1, measured.partitions.after)


def lane_works(measured: Measured, asked: Asked) -> list[LaneWork]:
    """Returns the lanes of the first round that have rows."""
    spans, transform = _as_spans(measured, asked), asked.transform
    settings = transform.max_payload_mb, transform.max_concurrent_transforms
    plans = plan_lanes(spans, *settings, asked.framing, headroom(transform))
    return [_work(plan.lane, measured, plan.throughput, asked) for plan in plans]


def _as_spans(measured: Measured, asked: Asked) -> pa.Table:
    """A span for each lane, with its largest record and about its largest object: all that planning looks at."""
    rules = asked.rules(measured.json_bytes)
    spans = [
        {"start": 0, "stop": it.rows, "lane": name, "object": name, "bytes": _full(it, rules), "largest": it.largest}
        for name, it in measured.sendable.items()
    ]
    return without_history(pa.Table.from_pylist(spans, schema=EXPORT_SCHEMA))


def _full(lane: LaneSize, rules: CuttingRules) -> int:
    """About the bytes of a lane's largest object."""
    by_rows = math.ceil(lane.mean * rules.most_rows) if rules.most_rows else lane.bytes
    return max(lane.largest, min(lane.bytes, rules.object_bytes, by_rows))


def _work(name: str, measured: Measured, limits: Throughput, asked: Asked) -> LaneWork:
    lane, rules = measured.lanes[name], asked.rules(measured.json_bytes)
    objects = measured_records.about_objects(lane, measured.rows, _partitions(measured, asked), rules)
    requests = _requests(lane, objects, limits.max_payload_mb, asked)
    return LaneWork(
        lane=name,
        rows=lane.rows,
        bytes=lane.bytes,
        largest=lane.largest,
        max_payload_mb=limits.max_payload_mb,
        max_concurrent_transforms=limits.max_concurrent_transforms,
        objects=objects,
        objects_least=measured_records.least_objects(lane, rules),
        requests=requests,
    )


def _requests(lane: LaneSize, objects: int, max_payload_mb: int | None, asked: Asked) -> int:
    """About how many requests a lane makes; an object that is sent whole is one."""
    if asked.framing.whole:
        return objects
    return measured_records.about_requests(lane, objects, max_payload_mb, asked.transform.strategy)


def instance_steps(measured: Measured, asked: Asked, speed: Speed) -> Iterator[InstanceStep]:
    """Yields what `instance_count` buys the largest lane: for powers of two and the number that is configured.

    `speed` is that by which time is told; objects and jobs follow from what is asked for alone.

    `requests_in_turn` is how many requests each slot of each instance sends one after the other; it is None where the
    container chooses its concurrency. More than are offered would idle.
    """
    configured = asked.transform.instance_count
    most = min(MAX_INSTANCE_COUNT, max(_MOST_STEPS, configured))
    for count in sorted({*_powers_of_two(most), configured}):
        chosen = asked.but(replace(asked.transform, instance_count=count))
        if not (works := lane_works(measured, chosen)):
            return
        largest = max(works, key=lambda work: work["requests"])
        time = instance_time([(work["bytes"], work["objects"]) for work in works], chosen.transform, speed)
        busy = at_work(time, largest["objects"], chosen.transform)
        if busy < count > configured:
            return  # more would idle
        yield {
            "instance_count": count,
            "configured": count == configured,
            "object_bytes": chosen.rules(measured.json_bytes).object_bytes,
            "objects": largest["objects"],
            "objects_per_instance": round(largest["objects"] / busy, 1),
            **in_flight(largest["requests"], busy, largest["max_concurrent_transforms"]),
            **time,
        }


def concurrency_steps(measured: Measured, asked: Asked) -> Iterator[ConcurrencyStep]:
    """Yields what `max_concurrent_transforms` buys: for powers of two and the planned number, the payload beside it.

    The service takes a product of at most 100 MB. A record over the payload is sent in the oversize lane, so a small
    one costs a job more.
    """
    transform, payload_mb = asked.transform, asked.transform.max_payload_mb
    lane = measured.lanes.get(STANDARD)
    if lane is None or payload_mb == "model":
        return
    planned = throughput(lane.largest, payload_mb, transform.max_concurrent_transforms)
    own = planned.max_concurrent_transforms
    most = MAX_CONCURRENT_TRANSFORMS // (payload_mb if isinstance(payload_mb, int) else 1)
    for count in sorted({*_powers_of_two(most), *([own] if own else [])}):
        chosen = asked.but(replace(transform, max_concurrent_transforms=count))
        payload = throughput(lane.largest, payload_mb, count).max_payload_mb
        rules = chosen.rules(measured.json_bytes)
        objects = measured_records.about_objects(lane, measured.rows, _partitions(measured, asked), rules)
        requests = _requests(lane, objects, payload, asked)
        busy = at_work(instance_time([(lane.bytes, objects)], transform), objects, transform)
        yield {
            "max_concurrent_transforms": count,
            "planned": count == own,
            "max_payload_mb": payload,
            "largest_record_fits": lane.largest <= rules.oversize_bytes,
            **in_flight(requests, busy, count),
        }


def _powers_of_two(most: int) -> Iterator[int]:
    return (1 << exponent for exponent in range(most.bit_length()))
