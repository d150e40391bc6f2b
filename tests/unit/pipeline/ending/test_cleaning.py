"""What a run leaves behind is removed, and nothing of another run that lies beside it, or in it."""

from __future__ import annotations

import pytest

from batch_transform.config.loading import from_arguments
from batch_transform.config.result import DeadLetter, Output
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.ledger import StepKind
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.run_state import RunState
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.claims import claim
from batch_transform.outputs.tree_of_location import open_tree
from batch_transform.pipeline.ending.cleaning import Leftovers, clean, leftovers
from batch_transform.pipeline.places import Places, Targets
from batch_transform.s3.ledger import Ledger
from support.memory_store import MemoryStore

WORKSPACE = S3Uri("bucket", "ws")


class Held:
    """A lease that nobody else wants."""

    def require(self):
        pass


def left_of(store, name, *, rows_only=False):
    """What an earlier version's run has left, of which nothing but its place counts here."""
    layout = RunLayout(WORKSPACE, name, rows_apart=False)
    for folder in (layout.input, layout.kept.join("parts")):
        store.put(folder.join("a"), b"x")
    store.put(layout.step(0), b"{}")
    return Leftovers(None, store, Places(layout, "/scratch", "s3a"), None, (), rows_only=rows_only)


@pytest.mark.parametrize(
    ("name", "other"),
    [("runs", name) for name in ("parts", "input", "output", "manifests", "probe", "evidence")]
    + [("rows", name) for name in ("input", "output", "merged")],
)
def test_nothing_is_removed_where_a_run_is_named_as_a_folder_of_an_earlier_ones(name, other):
    store = MemoryStore()
    left, new = left_of(store, name), RunLayout(WORKSPACE, other)
    store.put(new.step(0), b"{}")
    store.put(new.input.join("a"), b"x")
    before = store.world.tree()
    with pytest.raises(ConfigurationError, match=f"ws/{name}/{other}: another run keeps its ledger or its rows there"):
        clean(left, None, None)
    assert store.world.tree() == before


@pytest.mark.parametrize("name", ["runs", "rows", "other"])
def test_a_run_of_another_name_beside_an_earlier_one_keeps_nothing_from_being_removed(name):
    store = MemoryStore()
    left, new = left_of(store, name), RunLayout(WORKSPACE, "new")
    store.put(new.step(0), b"{}")
    store.put(new.input.join("a"), b"x")
    left.check()


def test_where_only_rows_are_removed_a_ledger_among_the_manifests_is_no_matter():
    store = MemoryStore()
    left = left_of(store, "runs", rows_only=True)
    store.put(RunLayout(WORKSPACE, "manifests").step(0), b"{}")
    left.check()


def test_uploads_are_ended_where_rows_are_staged_elsewhere_as_well():
    layout, ended = RunLayout(WORKSPACE, "run"), []

    class Store(MemoryStore):
        def end_uploads(self, prefix):
            ended.append(str(prefix))

    places = Places(layout, "s3://other/staging/run", "s3a")
    targets = Targets(Output(path="s3://lake/out"), DeadLetter(path="s3://lake/dead"), run_id="")
    state = RunState("run", "n", {}, "", "")
    Leftovers(state, Store(), places, targets, ("w",), rows_only=False).remove(Held())
    assert ended == [str(folder) for folder in layout.row_folders] + [
        "s3://other/staging/run/staging/w",
        "s3://other/staging/run/dead_letters",
    ]


@pytest.mark.parametrize("claimed_by", ["run", "another"])
def test_an_output_that_a_driver_had_claimed_when_it_died_is_free_again(tmp_path, claimed_by):
    """Another run was refused there until somebody had deleted the claim, and that of this name can never publish."""
    store = MemoryStore()
    outputs = {"s3": "s3://lake/out", "local": f"{tmp_path}/out", "then": f"{tmp_path}/then"}
    trees = [open_tree(f"{path}{table}", store) for path in outputs.values() for table in ("", "_dead_letter")]
    for tree in trees:
        claim(tree, claimed_by, "n")
    places = Places(RunLayout(WORKSPACE, "run"), f"{tmp_path}/scratch", "s3a")
    now, local, then = (
        Targets(Output(path=path), DeadLetter(path=f"{path}_dead_letter"), run_id="run") for path in outputs.values()
    )
    state = RunState("run", "n", {}, "", "")
    before = ((places, local), (places, then))
    Leftovers(state, store, places, now, ("w",), rows_only=False, before=before).remove(Held())
    left = [file.name for tree in trees for file in tree.list()]
    assert left == ([] if claimed_by == "run" else ["_owner"] * 6)


def test_what_a_driver_has_left_where_the_run_was_to_stage_and_to_publish_before_is_removed_as_well(tmp_path):
    """As whoever moves a run from a full disk to another one leaves it."""
    store, layout = MemoryStore(), RunLayout(S3Uri("bucket", "ws"), "run")

    def asked(disk):
        places = {"staging": f"{tmp_path}/{disk}/staging", "output": {"path": f"{tmp_path}/{disk}/out"}}
        return from_arguments(run_id="run", model="m", workspace="s3://bucket/ws", **places)

    for number, disk in enumerate(("full", "other", "other")):
        ledger = Ledger(store, layout, f"w{number}", 0, lambda _seconds: None)
        told = {"config": asked(disk).to_document(), "at": "2024-05-01T00:00:00+00:00"}
        ledger.append(StepKind.RESUMED if number else StepKind.OPENED, {"run_id": "run", "nonce": "n"} | told)
        for folder in (f"staging/run/staging/w{number}", f".out.batch_transform-w{number}-result", "out"):
            (tmp_path / disk / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / disk / folder / "rows").write_bytes(b"x")

    left = leftovers(asked("other"), layout, ledger.state(), store, ledger)
    assert left.amount().objects == 6
    left.remove(Held())
    kept = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert kept == ["full/out/rows", "other/out/rows"]
