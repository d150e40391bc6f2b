"""A publication killed before or after any of its mutations, and resumed, leaves what an undisturbed one leaves."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batch_transform.core.uris import S3Uri
from batch_transform.outputs.local_tree import LocalTree
from batch_transform.outputs.s3_tree import S3Tree
from support import crashing_files
from support.faults import Crash, Fate, Faults
from support.memory_store import MemoryStore, World
from support.publishing import BEFORE, MODES, SOURCE, before, holds_its_promise, published, run

DEATHS = [Fate.DIE_BEFORE, Fate.DIE_AFTER]
OUT, WORK = S3Uri("bucket", "out"), S3Uri("bucket", "work/run/result/a-1")
INITIAL = {
    mode: World(
        {("bucket", f"out/{name}"): (body, None) for name, body in before(mode).items()}
        | {("bucket", f"{WORK.key}/{name}"): (body, None) for name, body in SOURCE.items()}
    )
    for mode in MODES
}


def publish_on_s3(world, ledger, mode, fates=None, threads=1):
    """Returns the mutations that were asked for; a killed driver is only dead."""
    faults = Faults(fates)
    store = MemoryStore(world, faults)
    with suppress(Crash):
        run(ledger, mode, S3Tree(store, WORK), S3Tree(store, OUT), threads)
    return faults.log


def output_of(world):
    return {key.removeprefix("out/"): body for key, body in world.tree("out/").items()}


@pytest.fixture(scope="module")
def undisturbed():
    """mode -> (bytes of all objects, mutations) of a publication that nobody kills."""
    worlds = {mode: INITIAL[mode].copy() for mode in MODES}
    logs = {mode: publish_on_s3(worlds[mode], {}, mode) for mode in MODES}
    return {mode: (worlds[mode].tree(), logs[mode]) for mode in MODES}


@pytest.mark.parametrize("mode", MODES)
def test_what_a_publication_leaves(undisturbed, mode):
    world, _ = undisturbed[mode]
    hidden = (
        {"out/ds=4/x=5/.keep", "out/ds=1/.old.parquet.crc", "out/_batch_transform-old.json"}
        if mode != "error"
        else set()
    )
    hidden -= {"out/_batch_transform-old.json"} if mode == "overwrite" else set()
    marks = {"out/_SUCCESS", "out/_batch_transform-n0nce.json"}
    assert set(world) == {f"out/{name}" for name in published(mode)} | hidden | marks


@pytest.mark.parametrize("fate", DEATHS)
@pytest.mark.parametrize("mode", MODES)
def test_killed_once_anywhere(undisturbed, mode, fate):
    final, log = undisturbed[mode]
    for point in range(len(log)):
        world, ledger = INITIAL[mode].copy(), {}
        publish_on_s3(world, ledger, mode, {point: fate})
        assert holds_its_promise(mode, output_of(world)), log[point]
        publish_on_s3(world, ledger, mode)
        assert world.tree() == final, log[point]


@given(data=st.data(), mode=st.sampled_from(MODES), threads=st.sampled_from([1, 3]))
def test_killed_again_and_again(undisturbed, data, mode, threads):
    final, log = undisturbed[mode]
    world, ledger = INITIAL[mode].copy(), {}
    points = st.tuples(st.integers(0, len(log)), st.sampled_from(DEATHS))
    for point, fate in data.draw(st.lists(points, max_size=5)):
        publish_on_s3(world, ledger, mode, {point: fate}, threads)
        assert holds_its_promise(mode, output_of(world))
    publish_on_s3(world, ledger, mode, threads=threads)
    assert world.tree() == final


@pytest.mark.parametrize("mode", MODES)
def test_published_again_after_all_changes_nothing(undisturbed, mode):
    """The driver died between the last deletion and the step `done`: `_SUCCESS` does not even blink."""
    world, ledger = INITIAL[mode].copy(), {}
    publish_on_s3(world, ledger, mode)
    log = publish_on_s3(world, ledger, mode)
    assert world.tree() == undisturbed[mode][0]
    assert [entry for entry in log if "_owner" not in entry] == []


def lay_out(folder, mode):
    for root, files in (("out", before(mode)), (".out-a-1", SOURCE)):
        for name, body in files.items():
            path = folder / root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)


def publish_locally(folder, ledger, mode, fates=None):
    faults = Faults(fates)
    with pytest.MonkeyPatch.context() as patch, suppress(Crash):
        crashing_files.install(patch, faults)
        run(ledger, mode, LocalTree(str(folder / ".out-a-1")), LocalTree(str(folder / "out")))
    return faults.log


@pytest.fixture(scope="module")
def undisturbed_locally(tmp_path_factory):
    """mode -> (all files and directories, system calls) of a publication that nobody kills."""
    results = {}
    for mode in MODES:
        folder = tmp_path_factory.mktemp("undisturbed")
        lay_out(folder, mode)
        log = publish_locally(folder, {}, mode)
        results[mode] = (crashing_files.snapshot(folder), log)
    return results


@pytest.mark.parametrize("mode", MODES)
def test_a_local_publication_leaves_no_temporary_file_and_no_empty_directory(undisturbed_locally, mode):
    final, _ = undisturbed_locally[mode]
    assert {name.removeprefix("out/"): body for name, body in final.items() if name.endswith(".parquet")} == published(
        mode
    )
    assert not [name for name in final if "tmp" in name or "-a-1" in name]
    assert not {"out/ds=2", "out/ds=6"} & set(final) or mode != "overwrite"
    assert "out/ds=4/x=5" in final or mode == "error"


@pytest.mark.parametrize("fate", DEATHS)
@pytest.mark.parametrize("mode", MODES)
def test_a_local_publication_killed_at_any_system_call(undisturbed_locally, tmp_path, mode, fate):
    final, log = undisturbed_locally[mode]
    for point in range(len(log)):
        folder, ledger = tmp_path / str(point), {}
        lay_out(folder, mode)
        publish_locally(folder, ledger, mode, {point: fate})
        files = {name.removeprefix("out/"): body for name, body in crashing_files.snapshot(folder).items()}
        present = {name: body for name, body in files.items() if not name.startswith(".out")}
        assert holds_its_promise(mode, present), log[point]
        publish_locally(folder, ledger, mode)
        assert crashing_files.snapshot(folder) == final, log[point]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), mode=st.sampled_from(MODES))
def test_a_local_publication_killed_again_and_again(undisturbed_locally, tmp_path_factory, data, mode):
    final, log = undisturbed_locally[mode]
    folder, ledger = tmp_path_factory.mktemp("again"), {}
    lay_out(folder, mode)
    for point, fate in data.draw(st.lists(st.tuples(st.integers(0, len(log)), st.sampled_from(DEATHS)), max_size=4)):
        publish_locally(folder, ledger, mode, {point: fate})
    publish_locally(folder, ledger, mode)
    assert crashing_files.snapshot(folder) == final


def test_the_output_before_has_what_the_modes_differ_in():
    """Guards the scenario: a partition that is written to, one that is not, an old marker, a checksum."""
    assert {name.partition("/")[0] for name in BEFORE} >= {"ds=1", "ds=2", "_batch_transform-old.json", "_SUCCESS"}
