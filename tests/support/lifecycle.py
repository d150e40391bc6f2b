"""What S3 does by a lifecycle rule (S3 user guide, Lifecycle configuration elements), computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from batch_transform.core.publishing.forgetting import LifecycleRule


def expired(rule: LifecycleRule, ages: Mapping[str, int]) -> Iterator[str]:
    """Yields the objects that a rule removes.

    Args:
        rule: of one prefix.
        ages: of each object by its key, in days.
    """
    assert rule["Status"] == "Enabled"
    yield from (
        key
        for key, age in ages.items()
        if key.startswith(rule["Filter"]["Prefix"]) and age >= rule["Expiration"]["Days"]
    )


def expired_versions(rule: LifecycleRule, old: Iterable[tuple[str, str, int]]) -> Iterator[tuple[str, str]]:
    """Yields the versions, key and id, that a rule removes.

    Args:
        rule: of one prefix.
        old: of each version its key, its id, and for how many days it has not been the latest one.
    """
    days = rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
    yield from ((key, name) for key, name, age in old if key.startswith(rule["Filter"]["Prefix"]) and age >= days)
