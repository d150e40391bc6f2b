"""The lease over real S3 servers: drivers that want it at once, one that was frozen, and messages that are lost."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from batch_transform.core.errors import LedgerFenced, RunHeld
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.uris import S3Uri
from batch_transform.s3.lease import RunLease
from batch_transform.s3.store import S3Store
from support.cut_http import cut
from support.faults import Fate, Faults
from support.s3_clients import DRIVERS, client_of

TTL_SECONDS = 60.0
LOST = (Fate.LOSE_REQUEST, Fate.LOSE_RESPONSE, Fate.RESEND)


class Driver:
    """A driver whose time passes only while it sleeps; `before_waking` is called while it does so first."""

    def __init__(self, client, uri, name, before_waking=lambda: None):
        self.now = 1000.0
        self._before_waking = before_waking
        self.lease = RunLease(S3Store(client), RunLayout(uri, "run"), name, TTL_SECONDS, lambda: self.now, self._sleep)

    def _sleep(self, seconds):
        self._before_waking()
        self._before_waking = lambda: None
        self.now += TTL_SECONDS


def at_once(clients, uri):
    """Returns the epochs at which drivers that look at the same time hold the lease, None for those that are refused.

    All of them have looked at it before time passes for any.
    """
    barrier = Barrier(DRIVERS, timeout=60)

    def acquire(number):
        driver = Driver(clients[number], uri, f"driver {number}", barrier.wait)
        barrier.wait()
        try:
            return driver.lease.acquire()
        except RunHeld:
            return None

    with ThreadPoolExecutor(DRIVERS) as pool:
        return list(pool.map(acquire, range(DRIVERS)))


def test_an_abandoned_lease_has_one_successor(clients, bucket):
    for number in range(5):
        uri = S3Uri(bucket, f"run{number}")
        Driver(clients[0], uri, "dead").lease.acquire()
        assert sorted(at_once(clients, uri), key=str) == [2, None, None, None]


def test_who_was_frozen_finds_the_lease_taken(clients, bucket):
    uri = S3Uri(bucket, "run")
    frozen, other = (Driver(client, uri, name) for client, name in zip(clients, ["frozen", "other"], strict=False))
    frozen.lease.acquire()
    assert other.lease.acquire() == 2
    frozen.now += 10 * TTL_SECONDS
    with pytest.raises(LedgerFenced, match="taken by other"):
        frozen.lease.require()
    other.lease.renew()


@pytest.mark.parametrize("seed", range(5))
def test_no_lost_message_loses_the_lease(server, bucket, seed):
    chance = random.Random(seed)
    faults = Faults({number: chance.choice(LOST) for number in range(20) if chance.random() < 0.4})
    client = client_of(server, bucket)
    driver = Driver(cut(server.client(retries={"total_max_attempts": 1}), faults), S3Uri(bucket, "run"), "one")
    faults.fates.pop(0, None)  # an answer to the first put is no matter of renewing
    driver.lease.acquire()
    for _ in range(6):
        driver.lease.renew()
    assert Driver(client, S3Uri(bucket, "run"), "two").lease.look().counter >= 6
    driver.lease.release()
    assert Driver(client, S3Uri(bucket, "run"), "two").lease.acquire() == 2
