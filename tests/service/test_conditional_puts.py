"""Of puts on one condition that arrive at once exactly one is done, and its writer is the one who is told so."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pytest

from batch_transform.core.object_store import PreconditionFailed
from batch_transform.core.uris import S3Uri
from batch_transform.s3.store import S3Store
from support.s3_clients import DRIVERS

ROUNDS = 20


def at_once(act):
    """Returns what `act` returned for each driver that was not refused: driver -> answer."""
    barrier, answers = Barrier(DRIVERS, timeout=60), {}

    def one(driver):
        barrier.wait()
        with suppress(PreconditionFailed):
            answers[driver] = act(driver)

    with ThreadPoolExecutor(DRIVERS) as pool:
        list(pool.map(one, range(DRIVERS)))
    return answers


@pytest.fixture
def stores(clients):
    return [S3Store(client) for client in clients]


def test_a_new_object_has_one_writer(stores, bucket):
    """The fence of the ledger."""
    for number in range(ROUNDS):
        uri = S3Uri(bucket, f"new/{number}")
        told = at_once(lambda driver, uri=uri: stores[driver].put_new(uri, b"writer %d" % driver))
        assert list(told.items()) == [(int(stores[0].get(uri)[0][-1:]), stores[0].head(uri).etag)]


def test_a_version_has_one_successor(stores, bucket):
    """The lease changes hands so."""
    uri = S3Uri(bucket, "lease")
    etag = stores[0].put(uri, b"")
    for number in range(ROUNDS):
        body = b"round %d, writer %%d" % number
        told = at_once(lambda driver, body=body, etag=etag: stores[driver].put_if_match(uri, body % driver, etag))
        found, etag = stores[0].get(uri)
        assert list(told.items()) == [(int(found[-1:]), etag)]
