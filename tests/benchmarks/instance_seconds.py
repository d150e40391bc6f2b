"""Prints what instances are paid for and how long a table takes: our jobs beside other ways, and beside what is needed.

    python tests/benchmarks/instance_seconds.py [--grid] [--seed 1]

A simulation of the service as the emulator has it (`transform_emulator.data_plane.timing`): an instance takes 180 s to
start; a request costs 20 ms and 11.5 s for each MB, beside as many others as MaxConcurrentTransforms says, so that an
instance works through up to 8.7 MB/s. What is planned is planned by the pipeline's own functions, from records whose
sizes are drawn; of tables over 1 GB the objects are drawn from those of 1 GB.

*elapsed* is by how much a run takes longer than start-up + work / j, *paid* by how much more instance-seconds are paid
than work + j start-ups, for j = min(instances, whole start-ups that the work is worth), at least 1. The work is that of
all requests with the payload and the concurrency that `auto` chooses, without a slot that waits. Each number is the
worst of five distributions of record sizes. The ways:

- *jobs*: `spread: jobs`
- *hash*, *range*, *one*: `spread: instances`, if the service shards keys by a hash, in ranges, or all to one instance
- *before*: ten objects an instance, one job with payload 6 and 16 requests at once, sharded by a hash

`--grid` prints, for tables of 1 and 10 GB, what `auto` pays and takes beside the best of a search over payloads,
concurrencies, sizes of objects and numbers of one-instance jobs, and beside the SDK's defaults (6 MB, one request at a
time, one job); also for servers that work on so many requests at once and no more. Of one that serves one at a time,
with a tenth of a second for each, nobody knows before a job has asked it. What pays there, few large requests, takes
twice as long and more where many are worked on at once; so `auto` is far from the best, and what a run file's
`max_concurrent_transforms: 1` gives is printed beside it. The figures by an emulator with emulated time, for tables of
up to 1 GB, are `emulated_seconds`'s.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[2] / "lib"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from batch_transform.core.framing import JSON_LINES
from batch_transform.core.run_settings import INSTANCES, RunSettings, Sizing, TransformSettings
from batch_transform.core.sending.job_planning import Throughput, plan_lanes, spread_out
from batch_transform.core.sending.object_cutting import Cutter, CuttingRules
from batch_transform.core.sending.object_sizes import cutting_rules
from batch_transform.core.sending.partitioning import PARTITION_BYTES
from batch_transform.core.sending.spreading import packed
from batch_transform.core.spans import EXPORT_SCHEMA, STANDARD, without_history
from transform_emulator.data_plane.inputs import InputObject
from transform_emulator.data_plane.shares import shards
from transform_emulator.data_plane.timing import file_ends
from transform_emulator.service.switches import Sharding

MB, GB = 10**6, 10**9
COUNTS, TABLES_GB = (1, 4, 16, 64), (0.1, 1, 10, 100)
SAMPLE_BYTES = GB


@dataclass(frozen=True)
class Service:
    """What an instance takes.

    Attributes:
        workers: how many requests are worked on at once, whatever their number; None: all of them.
    """

    start_seconds: float = 180.0
    request_seconds: float = 0.02
    mb_seconds: float = 11.5
    workers: int | None = None

    def seconds(self, requests: np.ndarray) -> np.ndarray:
        """Returns what each request takes, of so many bytes."""
        return self.request_seconds + requests * (self.mb_seconds / MB)

    def slots(self, limits: Throughput) -> int:
        """Returns how many requests are worked on at once on an instance."""
        at_once = limits.max_concurrent_transforms or 1
        return min(at_once, self.workers or at_once)

    def work(self, objects: Sequence[np.ndarray], limits: Throughput) -> float:
        """Returns how long one instance works on objects, each with its requests' bytes, if no slot ever waits."""
        return float(sum(self.seconds(each).sum() for each in objects) / self.slots(limits))

    def instance(self, objects: Sequence[np.ndarray], limits: Throughput) -> float:
        """Returns how long an instance is paid for with these objects."""
        in_order = sorted(objects, key=lambda of: -int(of.max()))  # as `job_planning.spread_out` has them
        costs = [self.seconds(each).tolist() for each in in_order]
        return self.start_seconds + max(file_ends(costs, self.slots(limits), side_by_side=True), default=0.0)


ONE_AT_A_TIME = Service(request_seconds=0.1, mb_seconds=0.23, workers=1)


def lognormal(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.lognormal(math.log(2_000), 1.2, count)


def pareto(rng: np.random.Generator, count: int) -> np.ndarray:
    return 600 * (1 + rng.pareto(1.6, count))


def bimodal(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.where(rng.random(count) < 0.0002, 3_900_000.0, 1_000.0)


# Bytes of a record on average, and how sizes are drawn.
DISTRIBUTIONS: dict[str, tuple[int, Callable[[np.random.Generator, int], np.ndarray]]] = {
    "equal, 2 kB": (2_000, lambda rng, count: np.full(count, 2_000)),
    "uniform, 0.2 to 8 kB": (4_100, lambda rng, count: rng.uniform(200, 8_000, count)),
    "lognormal": (4_100, lognormal),
    "heavy tail": (1_600, pareto),
    "1 kB and 3.9 MB": (1_780, bimodal),
}


@lru_cache(8)
def records(name: str, size_bytes: int, seed: int) -> np.ndarray:
    """Returns sizes of records of so many bytes together, about, each at most 5 MB."""
    mean, draw = DISTRIBUTIONS[name]
    sizes = draw(np.random.default_rng(seed), max(1, round(size_bytes / mean)))
    return np.clip(sizes, 20, 5 * MB).astype(np.int64)


def bodies(sizes: np.ndarray, payload_mb: int) -> np.ndarray:
    """Returns the bytes of the requests of an object with these records."""
    ends, found, sent = np.cumsum(sizes), [], 0
    while sent < ends[-1]:
        stop = int(ends[np.searchsorted(ends, sent + payload_mb * MB, side="right") - 1])
        found.append(stop - sent)
        sent = stop
    return np.array(found)


@lru_cache(256)
def requests_of(name: str, size_bytes: int, object_bytes: int, payload_mb: int, seed: int) -> tuple[np.ndarray, ...]:
    """Returns of each object of a table of up to 1 GB the bytes of its requests."""
    rules = CuttingRules(object_bytes, 6 * MB)
    return tuple(bodies(of, payload_mb) for of in cut(records(name, size_bytes, seed), rules))


@dataclass(frozen=True)
class Objects:
    """A table as objects: of each the bytes of its requests."""

    requests: list[np.ndarray]
    limits: Throughput

    def spans(self) -> pa.Table:
        """Returns them as planning sees them."""
        rows = [
            {
                "start": i,
                "stop": i + 1,
                "lane": STANDARD,
                "object": str(i),
                "bytes": int(of.sum()),
                "largest": int(of.max()),
            }
            for i, of in enumerate(self.requests)
        ]
        return without_history(pa.Table.from_pylist(rows, schema=EXPORT_SCHEMA))


def cut(sizes: np.ndarray, rules: CuttingRules) -> list[np.ndarray]:
    """Returns the sizes of the records of each object, of partitions of 64 MB."""
    found: list[list[np.ndarray]] = []
    edges = np.searchsorted(np.cumsum(sizes), np.arange(0, sizes.sum(), PARTITION_BYTES))
    for begin, end in zip(edges, [*edges[1:], len(sizes)], strict=True):
        of_part = sizes[begin:end]
        cutter = Cutter(rules)
        for piece in cutter.cut(np.arange(begin, end), of_part, np.ones(len(of_part), bool)):
            if not piece.continues:
                found.append([])
            found[-1].append(of_part[piece.begin : piece.end])
    return [np.concatenate(pieces) for pieces in found]


def objects_of(name: str, size_bytes: int, object_bytes: int, limits: Throughput, seed: int) -> Objects:
    """Returns a table of so many bytes as objects of at most `object_bytes`; over 1 GB they are drawn from 1 GB's."""
    made = [*requests_of(name, min(size_bytes, SAMPLE_BYTES), object_bytes, limits.max_payload_mb or 6, seed)]
    if size_bytes > SAMPLE_BYTES:
        count = round(len(made) * size_bytes / SAMPLE_BYTES)
        made = [made[place] for place in np.random.default_rng(seed).integers(0, len(made), count)]
    return Objects(made, limits)


@dataclass(frozen=True)
class Taken:
    """What a run takes: until its last job has ended, and of all instances."""

    elapsed: float
    paid: float

    def over(self, other: Taken) -> tuple[float, float]:
        """Returns by which part of the other one's it is more, elapsed and paid."""
        return self.elapsed / other.elapsed - 1, self.paid / other.paid - 1


def side_by_side(service: Service, objects: Objects, jobs: Sequence[Sequence[int]]) -> Taken:
    """Returns what jobs of one instance each take, which are given by their objects."""
    each = [service.instance([objects.requests[place] for place in places], objects.limits) for places in jobs]
    return Taken(max(each), sum(each))


def one_job(service: Service, objects: Objects, count: int, sharding: Sharding) -> Taken:
    """Returns what one job with so many instances takes."""
    inputs = [InputObject("bucket", f"s{i}-{of.sum()}", f"s{i}") for i, of in enumerate(objects.requests)]
    by_key = dict(zip([each.key for each in inputs], objects.requests, strict=True))
    shares = shards(inputs, count, sharding)
    longest = max(service.instance([by_key[each.key] for each in share], objects.limits) for share in shares)
    return Taken(longest, count * longest)


def auto_limits(name: str, seed: int, at_once: Sizing = "auto") -> Throughput:
    """Returns the payload that the pipeline chooses for these records, and the concurrency where that is `auto`."""
    largest = int(records(name, SAMPLE_BYTES, seed).max())
    (lane,) = plan_lanes(
        without_history(
            pa.Table.from_pylist(
                [{"start": 0, "stop": 1, "lane": STANDARD, "object": "o", "bytes": largest, "largest": largest}],
                schema=EXPORT_SCHEMA,
            )
        ),
        "auto",
        at_once,
    )
    return lane.throughput


def planned(name: str, size_bytes: int, service: Service, transform: TransformSettings, seed: int) -> Objects:
    """Returns a table as the objects that the pipeline cuts for these settings."""
    rules = cutting_rules(RunSettings(transform=transform), size_bytes, JSON_LINES)
    limits = auto_limits(name, seed, transform.max_concurrent_transforms)
    return objects_of(name, size_bytes, rules.object_bytes, limits, seed)


def settings_for(name: str, count: int, service: Service, seed: int, at_once: Sizing = "auto") -> TransformSettings:
    """Returns a run file's section with what an instance takes, as the report of an earlier run tells it."""
    limits = auto_limits(name, seed, at_once)
    sample = objects_of(name, SAMPLE_BYTES // 10, 5 * MB, limits, seed)
    rate = sum(of.sum() for of in sample.requests) / MB / service.work(sample.requests, limits)
    return TransformSettings(
        instance_count=count,
        instance_start_seconds=service.start_seconds,
        instance_mb_per_second=rate,
        max_concurrent_transforms=at_once,
    )


def jobs_of(objects: Objects, transform: TransformSettings) -> list[list[int]]:
    """Returns the objects of each job that the pipeline makes."""
    plans = spread_out(plan_lanes(objects.spans(), "auto", transform.max_concurrent_transforms), transform, in_flight=0)
    return [plan.spans["start"].to_pylist() for plan in plans]


def needed(service: Service, objects: Objects, count: int) -> Taken:
    """Returns start-up + work / j and work + j start-ups."""
    work = service.work(objects.requests, objects.limits)
    jobs = max(1, min(count, int(work / service.start_seconds)))
    return Taken(service.start_seconds + work / jobs, work + jobs * service.start_seconds)


def ways(name: str, size_bytes: int, count: int, service: Service, seed: int) -> dict[str, tuple[float, float]]:
    """Returns for each way by how much it takes longer and is paid more than what is needed."""
    transform = settings_for(name, count, service, seed)
    ours = planned(name, size_bytes, service, transform, seed)
    least = needed(service, ours, count)
    found = {"jobs": side_by_side(service, ours, jobs_of(ours, transform)).over(least)}
    many = planned(name, size_bytes, service, replace(transform, spread=INSTANCES), seed)
    for told, sharding in (
        ("hash", Sharding.HASH_OF_KEY),
        ("range", Sharding.CONTIGUOUS_RANGES),
        ("one", Sharding.ALL_TO_ONE),
    ):
        found[told] = one_job(service, many, count, sharding).over(least)
    before = min(max(-(-size_bytes // (10 * count)), 6 * MB), 64 * MB)
    old = objects_of(name, size_bytes, before, Throughput(6, 16), seed)
    found["before"] = one_job(service, old, count, Sharding.HASH_OF_KEY).over(least)
    return found


def worst(size_bytes: int, count: int, service: Service, seed: int) -> dict[str, tuple[float, float]]:
    """Returns for each way the worst of all distributions, elapsed and paid."""
    of_all = [ways(name, size_bytes, count, service, seed) for name in DISTRIBUTIONS]
    return {way: tuple(max(found[way][i] for found in of_all) for i in (0, 1)) for way in of_all[0]}  # type: ignore[misc]


def bill(service: Service, objects: Objects, taken: Taken) -> float:
    """Returns what a run costs: the geometric mean of its time and of what is paid, one bad row included.

    So neither is bought at the other's price: it is least for as many jobs as the work is start-ups. A bad row takes
    its object with it, which is sent once more.
    """
    again = service.work([max(objects.requests, key=lambda of: int(of.sum()))], objects.limits)
    return math.sqrt((taken.elapsed + again) * (taken.paid + again))


def least_bill(name: str, size_bytes: int, count: int, service: Service, seed: int) -> tuple[float, str]:
    """Returns the best of a grid of payloads, concurrencies, sizes of objects and numbers of jobs, and which it is."""
    found = []
    least = auto_limits(name, seed).max_payload_mb or 1
    for payload in (p for p in (1, 2, 3, 4, 5, 6, 8, 12, 25, 50, 100) if p >= least):
        for at_once in {100 // payload, max(1, 25 // payload), min(4, 100 // payload), 1}:
            limits = Throughput(payload, at_once)
            for object_mb in (1, 4, 16, 64):
                objects = objects_of(name, size_bytes, object_mb * MB, limits, seed)
                weights = [int(of.sum()) for of in objects.requests]
                worth = service.work(objects.requests, limits) / service.start_seconds
                for jobs in {max(1, min(count, round(worth * part))) for part in (0.5, 0.8, 1.0, 1.25, 2.0)}:
                    taken = side_by_side(service, objects, packed(weights, jobs))
                    chosen = f"{payload} MB, {at_once} at once, objects of {object_mb} MB, {jobs} jobs"
                    found.append((bill(service, objects, taken), chosen))
    return min(found)


def grid_line(
    name: str, size_bytes: int, count: int, service: Service, seed: int, at_once: Sizing = "auto"
) -> tuple[float, float, str]:
    """Returns by how much our bill and that of the SDK's defaults are over the best one's, and what that is."""
    best, told = least_bill(name, size_bytes, count, service, seed)
    transform = settings_for(name, count, service, seed, at_once)
    ours = planned(name, size_bytes, service, transform, seed)
    cost = bill(service, ours, side_by_side(service, ours, jobs_of(ours, transform)))
    default = objects_of(name, size_bytes, 16 * MB, Throughput(6, 1), seed)
    of_default = bill(service, default, one_job(service, default, count, Sharding.HASH_OF_KEY))
    return cost / best - 1, of_default / best - 1, told


def print_grid(count: int, seed: int) -> None:
    """Prints how far from the best bill the chosen one is, for several kinds of servers."""
    print("| server | GB | records | ours | SDK's defaults | the best |")
    print("|---" * 6 + "|")
    servers: dict[str, tuple[Service, Sizing]] = {
        "as many at once": (Service(), "auto"),
        "4 at once": (Service(mb_seconds=0.46, workers=4), "auto"),
        "1 at once, 100 ms": (ONE_AT_A_TIME, "auto"),
        "1 at once, 100 ms, max_concurrent_transforms: 1": (ONE_AT_A_TIME, 1),
    }
    for told, (service, at_once) in servers.items():
        for size in (1, 10):
            for name in DISTRIBUTIONS:
                ours, default, best = grid_line(name, size * GB, count, service, seed, at_once)
                print(f"| {told} | {size} | {name} | {ours:+.0%} | {default:+.0%} | {best} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grid", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if asked.grid:
        print_grid(16, asked.seed)
        return
    service = Service()
    names = ["jobs", "hash", "range", "one", "before"]
    print("| GB | instances | " + " | ".join(f"{name}: elapsed, paid" for name in names) + " |")
    print("|---" * (2 + len(names)) + "|")
    for size in TABLES_GB:
        for count in COUNTS:
            found = worst(round(size * GB), count, service, asked.seed)
            cells = [f"{found[name][0]:+.0%}, {found[name][1]:+.0%}" for name in names]
            print(f"| {size:g} | {count} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
