"""What takes time, and what runs side by side, read from when and where the model was asked."""

from __future__ import annotations

from itertools import pairwise

from batch_transform.core.smoke import experiments as smoke
from batch_transform.core.smoke.findings import Findings, NotTold, Seen, Told, other, yes

# Below it a start is one at once: a process takes as long, on a busy machine.
_AT_ONCE_SECONDS = 2.5
# What a server and a network take by themselves, in milliseconds for a request, and in nanoseconds for a byte.
_NO_MILLISECONDS, _NO_NANOSECONDS = 40, 100
_MOST_IN_SEQUENCE = 2  # connections of a client that waits for each answer; one may be that of a ping


def instance_start(found: Findings) -> Told:
    """By the time from TransformStartTime, or from CreationTime before it, to the container's process."""
    before, after = _start(found)
    seconds = next((seconds for seconds in (after, before) if seconds > _AT_ONCE_SECONDS), 0.0)
    return Told(str(round(seconds)), (_shown(before, after),))


def start_is_billed(found: Findings) -> Told:
    """By whether the start-up comes after TransformStartTime."""
    before, after = _start(found)
    if max(before, after) <= _AT_ONCE_SECONDS:
        raise NotTold(f"there is no start-up to be seen: {_shown(before, after)}")
    return yes(after > _AT_ONCE_SECONDS, _shown(before, after))


def _start(found: Findings) -> tuple[float, float]:
    """Seconds from CreationTime to TransformStartTime, and from there to the container's process."""
    job = found.job(smoke.RECORDS)
    if job.created is None or job.started is None:
        raise NotTold(f"{job.name}: DescribeTransformJob has no TransformStartTime: {job.ending}")
    return job.started - job.created, job.told("blank")[0].loaded - job.started


def _shown(before: float, after: float) -> str:
    return (
        f"CreationTime to TransformStartTime took {before:.1f} s, from there to the container's process {after:.1f} s"
    )


def per_request(found: Findings) -> Told:
    """By the shortest time from an answer to the next request, of small ones one after the other."""
    small, _ = _gaps(found)
    least = 1_000 * min(small)
    told = round(least) if least > _NO_MILLISECONDS else 0
    return Told(str(told), (f"from an answer to the next small request {_milliseconds(small)} ms", _taken_for_none()))


def per_byte(found: Findings) -> Told:
    """By how much longer that takes after a large request."""
    small, large = _gaps(found)
    nanoseconds = 1e9 * (min(large) - min(small)) / smoke.LARGE_BYTES
    told = round(nanoseconds) if nanoseconds > _NO_NANOSECONDS else 0
    shown = f"after a request of {smoke.LARGE_BYTES:,} bytes {_milliseconds(large)} ms, after a small one"
    return Told(str(told), (f"{shown} {_milliseconds(small)} ms", _taken_for_none()))


def _taken_for_none() -> str:
    return f"up to {_NO_MILLISECONDS} ms for a request and {_NO_NANOSECONDS} ns for a byte are taken for none"


def _gaps(found: Findings) -> tuple[list[float], list[float]]:
    """Seconds from an answer to the next small request: behind small requests, and behind large ones."""
    seen = found.job(smoke.RECORDS).told("timed")
    pairs = [(a, b.began - a.ended) for a, b in pairwise(seen) if b.bytes < smoke.LARGE_BYTES]
    large = [gap for a, gap in pairs if a.bytes == smoke.LARGE_BYTES]
    small = [gap for a, gap in pairs if a.bytes < smoke.LARGE_BYTES]
    if not (small and large):
        raise NotTold(f"{smoke.RECORDS}: its requests were not a record each: {[each.bytes for each in seen]} bytes")
    return small, large


def _milliseconds(gaps: list[float]) -> str:
    return ", ".join(f"{1_000 * gap:.1f}" for gap in sorted(gaps))


def sharding(found: Findings) -> Told:
    """By which of two containers each of 16 objects reached, in the order of their keys."""
    job = found.job(smoke.SHARDS)
    where = [job.told(name)[0].instance for name in smoke.SHARDED]
    letters = {name: chr(ord("A") + number) for number, name in enumerate(dict.fromkeys(where))}
    shown = "".join(letters[name] for name in where)
    evidence = f"2 instances, 16 objects: in the order of their keys they reached the instances {shown}"
    changes = sum(a != b for a, b in pairwise(where))
    if len(letters) > 2 or changes == len(where) - 1:  # in turn
        return other(evidence)
    return Told({0: "all_to_one", 1: "contiguous_ranges"}.get(changes, "hash_of_key"), (evidence,))


def files_in_parallel(found: Findings) -> Told:
    """By requests for several objects that were answered at the same time, or waited for it over other connections."""
    job = found.job(smoke.ANSWERS)
    seen = sorted((job.told(name)[0] for name in smoke.TOGETHER), key=lambda each: each.began)
    overlap = any(b.began < a.ended for a, b in pairwise(seen))
    connections = max(each.connections for each in seen)
    evidence = (
        f"MaxConcurrentTransforms {len(seen)}: requests for {len(seen)} objects were answered "
        f"{'at the same time' if overlap else 'one after the other'}, with up to {connections} clients connected",
        f"seconds: {_spans(seen)}",
    )
    return yes(overlap or connections > _MOST_IN_SEQUENCE, *evidence)


def _spans(seen: list[Seen]) -> list[str]:
    return [f"{each.began - seen[0].began:.2f} to {each.ended - seen[0].began:.2f}" for each in seen]
