"""The lease: which driver is at work on a run, as one small object that it keeps renewing.

It only avoids waste. What forbids two drivers to go on side by side is the ledger, whose numbers can be written once.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace

from batch_transform.core.foreign_json import parsed

# A driver renews three times within it, and changes nothing once half of it has passed without a renewal.
DEFAULT_TTL_SECONDS = 60.0
RENEWALS_PER_TTL = 3
MOST_TTL = 3600.0


@dataclass(frozen=True)
class Lease:
    """What `lease.json` holds.

    Attributes:
        writer: the process that holds it, random for each.
        epoch: how often the run has changed hands; a step of an older epoch is refused.
        counter: of renewals, so that each has an ETag of its own.
        ttl_seconds: how long others must see one ETag before they may take it.
        released: whether its holder has ended, so that it may be taken at once.
        holder: who that is, for a person: user, host, process. "" of an earlier version.
    """

    writer: str
    epoch: int
    counter: int
    ttl_seconds: float
    released: bool = False
    holder: str = ""

    @property
    def who(self) -> str:
        """Who holds it, as a person knows them."""
        return self.holder or self.writer

    def renewed(self) -> Lease:
        """Returns the lease as its holder puts it next."""
        return replace(self, counter=self.counter + 1)

    def taken(self, first: Lease) -> Lease:
        """Returns the lease as another driver takes it, whose `first` it would be; its epoch is above both."""
        return replace(first, epoch=max(self.epoch + 1, first.epoch))

    def encode(self) -> bytes:
        """Returns its one form in bytes."""
        return json.dumps(asdict(self), sort_keys=True).encode()


_NAMES = tuple(field.name for field in fields(Lease))


def decode_lease(body: bytes) -> Lease:
    """Returns the lease that `encode` made these bytes from.

    Raises:
        ValueError: they are none.
    """
    try:
        told = parsed(body)
        # A later version may say more.
        lease = Lease(**{name: told[name] for name in _NAMES if name in told})
        if not (isinstance(lease.epoch, int) and isinstance(lease.counter, int) and 0 < lease.ttl_seconds <= MOST_TTL):
            raise ValueError("no epoch, no counter or no time")
        return lease
    except (ValueError, TypeError) as err:
        raise ValueError(f"no lease: {err}") from err


def foreign_lease(ttl_seconds: float) -> Lease:
    """Returns what a `lease.json` that is no lease stands for: a holder of whom nothing is known, and who may live."""
    return Lease("somebody unknown", 0, 0, ttl_seconds)
