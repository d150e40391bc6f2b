"""The ledger over a store that loses requests and responses, shared by drivers that do not know of each other."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.errors import ConfigurationError, LedgerCorrupt, LedgerFenced, ServiceFailure
from batch_transform.core.object_store import StoreFailure
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.uris import S3Uri
from batch_transform.s3.ledger import APPEND_ATTEMPTS, Ledger
from support.faults import Crash, Fate, Faults
from support.memory_store import MemoryStore, World

LAYOUT = RunLayout(S3Uri("bucket", "work"), "run")
LOST = [Fate.LOSE_REQUEST, Fate.LOSE_RESPONSE, Fate.RESEND]


def no_sleep(seconds):
    raise AssertionError("nothing to wait for")


def ledger(world=None, faults=None, writer="a", epoch=1, sleep=no_sleep, **options):
    store = MemoryStore(world if world is not None else World(), faults, **options)
    return Ledger(store, LAYOUT, writer, epoch, sleep)


def attempt(run, number):
    """Returns the step appended, or None if the ledger would not say so."""
    try:
        return run.append("step", {"n": number})
    except (ServiceFailure, LedgerFenced):
        return None


def steps_in(world):
    return [key for key in sorted(world.tree()) if "/ledger/" in key]


def test_what_was_appended_is_loaded():
    world, table = World(), pa.table({"x": [1, 2]})
    first = ledger(world)
    part = first.write_part(table)
    steps = (first.append("opened", {"nonce": "n"}), first.append("staged", {"rows": 2}, [part]))
    again = ledger(world, writer="b")
    assert again.load() == steps
    assert again.read_part(steps[1].parts[0]).equals(table)


def test_steps_lie_under_twelve_digits():
    world = World()
    run = ledger(world)
    run.append("opened", {})
    run.append("closed", {})
    assert steps_in(world) == ["work/runs/run/ledger/000000000000.json", "work/runs/run/ledger/000000000001.json"]


def test_a_run_that_never_began_is_empty():
    assert ledger().load() == ()


def test_a_sibling_run_is_another_ledger():
    world = World()
    Ledger(MemoryStore(world), RunLayout(S3Uri("bucket", "work"), "run2"), "a", 1, no_sleep).append("opened", {})
    assert ledger(world).load() == ()


@pytest.mark.parametrize("fate", LOST)
def test_an_unclear_answer_is_settled_by_reading_back(fate):
    world, waits = World(), []
    run = ledger(world, Faults({0: fate}), sleep=waits.append)
    steps = (run.append("one", {}), run.append("two", {}))
    assert ledger(world).load() == steps
    assert len(waits) == (fate is Fate.LOSE_REQUEST)


@given(st.dictionaries(st.integers(0, 8), st.sampled_from(LOST)))
def test_no_loss_of_messages_loses_or_doubles_a_step(fates):
    """A failed append may or may not have arrived; what was acknowledged is there, and nothing else."""
    world = World()
    run = ledger(world, Faults(fates), sleep=lambda seconds: None)
    appended = tuple(itertools.takewhile(bool, (attempt(run, number) for number in range(4))))
    found = ledger(world).load()
    assert found[: len(appended)] == appended
    assert len(found) - len(appended) in ({0} if len(appended) == 4 else {0, 1})


def test_an_append_gives_up_in_the_end():
    waits = []
    run = ledger(World(), Faults(dict.fromkeys(range(50), Fate.LOSE_REQUEST)), sleep=waits.append)
    with pytest.raises(ServiceFailure, match=r"step 0 \(opened\) is not known"):
        run.append("opened", {})
    assert waits == [0.5, 1, 2, 4, 8]


def test_nothing_follows_an_append_that_did_not_end():
    """The step may still arrive; another one under its number would be a second history."""
    run = ledger(World(), Faults(dict.fromkeys(range(APPEND_ATTEMPTS), Fate.LOSE_REQUEST)), sleep=lambda seconds: None)
    with pytest.raises(ServiceFailure):
        run.append("one", {})
    with pytest.raises(LedgerFenced, match="did not end"):
        run.append("two", {})


def test_a_read_that_fails_is_no_answer_either():
    class Unreadable(MemoryStore):
        failures = 2

        def get(self, uri, if_match=None):
            if self.failures:
                self.failures -= 1
                raise StoreFailure("GetObject", str(uri), "SlowDown", "later")
            return super().get(uri, if_match)

    world, waits = World(), []
    run = Ledger(Unreadable(world, Faults({0: Fate.LOSE_RESPONSE})), LAYOUT, "a", 1, waits.append)
    step = run.append("one", {})
    assert ledger(world).load() == (step,)
    assert len(waits) == 2


def test_the_slower_of_two_drivers_is_fenced():
    world = World()
    old, new = ledger(world), ledger(world, writer="b", epoch=2)
    old.append("opened", {})
    new.load()
    new.append("taken", {})
    with pytest.raises(LedgerFenced, match=r"another driver, b, has taken over .* step 1 of its ledger \(taken\)"):
        old.append("job", {})
    with pytest.raises(LedgerFenced):
        old.append("job", {})
    assert [step.kind for step in ledger(world).load()] == ["opened", "taken"]


def test_the_same_step_by_two_drivers_is_written_by_one():
    """Equal kind and payload are no proof: the writer is in the bytes."""
    world = World()
    one, two = ledger(world, writer="a"), ledger(world, writer="b")
    one.load()
    two.load()
    one.append("opened", {})
    with pytest.raises(LedgerFenced):
        two.append("opened", {})


def test_a_writer_of_an_earlier_epoch_appends_nothing():
    world = World()
    ledger(world, epoch=3).append("opened", {})
    with pytest.raises(LedgerFenced, match="taken over"):
        ledger(world, writer="b", epoch=2).append("job", {})
    assert len(steps_in(world)) == 1


@given(st.lists(st.sampled_from("ab"), max_size=12), st.dictionaries(st.integers(0, 12), st.sampled_from(LOST)))
def test_two_drivers_in_any_order_leave_one_history(turns, fates):
    """Each believes in itself until its first failure; the ledger stays whole, and holds what was acknowledged."""
    world, faults = World(), Faults(fates)
    runs = {name: ledger(world, faults, writer=name, sleep=lambda seconds: None) for name in "ab"}
    for run in runs.values():
        run.load()
    acknowledged = [step for number, name in enumerate(turns) if (step := attempt(runs[name], number))]
    found = ledger(world).load()
    assert [step for step in found if step in acknowledged] == acknowledged
    assert len({step.payload["n"] for step in found}) == len(found)


def append_with_part(run, number):
    run.append("step", {"n": number}, [run.write_part(pa.table({"x": [number]}))])


@pytest.mark.parametrize("fate", [Fate.DIE_BEFORE, Fate.DIE_AFTER])
@pytest.mark.parametrize("point", range(4))
def test_a_ledger_killed_anywhere_is_whole(point, fate):
    world = World()
    run = ledger(world, Faults({point: fate}))
    with pytest.raises(Crash):
        [append_with_part(run, number) for number in range(2)]
    steps = ledger(world).load()
    assert len(steps) == (point + (fate is Fate.DIE_AFTER)) // 2
    assert [ledger(world).read_part(step.parts[0])["x"][0].as_py() for step in steps] == [0, 1][: len(steps)]


def test_a_store_with_conditional_writes_passes_the_probe():
    world = World()
    ledger(world).probe()
    assert world.tree() == {}


@pytest.mark.parametrize("fate", [None, Fate.RESEND])
def test_a_store_that_ignores_conditions_is_refused(fate):
    world = World()
    with pytest.raises(ConfigurationError, match="If-None-Match"):
        ledger(world, Faults({0: fate} if fate else {}), honours_conditions=False).probe()
    assert world.tree() == {}


@pytest.mark.parametrize("number", [0, 1])
def test_the_probe_is_not_misled_by_a_put_that_was_sent_twice(number):
    ledger(faults=Faults({number: Fate.RESEND})).probe()


def test_a_store_that_refuses_conditions_is_refused():
    class Refusing(MemoryStore):
        def put_new(self, uri, body):
            raise StoreFailure("PutObject", str(uri), "NotImplemented", "a header you provided is not implemented")

    with pytest.raises(ConfigurationError, match="If-None-Match"):
        Ledger(Refusing(), LAYOUT, "a", 1, no_sleep).probe()


@pytest.mark.parametrize("name", ["000000000001.json", "1.json", "000000000001.json.bak"])
def test_a_strange_object_among_the_steps_is_an_error(name):
    world = World()
    ledger(world).append("opened", {})
    body = world.tree()["work/runs/run/ledger/000000000000.json"]
    MemoryStore(world).put(LAYOUT.ledger.join(name), body)
    with pytest.raises(LedgerCorrupt):
        ledger(world).load()


def test_a_step_under_another_number_is_an_error():
    world = World()
    run = ledger(world)
    run.append("one", {})
    run.append("two", {})
    key, store = LAYOUT.step(1), MemoryStore(world)
    store.put(LAYOUT.step(2), store.get(key)[0])
    store.delete([key])
    with pytest.raises(LedgerCorrupt, match=r"000000000002\.json holds step 1"):
        ledger(world).load()


def test_a_folder_made_in_the_console_is_no_step():
    world = World()
    MemoryStore(world).put(S3Uri("bucket", "work/runs/run/ledger/"), b"")
    assert ledger(world).load() == ()


def test_a_part_that_was_changed_or_deleted_is_an_error():
    world = World()
    run = ledger(world)
    part = run.write_part(pa.table({"x": [1]}))
    other = run.write_part(pa.table({"x": [2]}))
    MemoryStore(world).put(LAYOUT.part(part.key), world.tree()[f"work/runs/run/{other.key}"])
    MemoryStore(world).delete([LAYOUT.part(other.key)])
    with pytest.raises(LedgerCorrupt, match="SHA-256"):
        run.read_part(part)
    with pytest.raises(LedgerCorrupt, match="is gone"):
        run.read_part(other)


def damaged_by(world, change):
    """What is told of a ledger of three steps once something was done to it."""
    run = ledger(world)
    for kind, payload in (
        ("opened", {"run_id": "r", "nonce": "n", "config": {}, "at": "t"}),
        ("staged", {}),
        ("x", {}),
    ):
        run.append(kind, payload)
    change(MemoryStore(world))
    with pytest.raises(LedgerCorrupt) as err:
        ledger(world).state()
    return str(err.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.put(LAYOUT.step(1), b"{}"),
        lambda store: store.put(LAYOUT.step(1), store.get(LAYOUT.step(2))[0]),
        lambda store: store.put(LAYOUT.ledger.join("odd"), b""),
        lambda store: store.delete([LAYOUT.step(1)]),
        lambda store: None,  # a step that lacks what its kind must say
    ],
)
def test_what_is_wrong_with_a_ledger_is_told_with_its_folder_once_and_with_what_is_paid(change):
    words = damaged_by(World(), change)
    assert words.count(str(LAYOUT.ledger)) == 1, words
    assert "Paid, by the steps that are left: 0 jobs." in words
