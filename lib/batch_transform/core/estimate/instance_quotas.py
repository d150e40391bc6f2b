"""How many instances an account may have in transform jobs at once, beside what a run asks for. Pure.

The quotas are `<type> for transform job usage` (so CreateTransformJob names it where it refuses: FACTS.md, 6) and
`Number of instances across all transform jobs`, each of an account and a region.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from batch_transform.core.amounts import counted, verb
from batch_transform.core.run_settings import JOBS, TransformSettings
from batch_transform.core.sending.spreading import most_instances

OF_ALL_TYPES = "Number of instances across all transform jobs"


def of_type(instance_type: str) -> str:
    """Returns the name of an instance type's quota."""
    return f"{instance_type} for transform job usage"


@dataclass(frozen=True)
class QuotasFound:
    """What was found.

    Attributes:
        values: by name.
        why_not: why others are not known.
    """

    values: dict[str, float] = field(default_factory=dict)
    why_not: str = ""


class Quota(TypedDict):
    """A quota; its value is null where it is not known."""

    name: str
    value: float | None


def quotas_told(found: QuotasFound, types: Sequence[str]) -> list[Quota]:
    """Returns the quotas of a run that may be on these instance types."""
    return [{"name": name, "value": found.values.get(name)} for name in (*map(of_type, types), OF_ALL_TYPES)]


def quota_lines(found: QuotasFound, transform: TransformSettings, jobs: int) -> Iterator[str]:
    """Yields what the quotas are, and what follows where they are less than a run asks for.

    Args:
        found: what was found.
        transform: as configured.
        jobs: of the first round.
    """
    told = quotas_told(found, transform.instance_types)
    known = [f"{each['name']}: {each['value']:g}" for each in told if each["value"] is not None]
    if known:
        yield f"quotas: {'; '.join(known)}, for all jobs of the account together"
    if len(known) < len(told):
        yield f"quota not known: {found.why_not or 'Service Quotas lists no value that is applied to this account'}"
    most = most_instances(transform)
    asked = max(1, min(jobs, most)) if transform.spread == JOBS else most
    for name in (of_type(transform.instance_types[0]), OF_ALL_TYPES):
        value = found.values.get(name)
        if value is not None and value < asked:
            so_many = f"{counted(asked, 'instance')} at once {verb(asked, 'is', 'are')} asked for"
            yield f"{name} is {value:g}, and {so_many}: {_then(name, value, transform)}"


def _then(name: str, value: float, transform: TransformSettings) -> str:
    """What a run does with such a quota, and what a person may do."""
    fewer = f", or set transform.instance_count={value:g}" if value >= 1 else ""
    if value >= 1 and transform.spread == JOBS:
        what = "a job waits until another has ended"
    elif name != OF_ALL_TYPES and len(transform.instance_types) > 1:
        what = "the next of transform.instance_type is taken"
    else:
        what = "a job of so many is refused" if value >= 1 else "no job is begun"
    return f"{what}; have it raised in Service Quotas{fewer}"
