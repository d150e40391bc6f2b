"""The time of day, handed in so that a test can choose it."""

from collections.abc import Callable
from datetime import datetime, timezone

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The current time, with its zone."""
    return datetime.now(timezone.utc)
