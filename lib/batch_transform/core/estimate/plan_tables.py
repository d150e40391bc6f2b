"""A plan's choices for a person: a table of those that differ in what they take or cost, else one sentence. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TypeVar

from batch_transform.core.amounts import between, counted, dollars, duration, size
from batch_transform.core.estimate.plan_keys import ConcurrencyStep, InstanceStep, LaneWork
from batch_transform.core.run_settings import INSTANCES
from batch_transform.core.sending.instances import SECONDS_PER_HOUR
from batch_transform.core.text_table import text_table

_Step = TypeVar("_Step")
_LEAST_SECONDS = 0.05


def lane_lines(lanes: Sequence[LaneWork]) -> Iterator[str]:
    """Yields in how many objects and requests the rows of each lane go."""
    if len(lanes) == 1:
        yield _of_lane(lanes[0])
        return
    yield from text_table(
        ["records", "rows", "largest", "objects", "requests", "MB a request", "requests at a time on an instance"],
        [
            [
                lane["lane"],
                f"{lane['rows']:,}",
                size(lane["largest"]),
                f"~{lane['objects']:,}",
                f"~{lane['requests']:,}",
                _or_model(lane["max_payload_mb"]),
                _or_model(lane["max_concurrent_transforms"]),
            ]
            for lane in lanes
        ],
        is_right=True,
    )


def _of_lane(lane: LaneWork) -> str:
    payload, at_once = lane["max_payload_mb"], lane["max_concurrent_transforms"]
    sized = "" if payload is None else f" of up to {payload} MB"
    limit = "as many at a time as the model says" if at_once is None else f"at most {at_once} at a time on an instance"
    objects, requests = counted(lane["objects"], "object"), counted(lane["requests"], "request")
    return f"{counted(lane['rows'], 'row')} in about {objects}, about {requests}{sized}, {limit}"


def instance_lines(steps: Sequence[InstanceStep], price: float | None, spread: str) -> Iterator[str]:
    """Yields what a number of instances takes and costs.

    Args:
        steps: of the plan.
        price: of an hour of one, in US dollars; None: it is not known.
        spread: of the plan.
    """

    def told(step: InstanceStep) -> list[str]:
        waits = step["paid_seconds"] - step["busy_seconds"]
        found = [duration(step["elapsed_seconds"]), duration(step["paid_seconds"])]
        found += [duration(waits) if waits >= _LEAST_SECONDS else "-"]
        return [*found, "-" if price is None else dollars(price * step["paid_seconds"] / SECONDS_PER_HOUR)]

    found = _grouped(steps, told, lambda step: step["instance_count"], lambda step: step["configured"])
    if len(found) == 1:
        yield _of_instances(*found[0][1:], spread)
        return
    rows = [
        [label, _range(group, "jobs"), _range(group, "objects", "~"), _range(group, "requests_at_once"), *values]
        for label, group, values in found
    ]
    heads = ["instances (* as set)", "jobs", "objects", "requests at a time"]
    yield from _table([*heads, "takes", "paid time", "of it waiting", "cost on AWS"], rows)


def _of_instances(group: Sequence[InstanceStep], values: Sequence[str], spread: str) -> str:
    takes, paid, waits, cost = values
    waiting = "" if waits == "-" else f", {waits} of it waiting"
    amount = "" if cost == "-" else f", about {cost} at prices of AWS"
    asked = next(step["instance_count"] for step in group if step["configured"])
    more = "more would only wait" if spread == INSTANCES else "another number of them changes none of it"
    return f"{counted(asked, 'instance')} asked for: {takes} of jobs, {paid} paid{waiting}{amount}; {more}"


def concurrency_lines(steps: Sequence[ConcurrencyStep]) -> Iterator[str]:
    """Yields what a number of requests at a time on an instance changes; nothing where it changes nothing."""

    def told(step: ConcurrencyStep) -> list[str]:
        fits = "-" if step["largest_record_fits"] else "no"
        return [_or_model(step["requests_at_once"]), _or_model(step["requests_in_turn"]), fits]

    found = _grouped(steps, told, lambda step: step["max_concurrent_transforms"], lambda step: step["planned"])
    if len(found) > 1:
        rows = [[label, _range(group, "max_payload_mb"), *values] for label, group, values in found]
        yield from _table(
            [
                "requests at a time on an instance (* as planned)",
                "MB a request",
                "at a time in all",
                "one after another each",
                "largest record fits",
            ],
            rows,
        )


def _grouped(
    steps: Sequence[_Step],
    told: Callable[[_Step], list[str]],
    of: Callable[[_Step], int],
    is_it: Callable[[_Step], bool],
) -> list[tuple[str, list[_Step], list[str]]]:
    """Neighbours of which the same is told, as one; with a star where what is asked for is among them."""
    groups = [(values, list(group)) for values, group in groupby(steps, told)]
    return [
        (between(f"{of(group[0]):,}", f"{of(group[-1]):,}") + ("*" if any(map(is_it, group)) else ""), group, values)
        for values, group in groups
    ]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table without the columns that have nothing to say."""
    kept = [place for place in range(len(heads)) if any(row[place] != "-" for row in rows)]
    return text_table([heads[place] for place in kept], [[row[place] for place in kept] for row in rows], is_right=True)


def _range(group: Sequence[InstanceStep] | Sequence[ConcurrencyStep], key: str, about: str = "") -> str:
    first, last = (_or_model(step[key]) for step in (group[0], group[-1]))  # type: ignore[literal-required]
    return about + between(first, last)


def _or_model(value: int | None) -> str:
    return "model" if value is None else f"{value:,}"
