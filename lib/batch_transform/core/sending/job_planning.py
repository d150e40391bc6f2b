"""From measured spans to transform jobs: of each lane one or several, with the largest payload limit that it needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.amounts import counted
from batch_transform.core.framing import JSON_LINES, Framing
from batch_transform.core.limits import (
    BYTES_PER_MB,
    DEFAULT_PAYLOAD_MB,
    LARGEST_RECORD_BYTES,
    MAX_CONCURRENT_TRANSFORMS,
    MAX_PAYLOAD_MB,
    MAX_PAYLOAD_TIMES_CONCURRENCY_MB,
)
from batch_transform.core.run_settings import Sizing, TransformSettings
from batch_transform.core.sending.spreading import busy_share, job_counts, packed, weights_of
from batch_transform.core.spans import OVERSIZE, STANDARD


@dataclass(frozen=True)
class Throughput:
    """`MaxPayloadInMB` and `MaxConcurrentTransforms` of a job; None leaves a value to the container."""

    max_payload_mb: int | None
    max_concurrent_transforms: int | None


@dataclass(frozen=True)
class LanePlan:
    """Spans of one lane, in the end of one job, and how it sends them."""

    lane: str
    spans: pa.Table
    throughput: Throughput


def throughput(largest_record_bytes: int, max_payload_mb: Sizing, max_concurrent_transforms: Sizing) -> Throughput:
    """Returns payload and concurrency for records of at most `largest_record_bytes` bytes.

    `auto` takes the smallest payload that fits the largest record, counted in MB of 10^6 bytes, and the largest
    concurrency that the service accepts beside it (product at most 100). A request takes a time of its own and one for
    its bytes; with a product that is given, an instance is the faster the smaller its requests are, as long as more of
    them at once are served faster, and where they are not, a request's own time is little beside that of 1 MB
    (tests/benchmarks/instance_seconds.py). Beside a concurrency that is pinned a payload is at least the service's
    default of 6.

    Raises:
        ValueError: the record is larger than the service's largest payload.
    """
    least = 1 if max_concurrent_transforms == "auto" else DEFAULT_PAYLOAD_MB
    needed = max(least, math.ceil(largest_record_bytes / BYTES_PER_MB))
    if needed > MAX_PAYLOAD_MB:
        raise ValueError(
            f"a record of {counted(largest_record_bytes, 'byte')} is over the largest payload, {MAX_PAYLOAD_MB} MB"
        )
    payload = _payload(needed, max_payload_mb, max_concurrent_transforms)
    return Throughput(payload, _concurrency(payload, max_concurrent_transforms))


def standard_payload_mb(max_payload_mb: Sizing, max_concurrent_transforms: Sizing) -> int | None:
    """Returns the largest payload in MB that the standard lane may have, above which no record is in it.

    It is the service's default, or what is pinned; None: the container's. A pinned concurrency lowers it: beside 50
    requests at once the service accepts no payload over 2 MB.
    """
    return throughput(DEFAULT_PAYLOAD_MB * BYTES_PER_MB, max_payload_mb, max_concurrent_transforms).max_payload_mb


def most_payload_mb(max_payload_mb: Sizing, max_concurrent_transforms: Sizing) -> int:
    """Returns the largest payload in MB that a job may ask for; where the container says, the service's own limit."""
    return throughput(LARGEST_RECORD_BYTES, max_payload_mb, max_concurrent_transforms).max_payload_mb or MAX_PAYLOAD_MB


def _payload(needed: int, payload: Sizing, concurrency: Sizing) -> int | None:
    if payload == "model":
        return None
    if payload != "auto":
        return payload
    if isinstance(concurrency, int) and concurrency:
        # A pinned concurrency caps the payload: the service refuses a product over 100.
        return min(needed, MAX_PAYLOAD_TIMES_CONCURRENCY_MB // concurrency)
    return needed


def _concurrency(payload: int | None, concurrency: Sizing) -> int | None:
    if concurrency == "model" or (concurrency == "auto" and payload is None):
        return None
    if concurrency != "auto":
        return concurrency
    assert payload is not None
    return min(MAX_PAYLOAD_TIMES_CONCURRENCY_MB // max(1, payload), MAX_CONCURRENT_TRANSFORMS)


def plan_lanes(
    spans: pa.Table,
    max_payload_mb: Sizing,
    max_concurrent_transforms: Sizing,
    framing: Framing = JSON_LINES,
    headroom: int = 1,
) -> list[LanePlan]:
    """Returns the lanes that hold spans, the standard one first.

    What has to fit a payload is the largest record, or the largest object where an object is one request.

    The oversize lane exists because its records are over the standard lane's payload, so neither a pinned payload nor
    a pinned concurrency holds for it: both follow from its largest record. Spans that failed for their payload come
    with the one that they need, and make jobs of their own.

    Args:
        spans: to be sent.
        max_payload_mb: as configured.
        max_concurrent_transforms: as configured.
        framing: of the records.
        headroom: how many times its record a payload must hold, as far as the service allows it.
    """
    settings: dict[str, tuple[Sizing, Sizing]] = {
        STANDARD: (max_payload_mb, max_concurrent_transforms),
        OVERSIZE: ("auto", "auto"),
    }
    plans = []
    for lane, (payload, concurrency) in settings.items():
        table = spans.filter(pc.equal(spans["lane"], lane))
        for needed in sorted(pc.unique(table["payload_mb"]).to_pylist()):
            chosen = table.filter(pc.equal(table["payload_mb"], needed))
            if needed:
                limits = _with_payload(needed, throughput(0, "auto", concurrency).max_concurrent_transforms)
            else:
                largest = _largest_request(chosen, framing)
                limits = throughput(max(largest, min(headroom * largest, LARGEST_RECORD_BYTES)), payload, concurrency)
            plans.append(LanePlan(lane, chosen, limits))
    return plans


def spread_out(plans: Sequence[LanePlan], transform: TransformSettings, in_flight: int) -> list[LanePlan]:
    """Returns the plans of jobs: of each lane as many as are worth it, and as may end before they are stopped.

    Objects with the largest records come first in a job: one that ends with a large request idles beside it.

    Args:
        plans: by `plan_lanes`.
        transform: as configured.
        in_flight: instances at work already. Jobs that have to wait for one of those are made only of much work.
    """
    weights = [weights_of(plan.spans) for plan in plans]
    sizes, objects = [each.sum() for each in weights], [plan.spans.num_rows for plan in plans]
    counts = job_counts(sizes, objects, transform, in_flight)
    return [
        LanePlan(plan.lane, _largest_first(plan.spans.take(places)), plan.throughput)
        for plan, each, count in zip(plans, weights, counts, strict=True)
        for places in packed(each, count)
    ]


def _largest_first(spans: pa.Table) -> pa.Table:
    """Spans by the whole MB of their largest record, then as they are."""
    whole_mb = pc.divide(spans["largest"], BYTES_PER_MB)
    return spans.take(pc.array_sort_indices(whole_mb.combine_chunks(), order="descending"))


def busy_share_of(spans: pa.Table, instances: int) -> float:
    """Returns which share of what its instances are paid for they are at work, of a job with these spans, about."""
    if instances == 1:
        return 1.0
    return round(busy_share(spans["object"].to_pylist(), weights_of(spans).tolist(), instances), 3)


def one_job(plans: Sequence[LanePlan], spans: pa.Table) -> LanePlan:
    """Returns the plan of all these spans as one job, which sends as the one of these plans with the largest payload.

    Args:
        plans: of the spans, by `plan_lanes`.
        spans: which belong to one job already.
    """
    chosen = max(plans, key=lambda plan: plan.throughput.max_payload_mb or 0)
    return LanePlan(chosen.lane, spans, chosen.throughput)


def with_payload_that_fits(
    spans: pa.Table, max_payload_mb: Sizing, max_concurrent_transforms: Sizing, framing: Framing = JSON_LINES
) -> pa.Table:
    """Returns spans in which those name the payload that they need that a pinned one no longer holds.

    They were cut for another payload, which has changed since: the service would send none of them, and the last word
    on that would be a failure of the row. As in the oversize lane, all have that of the largest record among them: one
    for each size would be a job for each.
    """
    if max_payload_mb == "model" or (max_payload_mb == "auto" and not isinstance(max_concurrent_transforms, int)):
        return spans
    limit = most_payload_mb(max_payload_mb, max_concurrent_transforms)
    size = pc.add(spans["bytes"], len(framing.header)) if framing.whole else spans["largest"]
    needed = pc.cast(pc.ceil(pc.divide(pc.cast(size, pa.float64()), BYTES_PER_MB)), pa.int32())
    open_to_all = pc.and_(pc.equal(spans["lane"], STANDARD), pc.equal(spans["payload_mb"], 0))
    over = pc.and_(open_to_all, pc.greater(needed, limit))
    place = spans.schema.get_field_index("payload_mb")
    most = min(pc.max(needed.filter(over)).as_py() or 0, MAX_PAYLOAD_MB)
    chosen = pc.if_else(over, pa.scalar(most, pa.int32()), spans["payload_mb"])
    return spans.set_column(place, spans.schema.field(place), chosen)


def _largest_request(spans: pa.Table, framing: Framing) -> int:
    return framing.request_bytes(pc.max(spans["largest"]).as_py(), pc.max(spans["bytes"]).as_py())


def _with_payload(payload_mb: int, most_at_once: int | None) -> Throughput:
    """A payload that is given, beside no more requests at once than the lane would have had."""
    possible = MAX_PAYLOAD_TIMES_CONCURRENCY_MB // payload_mb
    return Throughput(payload_mb, min(possible, most_at_once) if most_at_once else None)
