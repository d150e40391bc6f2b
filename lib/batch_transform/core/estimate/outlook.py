"""What a run is expected to take and to cost, as a range, and where money would be paid for nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypedDict

from batch_transform.core.amounts import counted, verb
from batch_transform.core.estimate.earlier_jobs import MEASURED, SpeedTold
from batch_transform.core.estimate.instance_time import instance_time
from batch_transform.core.run_settings import INSTANCES, TransformSettings
from batch_transform.core.sending.instances import SECONDS_PER_HOUR

# From here on a measured speed would spread jobs otherwise than the run file's.
_FAR = 2.0

Range = list[float]  # the least and the most


class Outlook(TypedDict):
    """What jobs are expected to take, each as the least and the most.

    Attributes:
        speed: how the speed of an instance is known: guessed, given or measured.
        speed_from: that in words.
        elapsed_seconds: from the first job's creation to the last one's end.
        instance_hours: that are paid.
        price_per_hour: of an instance, in US dollars; null: it is not known.
        cost_usd: null: the price is not known.
        advice: where money would be paid for nothing.
    """

    speed: str
    speed_from: str
    instance_start_seconds: float
    instance_mb_per_second: float
    elapsed_seconds: Range
    instance_hours: Range
    price_per_hour: float | None
    cost_usd: Range | None
    advice: list[str]


def outlook(
    lanes: Sequence[tuple[int, int]], transform: TransformSettings, told: SpeedTold, price: float | None
) -> Outlook:
    """Returns what the first round is expected to take.

    Args:
        lanes: the bytes and the objects of each.
        transform: as configured.
        told: how fast an instance is.
        price: of an hour of one, in US dollars.
    """
    least, most = (instance_time(lanes, transform, speed) for speed in told.ends)
    hours = least["paid_seconds"] / SECONDS_PER_HOUR, most["paid_seconds"] / SECONDS_PER_HOUR
    return {
        "speed": told.how,
        "speed_from": told.source,
        "instance_start_seconds": told.speed.start_seconds,
        "instance_mb_per_second": told.speed.mb_per_second,
        "elapsed_seconds": [least["elapsed_seconds"], most["elapsed_seconds"]],
        "instance_hours": [_short(each) for each in hours],
        "price_per_hour": price,
        "cost_usd": None if price is None else [_short(price * each) for each in hours],
        "advice": [*_advice(lanes, transform), *_by_what_was_measured(transform, told)],
    }


def _short(value: float) -> float:
    """A number to four digits, so that one that is not zero stays so."""
    return float(f"{value:.4g}")


def _by_what_was_measured(transform: TransformSettings, told: SpeedTold) -> Iterator[str]:
    """Jobs are spread by the run file's speeds, whatever is measured: a run is to be the same each time."""
    measured, asked = told.speed, transform.instance_mb_per_second
    if told.how == MEASURED and not asked / _FAR < measured.mb_per_second < asked * _FAR:
        yield (
            f"the number of jobs is reckoned with {asked:g} MB/s and a start of {transform.instance_start_seconds:g} "
            "s, as the run file says or by default; measured was "
            f"transform.instance_mb_per_second={measured.mb_per_second:g}, "
            f"transform.instance_start_seconds={measured.start_seconds:g}"
        )


def _advice(lanes: Sequence[tuple[int, int]], transform: TransformSettings) -> Iterator[str]:
    asked, objects = transform.instance_count, sum(count for _, count in lanes)
    if not objects or asked == 1:
        return
    if transform.spread == INSTANCES:
        idle = asked - max(count for _, count in lanes)
        if idle > 0:
            of_them = f"{idle} of them {verb(idle, 'is', 'are')}"
            yield f"{counted(objects, 'object')} on {counted(asked, 'instance')}: {of_them} paid for nothing"
        return
    if transform.most_jobs < asked:
        of_them = counted(asked, "instance")
        yield f"transform.max_parallel_jobs is {transform.most_jobs}: no more of the {of_them} work side by side"
    jobs = instance_time(lanes, transform)["jobs"]
    if jobs < transform.most_jobs:
        yield (
            f"transform.instance_count is {asked}, but the work is worth {counted(jobs, 'start-up')}: so many "
            "instances are begun, and none is paid for nothing"
        )
