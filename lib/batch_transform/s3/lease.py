"""The lease on S3: `lease.json` of a run, taken with `If-None-Match`, renewed and taken over with `If-Match`.

Time is the reader's own: a lease whose ETag another driver has seen unchanged for a whole ttl of its own clock is
abandoned, whatever the clock of its holder says. That clock must go on while a machine sleeps.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from batch_transform.core.errors import LedgerFenced, RunHeld, ServiceFailure
from batch_transform.core.foreign_json import parsed
from batch_transform.core.lease import Lease, decode_lease, foreign_lease
from batch_transform.core.object_store import ObjectNotFound, ObjectStore, StoreFailure
from batch_transform.core.run_layout import RunLayout

RENEW_ATTEMPTS = 4
MOST_TRIES = 8
_LOOKS_PER_TTL = 10


class RunLease:
    """A run's lease, as one driver sees it. Threads may share it."""

    def __init__(
        self,
        store: ObjectStore,
        layout: RunLayout,
        writer: str,
        ttl_seconds: float,
        boot_clock: Callable[[], float],
        sleep: Callable[[float], None],
        holder: str = "",
    ) -> None:
        """Prepares a lease that is not held yet.

        Args:
            store: S3.
            layout: of the run.
            writer: this process.
            ttl_seconds: how long another driver must wait.
            boot_clock: seconds that also pass while the machine sleeps.
            sleep: waits so many seconds.
            holder: this process, as a person knows it.
        """
        self._store, self._uri, self._writer, self._ttl = store, layout.lease, writer, ttl_seconds
        self._run = layout.run
        self._clock, self._sleep, self._holder = boot_clock, sleep, holder
        self._held: Lease | None = None
        self._etag = ""
        self._renewed_at = 0.0
        self._lost = ""
        self._refusal: StoreFailure | None = None
        self._lock = threading.RLock()

    @property
    def ttl_seconds(self) -> float:
        """How long another driver must wait."""
        return self._ttl

    @property
    def epoch(self) -> int:
        """The epoch that it is held for; 0: it is not held."""
        return self._held.epoch if self._held else 0

    def look(self) -> Lease | None:
        """Returns the lease as it is, whoever holds it; None: nobody ever did.

        Raises:
            ServiceFailure: S3 does not tell.
        """
        found = self._read()
        return found[0] if found else None

    def acquire(
        self,
        floor: int = 0,
        patience_seconds: float = 0.0,
        meets: Callable[[Lease], None] = lambda _lease: None,
    ) -> int:
        """Returns the epoch once the lease is held; a driver that died holds it for its ttl.

        Args:
            floor: the epoch of the ledger's last step; the lease's own will be above it.
            patience_seconds: how long to wait for a driver that is at work.
            meets: is called for each driver that has not given it back, as each takes it.

        Raises:
            RunHeld: another driver is at work: it renews its lease.
            ServiceFailure: S3 does not tell.
        """
        first = Lease(self._writer, floor + 1, 0, self._ttl, holder=self._holder)
        seen, since, began, tries, met = "", 0.0, self._clock(), 0, -1
        while True:
            found = self._read()
            if found is None:
                if self._put(lambda: self._store.put_new(self._uri, first.encode()), first):
                    return self.epoch
                tries = self._again(tries)
                continue
            lease, etag = found
            now = self._clock()
            if lease.writer == self._writer and not lease.released:
                return self._hold(lease, etag, now)
            if lease.released or (etag == seen and now - since >= lease.ttl_seconds):
                taken = lease.taken(first)
                if self._put(lambda: self._store.put_if_match(self._uri, taken.encode(), etag), taken):  # noqa: B023
                    return self.epoch
                tries = self._again(tries)
                continue
            if lease.epoch != met:
                met = lease.epoch
                meets(lease)
            if seen and etag != seen and now - began >= patience_seconds:
                raise RunHeld(self._uri, lease.who, self._run)
            if etag != seen:
                seen, since = etag, now
            self._sleep(lease.ttl_seconds / _LOOKS_PER_TTL)

    def _read(self) -> tuple[Lease, str] | None:
        try:
            body, etag = self._store.get(self._uri)
        except ObjectNotFound:
            return None
        except StoreFailure as err:
            raise ServiceFailure(f"the lease of the run cannot be read: {err}") from err
        return self._decoded(body), etag

    def _decoded(self, body: bytes) -> Lease:
        # What somebody else put there must not keep a run from ever being taken: it is waited for as a lease is.
        try:
            return decode_lease(body)
        except ValueError:
            return foreign_lease(self._ttl)

    def _put(self, put: Callable[[], str], lease: Lease) -> bool:
        """Whether a put of the lease is known to have taken it; if not, the next look tells whose it is."""
        now = self._clock()
        try:
            self._hold(lease, put(), now)
        except StoreFailure as err:
            self._refusal = err
            return False
        return True

    def _again(self, tries: int) -> int:
        """Waits before another try: somebody else may have been first, or the answer was lost.

        Raises:
            ServiceFailure: it was one too many: S3 refuses the put, whoever asks.
        """
        if tries == MOST_TRIES:
            raise ServiceFailure(f"the lease of the run cannot be taken: {self._refusal}") from self._refusal
        self._sleep(self._ttl / _LOOKS_PER_TTL)
        return tries + 1

    def _hold(self, lease: Lease, etag: str, at: float) -> int:
        with self._lock:
            self._held, self._etag, self._renewed_at = lease, etag, at
        return lease.epoch

    def require(self) -> None:
        """Renews the lease if its last renewal is not younger than half its ttl; called before every mutation.

        Raises:
            LedgerFenced: another driver has taken it.
            ServiceFailure: it could not be renewed.
        """
        with self._lock:
            self._refuse_lost()
            if self._clock() - self._renewed_at < self._ttl / 2:
                return
        self.renew()

    def renew(self) -> None:
        """Renews the lease now; called before what no ledger step can fence.

        Between two tries the lock is free, so that no other thread waits for S3 longer than one call takes: the one
        that gives the lease back after a signal, above all.

        Raises:
            LedgerFenced, ServiceFailure: as `require`.
        """
        for attempt in range(RENEW_ATTEMPTS):
            try:
                with self._lock:
                    self._refuse_lost()
                    self._renew_once()
                return
            except StoreFailure as err:
                failure = err
            if attempt < RENEW_ATTEMPTS - 1:
                self._sleep(self._ttl / _LOOKS_PER_TTL)
        raise ServiceFailure(f"the lease of the run could not be renewed: {failure}") from failure

    def _refuse_lost(self) -> None:
        if self._lost or self._held is None:
            raise LedgerFenced(self._lost or f"{self._uri}: the lease is not held")

    def _renew_once(self) -> None:
        assert self._held is not None
        lease, now = self._held.renewed(), self._clock()
        try:
            self._hold(lease, self._store.put_if_match(self._uri, lease.encode(), self._etag), now)
            return
        except StoreFailure as err:
            failure = err
        # The put may have arrived, and boto3 may have sent it twice: what is there tells.
        try:
            body, etag = self._store.get(self._uri)
        except ObjectNotFound:
            body, etag = b"", ""
        found = self._decoded(body) if body else None
        if found is None or (found.writer, found.epoch) != (self._writer, self._held.epoch):
            holder = found.who if found else "nobody"
            self._lost = f"{self._uri}: this driver's lease was taken by {holder}; it may not change anything any more"
            raise LedgerFenced(self._lost)
        self._hold(found, etag, now)
        if found.counter != lease.counter:
            raise failure

    def release(self) -> None:
        """Lets another driver take the lease at once; a release that fails only makes it wait."""
        with self._lock:
            if self._held is None or self._lost:
                return
            lease = replace(self._held.renewed(), released=True)
            with suppress(StoreFailure):
                self._store.put_if_match(self._uri, lease.encode(), self._etag)
            self._lost = f"{self._uri}: the lease was given back"


def request_stop(store: ObjectStore, layout: RunLayout, epoch: int, at: str) -> None:
    """Asks the driver that holds the run's lease at `epoch` to stop; one that takes over later is not meant."""
    store.put(layout.stop_request, json.dumps({"epoch": epoch, "at": at}, sort_keys=True).encode())


def is_stop_requested(store: ObjectStore, layout: RunLayout, epoch: int) -> bool:
    """Returns whether the driver of `epoch` is asked to stop; a store that does not tell is asked again later."""
    try:
        return bool(parsed(store.get(layout.stop_request)[0])["epoch"] == epoch)
    except StoreFailure:
        return False
    except (ValueError, TypeError, KeyError):
        return False  # what somebody else put there asks nobody
