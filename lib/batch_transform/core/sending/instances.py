"""The instances of jobs: on which type one is asked for, how it is helped by more, and what an hour of it costs. Pure.

Of the types that a run has, the first that has capacity is asked for.

"CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type." is
what the service says of a job that it could not begin (transform_emulator/FACTS.md, 4); a type whose quota is used up
it refuses at once (ResourceLimitExceeded; the same, 6). What lacked capacity, or has no quota, is not asked for again
as long as another is left, before the run has ended and is gone on with by somebody: an hour later it may be had.

AWS has no price in its SageMaker API, and its price list is a service of its own, which a data team's role may seldom
ask. So a run file says what is paid (`transform.price_per_hour`), or else a small list does, of one region.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import pyarrow as pa

from batch_transform.core.isolation.error_classes import ErrorClass, of_missing_output
from batch_transform.core.limits import MAX_INVOCATIONS_RETRIES
from batch_transform.core.run_settings import TransformSettings
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.sending.job_planning import Throughput


def type_of(job: JobRecord) -> str:
    """Returns the instance type that a job was asked for with."""
    return str(job.request.get("TransformResources", {}).get("InstanceType"))


def instances_of(job: JobRecord) -> int:
    """Returns how many instances a job was asked for with."""
    return int(job.request.get("TransformResources", {}).get("InstanceCount", 1))


def lacked_capacity(job: JobRecord) -> bool:
    """Returns whether a job ended because its instance type was not to be had."""
    if job.status is None:
        return False
    return of_missing_output(job.status, job.failure_reason).error_class is ErrorClass.CAPACITY


def chosen_type(state: RunState) -> str:
    """Returns the type for the next job: the first of which no job lacked capacity, else the last that has a quota."""
    types = state.settings.transform.instance_types
    return _likeliest(state, types) or types[-1]


def type_after(state: RunState, used: str) -> str | None:
    """Returns the type to try when `used` is refused; None where it is the last, or is not of the list."""
    types = state.settings.transform.instance_types
    if used not in types:
        return None
    without = _without_capacity(state) | state.beyond
    return next((name for name in types[types.index(used) + 1 :] if name not in without), None)


def type_instead(state: RunState, used: str, *, is_beyond: bool) -> str | None:
    """Returns the type to ask for when the quota of `used` is used up: one after it; None: there is none.

    Where that quota is less than is asked for (`is_beyond`), it is no use to wait for it, but for one before it that
    other jobs have used up, or that lacked capacity.
    """
    others = [name for name in state.settings.transform.instance_types if name != used]
    return type_after(state, used) or (_likeliest(state, others) if is_beyond else None)


def has_lost_its_type(state: RunState, job: JobRecord) -> bool:
    """Returns whether a job is planned on a type that another job found without capacity, and there is a later one."""
    used = type_of(job)
    return type_after(state, used) is not None and used in _without_capacity(state)


def lacks_in_a_row(state: RunState) -> int:
    """Returns how many jobs lacked capacity since somebody last began the run or went on with it; 0: the latest had."""
    if not any(map(lacked_capacity, state.just_settled)):
        return 0
    return sum(map(lacked_capacity, _counted(state)))


def _counted(state: RunState) -> list[JobRecord]:
    return [job for job in state.jobs if job.plan > state.forgiven_until]


def _likeliest(state: RunState, types: Sequence[str]) -> str | None:
    """The first of these types that lacks nothing, else the last that has a quota: for capacity a run waits."""
    without, having = _without_capacity(state), [name for name in types if name not in state.beyond]
    return next((name for name in having if name not in without), having[-1] if having else None)


def _without_capacity(state: RunState) -> set[str]:
    return {type_of(job) for job in _counted(state) if lacked_capacity(job)}


# Of the requests that would be sent at a time, one in so many, and no more than so many: a model that fails under a
# hundred may fail under a quarter of them as well.
_EASE, _MOST_EASED = 4, 4


def lanes_under_load(open_spans: pa.Table) -> frozenset[str]:
    """Returns the lanes of open spans (open_spans.OPEN_SCHEMA) that failed in a way that load explains as well."""
    return frozenset(lane for lane, error in _failures(open_spans) if error.may_be_load)


def lanes_timed_out(open_spans: pa.Table) -> frozenset[str]:
    """Returns the lanes of open spans that hold one for which a request took as long as it may."""
    return frozenset(lane for lane, error in _failures(open_spans) if error is ErrorClass.TIMED_OUT)


def _failures(open_spans: pa.Table) -> set[tuple[str, ErrorClass]]:
    pairs = set(zip(open_spans["lane"].to_pylist(), open_spans["error_class"].to_pylist(), strict=True))
    return {(lane, ErrorClass(error)) for lane, error in pairs if error is not None}


def helped(
    limits: Throughput, transform: TransformSettings, *, is_helped: bool, is_retried: bool
) -> tuple[Throughput, TransformSettings]:
    """Returns payload and concurrency, and the section `transform`, with which a job is asked for.

    The service's own retries or none, and fewer requests at a time, unless the user has said how many.

    Args:
        limits: as planned.
        transform: as configured.
        is_helped: whether something of the job may have failed by load.
        is_retried: whether the service is to try its requests again; what hangs would hang as long each time.
    """
    if not is_helped:
        return limits, transform
    at_once = limits.max_concurrent_transforms
    if transform.max_concurrent_transforms == "auto" and at_once:
        limits = replace(limits, max_concurrent_transforms=max(1, min(at_once // _EASE, _MOST_EASED)))
    if transform.invocations_max_retries is None:
        # Of a request that says nothing of them there are as many as may be (transform_emulator/FACTS.md, 1).
        transform = replace(transform, invocations_max_retries=MAX_INVOCATIONS_RETRIES if is_retried else 0)
    return limits, transform


SECONDS_PER_HOUR = 3600.0
# US dollars for an hour of Batch Transform, on demand: "Amazon SageMaker AI pricing", aws.amazon.com/sagemaker/pricing.
# As public repositories quote that page (JHUAPL-DTC-TA2/wiki, goerlitz/nlp-classification, among others on GitHub):
# only types of which two were found to agree.
LIST_REGION, LIST_DATE = "us-east-1", "2026-11-27"
LIST_PRICES: Mapping[str, float] = {
    "ml.m5.large": 0.115,
    "ml.m5.xlarge": 0.23,
    "ml.m5.2xlarge": 0.461,
    "ml.m5.4xlarge": 0.922,
    "ml.m5.12xlarge": 2.765,
    "ml.m5.24xlarge": 5.53,
    "ml.c5.xlarge": 0.204,
    "ml.c5.2xlarge": 0.408,
    "ml.c5.4xlarge": 0.816,
    "ml.c5.9xlarge": 1.836,
    "ml.c5.18xlarge": 3.672,
    "ml.g4dn.2xlarge": 0.94,
    "ml.g4dn.4xlarge": 1.505,
    "ml.g4dn.8xlarge": 2.72,
    "ml.g4dn.12xlarge": 4.89,
    "ml.g4dn.16xlarge": 5.44,
    "ml.g5.2xlarge": 1.515,
    "ml.g5.12xlarge": 7.09,
    "ml.g5.24xlarge": 10.18,
    "ml.g5.48xlarge": 20.36,
    "ml.p3.2xlarge": 3.825,
    "ml.p3.8xlarge": 14.688,
    "ml.p3.16xlarge": 28.152,
}


def price_of(instance_type: str, transform: TransformSettings, region: str | None) -> float | None:
    """Returns what an hour of an instance costs, in US dollars; None: neither the run file nor the list says.

    Args:
        instance_type: as SageMaker names it.
        transform: as configured.
        region: where jobs run; None: in an emulator, whose instances are told as what they would cost.
    """
    given = _given_price(instance_type, transform)
    if given is not None:
        return given
    return LIST_PRICES.get(instance_type) if region in (None, LIST_REGION) else None


def _given_price(instance_type: str, transform: TransformSettings) -> float | None:
    """What the run file says."""
    given = transform.price_per_hour
    return given.get(instance_type) if isinstance(given, Mapping) else given


def no_price(types: Iterable[str], region: str | None) -> str:
    """Returns what is told where no price is known of these types."""
    named = ", ".join(types)
    where = "" if region in (None, LIST_REGION) else f" in {region}"
    return f"price unknown: set transform.price_per_hour to what an hour of {named}{where} costs, in US dollars"


def paid_seconds(job: JobRecord) -> float | None:
    """Returns for how long the instances of an ended job are paid, all together; None as long as it has not ended.

    From TransformStartTime to TransformEndTime; a job that never started costs nothing, nor does one of an emulator
    whose clock was put back meanwhile.
    """
    if job.status is None:
        return None
    times = [datetime.fromisoformat(time) for time in (job.started_at, job.ended_at) if time]
    seconds = max(0.0, (times[1] - times[0]).total_seconds()) if len(times) == 2 else 0.0
    return round(seconds * instances_of(job), 3)


def cost_of(job: JobRecord, transform: TransformSettings) -> float | None:
    """Returns what an ended job has cost, in US dollars; None: it has not ended, or its price is not known.

    The price is the run file's, or what was known when the job was planned.
    """
    seconds = paid_seconds(job)
    if not seconds:
        return seconds
    told = _given_price(type_of(job), transform)
    price = job.price_per_hour if told is None else told
    return None if price is None else price * seconds / SECONDS_PER_HOUR


def spent(state: RunState) -> float | None:
    """Returns what the ended jobs of a run have cost, in US dollars; None: the price of one is not known."""
    costs = [cost_of(job, state.settings.transform) for job in state.jobs if job.status is not None]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def overspent(state: RunState) -> float | None:
    """Returns what a run has cost where that has reached what it may: then no further job is created; None: go on."""
    budget = state.settings.budget_usd
    cost = None if budget is None else spent(state)  # it looks at every job, and a run is asked at every step
    return cost if budget is not None and cost is not None and cost >= budget else None
