"""The lease: one driver at a time, a dead one's is taken over, and a frozen one is told when it wakes."""

from __future__ import annotations

import threading
from time import monotonic

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batch_transform.core.errors import LedgerFenced, RunHeld, ServiceFailure
from batch_transform.core.lease import Lease, decode_lease
from batch_transform.core.object_store import StoreFailure
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.lifecycle.acquiring_run import renewed
from batch_transform.s3.lease import RunLease, is_stop_requested, request_stop
from support.faults import Fate, Faults
from support.memory_store import MemoryStore, World

RUN = RunLayout(S3Uri("bucket", "work"), "run")
TTL = 60.0


class Time:
    """A clock that only sleeping moves; `meanwhile` is called at each sleep."""

    def __init__(self):
        self.now = 1000.0
        self.meanwhile = lambda: None

    def sleep(self, seconds):
        self.now += seconds
        self.meanwhile()


def lease(world, time, writer="a", faults=None, ttl=TTL):
    return RunLease(MemoryStore(world, faults), RUN, writer, ttl, lambda: time.now, time.sleep)


def held(world):
    return decode_lease(world.tree()[RUN.lease.key])


def test_the_first_driver_has_it_at_once():
    world, time = World(), Time()
    assert lease(world, time).acquire() == 1
    assert (held(world), time.now) == (Lease("a", 1, 0, TTL), 1000.0)


def test_its_epoch_is_above_the_ledgers():
    """Somebody has deleted `lease.json`."""
    assert lease(World(), Time()).acquire(floor=7) == 8


def test_a_driver_that_renews_keeps_another_one_out():
    world, time = World(), Time()
    first = lease(world, time)
    first.acquire()
    time.meanwhile = first.require
    with pytest.raises(RunHeld, match=r"another driver \(a\) is at work on this run: it renews s3://bucket/work/run"):
        lease(world, time, "b").acquire()
    assert time.now - 1000 <= TTL
    assert held(world).writer == "a"


def test_a_dead_drivers_lease_is_taken_after_a_whole_ttl_of_ones_own_clock():
    world, time = World(), Time()
    lease(world, time, ttl=45).acquire()
    assert lease(world, time, "b").acquire() == 2
    assert 45 <= time.now - 1000 <= 45 * 1.2
    assert held(world) == Lease("b", 2, 0, TTL)


def test_a_lease_that_was_given_back_is_taken_at_once():
    world, time = World(), Time()
    first = lease(world, time)
    first.acquire()
    first.release()
    assert lease(world, time, "b").acquire() == 2
    assert time.now == 1000.0


def test_who_waits_patiently_gets_it_when_it_is_given_back():
    world, time = World(), Time()
    first = lease(world, time)
    first.acquire()
    time.meanwhile = lambda: first.release() if time.now > 1200 else first.epoch and first.require()
    assert lease(world, time, "b").acquire(patience_seconds=500) == 2
    assert time.now < 1300


def test_it_is_renewed_when_half_of_it_has_passed_and_not_before():
    world, time = World(), Time()
    first = lease(world, time)
    first.acquire()
    time.sleep(TTL / 2 - 1)
    first.require()
    assert held(world).counter == 0
    time.sleep(1)
    first.require()
    assert held(world).counter == 1


def test_a_frozen_driver_learns_that_it_has_lost_it():
    world, time = World(), Time()
    frozen = lease(world, time)
    frozen.acquire()
    lease(world, time, "b").acquire()
    for ask in (frozen.require, frozen.renew, frozen.require):
        with pytest.raises(LedgerFenced, match="this driver's lease was taken by b"):
            ask()
    frozen.release()
    assert held(world).writer == "b"


def test_what_is_not_held_permits_nothing():
    with pytest.raises(LedgerFenced, match="not held"):
        lease(World(), Time()).require()


@given(st.dictionaries(st.integers(0, 30), st.sampled_from([Fate.LOSE_REQUEST, Fate.LOSE_RESPONSE, Fate.RESEND])))
@example(dict.fromkeys([0, 1, 2, 3, 9, 11, 13, 15], Fate.LOSE_REQUEST))  # the first ends while the other one waits
def test_lost_messages_never_give_it_to_two_nor_take_it_from_the_one(fates):
    world, time = World(), Time()
    faults = Faults(fates)
    first = lease(world, time, faults=faults)
    try:
        first.acquire()
        for _ in range(8):
            time.sleep(TTL / 3)
            first.require()
    except LedgerFenced:
        pytest.fail("nobody else was there")
    except ServiceFailure:
        return  # it would not be renewed: the driver ends, and changes nothing
    assert held(world).writer == "a"
    assert first.epoch == 1
    time.meanwhile = first.renew
    with pytest.raises((RunHeld, ServiceFailure)):  # the other one waits in vain, or the first ends as above
        lease(world, time, "b").acquire()
    assert held(world).writer == "a"


@pytest.mark.parametrize("begun", [False, True])
def test_a_store_that_refuses_every_put_ends_the_wait(begun):
    """A role that may read and not write: the driver says so instead of asking for ever."""
    world, time = World(), Time()
    if begun:
        first = lease(world, time)
        first.acquire()
        first.release()
    with pytest.raises(ServiceFailure, match=r"the lease of the run cannot be taken: .*no answer"):
        lease(world, time, "b", Faults(dict.fromkeys(range(100), Fate.LOSE_REQUEST))).acquire()


def test_a_store_that_does_not_tell_asks_nobody_to_stop():
    class Silent(MemoryStore):
        def get(self, uri, if_match=None):
            raise StoreFailure("GetObject", str(uri), "503", "SlowDown")

    assert not is_stop_requested(Silent(), RUN, 1)


@pytest.mark.parametrize("round_number", range(20))
def test_of_two_drivers_that_begin_at_once_one_has_it(round_number):
    world, epochs, refused = World(), [], []
    barrier = threading.Barrier(2)

    def begin(writer):
        time = Time()
        own = lease(world, time, writer)
        # The world is one dictionary: each of its calls is atomic, as S3's are.
        barrier.wait()
        try:
            epochs.append(own.acquire())
        except RunHeld as err:
            refused.append(err)
            return

    store_lock = threading.Lock()
    original = Faults.mutate

    def locked(self, *arguments):
        with store_lock:
            return original(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Faults, "mutate", locked)
        threads = [threading.Thread(target=begin, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    # Without a renewal the second one takes over after a ttl of its own (sleeping) clock, with an epoch of its own.
    assert sorted(epochs) == [1, 2][: len(epochs)]
    assert len(epochs) + len(refused) == 2


def test_a_thread_renews_it_while_the_driver_waits():
    world = World()
    own = RunLease(MemoryStore(world), RUN, "a", 0.06, monotonic, lambda seconds: None)
    own.acquire()
    with renewed(own):
        deadline = monotonic() + 10
        while held(world).counter < 3:
            assert monotonic() < deadline


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        pytest.param(b"[" * 100_000, id="brackets"),
        b'{"writer": "b", "epoch": "1", "counter": 0, "ttl_seconds": 60}',
        b'{"writer": "b", "epoch": 1, "counter": 0, "ttl_seconds": 1e99}',
        b'{"writer": "b", "epoch": 1, "counter": 0, "ttl_seconds": NaN}',
    ],
)
def test_what_is_no_lease_is_waited_for_like_one_and_taken(body):
    world, time = World(), Time()
    MemoryStore(world).put(RUN.lease, body)
    own = lease(world, time)
    assert own.acquire(floor=4) == 5
    assert time.now >= own.ttl_seconds
    assert held(world).epoch == 5


def test_whose_lease_was_replaced_by_what_is_none_has_lost_it():
    world, time = World(), Time()
    own = lease(world, time)
    own.acquire()
    MemoryStore(world).put(RUN.lease, b"{}")
    with pytest.raises(LedgerFenced):
        own.renew()


def test_a_request_to_stop_is_for_one_driver():
    store = MemoryStore()
    assert not is_stop_requested(store, RUN, 1)
    request_stop(store, RUN, 1, "now")
    assert [is_stop_requested(store, RUN, epoch) for epoch in (1, 2)] == [True, False]
    for other in (b"[]", b"[" * 100_000):
        store.put(RUN.stop_request, other)
        assert not is_stop_requested(store, RUN, 1)


def test_whoever_holds_it_is_named_as_a_person_knows_them():
    world, time = World(), Time()
    args = MemoryStore(world), RUN, "a", TTL, lambda: time.now, time.sleep
    first = RunLease(*args, "ann on laptop, process 7")
    first.acquire()
    time.meanwhile = first.renew
    with pytest.raises(RunHeld, match=r"another driver \(ann on laptop, process 7\) is at work on this run"):
        lease(world, time, "b").acquire()


def test_a_lease_of_a_later_version_may_say_more():
    """And one of an earlier version says nothing of who holds it."""
    body = Lease("a", 1, 0, TTL).encode()
    assert decode_lease(body.replace(b"{", b'{"pod": 7, ', 1)) == Lease("a", 1, 0, TTL)
    assert decode_lease(b'{"writer": "a", "epoch": 1, "counter": 0, "ttl_seconds": 60.0}').who == "a"
