"""What the headers of a service's answer say, as of the time that it was there. Pure.

A time that a service has written is compared with the service's own, never with this machine's: requests are accepted
from a clock that is up to 15 minutes off (RequestTimeTooSkewed), and a lease is over in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any


def header(response: Mapping[str, Any], name: str) -> str | None:  # whatever a service answered
    """Returns a header of an answer, as botocore gives it: by its name in small letters; None: it has none."""
    value: str | None = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get(name)
    return value


def answered_at(response: Mapping[str, Any]) -> datetime | None:  # whatever a service answered
    """Returns when an answer was given, by its header Date, in whole seconds; None: it has no such time."""
    with suppress(ValueError, TypeError):
        told = parsedate_to_datetime(header(response, "date") or "")
        return told if told.tzinfo else told.replace(tzinfo=timezone.utc)
    return None
