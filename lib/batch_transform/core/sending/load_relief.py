"""What a job is helped with whose spans may have failed by load, before any row is judged. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from batch_transform.core.isolation.failures import ErrorClass
from batch_transform.core.limits import MAX_INVOCATIONS_RETRIES
from batch_transform.core.sending.planning import Throughput

# Of the requests that would be sent at a time, one in so many: 16 of a small record become 4.
_EASE = 4


def lanes_under_load(open_spans: pa.Table) -> frozenset[str]:
    """Returns the lanes of open spans (open_spans.OPEN_SCHEMA) that failed in a way that load explains as well."""
    pairs = set(zip(open_spans["lane"].to_pylist(), open_spans["error_class"].to_pylist(), strict=True))
    return frozenset(lane for lane, error in pairs if error is not None and ErrorClass(error).may_be_load)


def helped(limits: Throughput, transform: Mapping[str, Any], *, is_helped: bool) -> tuple[Throughput, dict[str, Any]]:
    """Returns payload and concurrency, and the section `transform`, with which a job is asked for.

    The service's own retries, and fewer requests at a time, unless the user has said how many.

    Args:
        limits: as planned.
        transform: as configured.
        is_helped: whether something of the job may have failed by load.
    """
    changed = dict(transform)
    if not is_helped:
        return limits, changed
    if changed["invocations_max_retries"] is None:
        changed["invocations_max_retries"] = MAX_INVOCATIONS_RETRIES
    at_once = limits.max_concurrent_transforms
    if changed["max_concurrent_transforms"] == "auto" and at_once:
        limits = replace(limits, max_concurrent_transforms=max(1, at_once // _EASE))
    return limits, changed
