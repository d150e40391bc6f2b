"""The ledger over real S3 servers: two drivers at once, and messages that are lost on the way."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pyarrow as pa
import pytest

from batch_transform.core.errors import LedgerFenced
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.uris import S3Uri
from batch_transform.s3.ledger import Ledger
from batch_transform.s3.store import S3Store
from support.cut_http import cut
from support.faults import Fate, Faults
from support.s3_clients import DRIVERS, client_of

LOST = (Fate.LOSE_REQUEST, Fate.LOSE_RESPONSE, Fate.RESEND)


def ledger(client, bucket, writer, run="run"):
    return Ledger(S3Store(client), RunLayout(S3Uri(bucket, ""), run), writer, 1, sleep=lambda seconds: None)


def test_the_probe_and_parts_on_a_real_server(client, bucket):
    run = ledger(client, bucket, "a")
    run.probe()
    part = run.write_part(pa.table({"x": [1]}))
    assert run.read_part(part).to_pydict() == {"x": [1]}


def test_a_put_whose_response_is_lost_and_that_boto3_sends_again(client, bucket):
    """boto3 is told 412 for its own object."""
    faults = Faults({0: Fate.LOSE_RESPONSE})
    run = ledger(cut(client, faults), bucket, "a")
    steps = (run.append("one", {}), run.append("two", {}))
    assert len(faults.log) == 3
    assert ledger(client, bucket, "b").load() == steps


@pytest.mark.parametrize("seed", range(10))
def test_no_lost_message_loses_or_doubles_a_step(server, bucket, seed):
    """Every second message has a fate, and none of them may matter: an append asks until it knows."""
    chance = random.Random(seed)
    faults = Faults({number: chance.choice(LOST) for number in range(12) if chance.random() < 0.5})
    client = client_of(server, bucket)
    run = ledger(cut(server.client(retries={"total_max_attempts": 1}), faults), bucket, "a")
    appended = tuple(run.append("step", {"n": number}) for number in range(4))
    assert ledger(client, bucket, "b").load() == appended


@pytest.fixture
def race(clients, bucket):
    """A function that has drivers, each with a client of its own, do something at once, and a ledger to look with."""

    def start(act):
        barrier = Barrier(DRIVERS, timeout=60)

        def one(number):
            return act(lambda: ledger(clients[number], bucket, f"driver {number}"), barrier)

        with ThreadPoolExecutor(DRIVERS) as pool:
            return list(pool.map(one, range(DRIVERS)))

    return start, ledger(clients[0], bucket, "reader")


def append_until_fenced(driver, count):
    """Returns the steps that the driver was told are there, at most `count`."""
    steps = []
    with suppress(LedgerFenced):
        while len(steps) < count:
            steps.append(driver.append("step", {"n": len(steps)}))
    return steps


def test_of_drivers_that_append_at_once_one_goes_on(race):
    start, reader = race

    def act(driver, barrier):
        run = driver()
        run.load()
        barrier.wait()
        return append_until_fenced(run, 5)

    told = start(act)
    assert sorted(map(len, told)) == [0, 0, 0, 5]
    assert max(told, key=len) == list(reader.load())


def test_steps_of_drivers_that_begin_anew_when_fenced_are_one_chain(race):
    """Forty numbers are fought for; `load` refuses a gap, a swap and a doubled number."""
    start, reader = race

    def act(driver, barrier):
        barrier.wait()
        mine, beginnings = [], 0
        while len(mine) < 10:
            mine += append_until_fenced(driver(), 10 - len(mine))
            beginnings += 1
        return mine, beginnings

    told = start(act)
    found = reader.load()
    assert len(found) == 40
    assert [[step for step in found if step.writer == mine[0].writer] for mine, _ in told] == [mine for mine, _ in told]
    assert sum(beginnings for _, beginnings in told) > DRIVERS
