"""On which instance type a job is asked for, and how a job is helped whose spans may have failed by load. Pure.

Of the types that a run has, the first that has capacity is asked for.

"CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type." is
what the service says of a job that it could not begin (transform_emulator/FACTS.md, 4); a type whose quota is used up
it refuses at once (ResourceLimitExceeded; the same, 6). What lacked capacity is not asked for again before the run has
ended and is gone on with by somebody: an hour later it may be had.
"""

from __future__ import annotations

from dataclasses import replace

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
    """Returns the type for the next job: the first of which no job lacked capacity, else the last of the list."""
    types, without = state.settings.transform.instance_types, _without_capacity(state)
    return next((name for name in types if name not in without), types[-1])


def type_after(state: RunState, used: str) -> str | None:
    """Returns the type to try when `used` is refused; None where it is the last, or is not of the list."""
    types = state.settings.transform.instance_types
    if used not in types:
        return None
    without = _without_capacity(state)
    return next((name for name in types[types.index(used) + 1 :] if name not in without), None)


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
    return [job for job in state.jobs if job.plan > state.types_since]


def _without_capacity(state: RunState) -> set[str]:
    return {type_of(job) for job in _counted(state) if lacked_capacity(job)}


# Of the requests that would be sent at a time, one in so many, and no more than so many: a model that fails under a
# hundred may fail under a quarter of them as well.
_EASE, _MOST_EASED = 4, 4


def lanes_under_load(open_spans: pa.Table) -> frozenset[str]:
    """Returns the lanes of open spans (open_spans.OPEN_SCHEMA) that failed in a way that load explains as well."""
    pairs = set(zip(open_spans["lane"].to_pylist(), open_spans["error_class"].to_pylist(), strict=True))
    return frozenset(lane for lane, error in pairs if error is not None and ErrorClass(error).may_be_load)


def helped(
    limits: Throughput, transform: TransformSettings, *, is_helped: bool
) -> tuple[Throughput, TransformSettings]:
    """Returns payload and concurrency, and the section `transform`, with which a job is asked for.

    The service's own retries, and fewer requests at a time, unless the user has said how many.

    Args:
        limits: as planned.
        transform: as configured.
        is_helped: whether something of the job may have failed by load.
    """
    if not is_helped:
        return limits, transform
    at_once = limits.max_concurrent_transforms
    if transform.max_concurrent_transforms == "auto" and at_once:
        limits = replace(limits, max_concurrent_transforms=max(1, min(at_once // _EASE, _MOST_EASED)))
    if transform.invocations_max_retries is None:
        transform = replace(transform, invocations_max_retries=MAX_INVOCATIONS_RETRIES)
    return limits, transform
