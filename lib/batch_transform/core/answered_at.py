"""What time it was for a service when it answered. Pure.

A time that a service has written is compared with the service's own, never with this machine's: requests are accepted
from a clock that is up to 15 minutes off (RequestTimeTooSkewed), and a lease is over in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any


def answered_at(response: Mapping[str, Any]) -> datetime | None:  # whatever a service answered
    """Returns the header Date of an answer, as botocore gives it, in whole seconds; None: it has no such time."""
    date = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    with suppress(ValueError, TypeError):
        told = parsedate_to_datetime(date)
        return told if told.tzinfo else told.replace(tzinfo=timezone.utc)
    return None
