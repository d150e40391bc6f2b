"""Keeps a lease renewed while the driver's own thread waits for Spark or for a job."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from batch_transform.core.errors import BatchTransformError
from batch_transform.core.lease import RENEWALS_PER_TTL
from batch_transform.s3.lease import RunLease


@contextmanager
def renewed(lease: RunLease) -> Iterator[None]:
    """Renews the lease in the background within the block.

    A renewal that fails is tried again at the next turn; that the lease is lost is told to the driver by
    `RunLease.require`, which it asks before it changes anything.
    """
    ended = threading.Event()

    def keep() -> None:
        while not ended.wait(lease.ttl_seconds / RENEWALS_PER_TTL):
            with suppress(BatchTransformError):
                lease.renew()

    thread = threading.Thread(target=keep, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        # Not joined: it may be waiting for an answer of S3, and it is the process's end that matters.
