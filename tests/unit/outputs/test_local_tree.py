"""The tree on a local file system."""

from __future__ import annotations

import errno
import os

import pytest

from batch_transform.core.object_store import AlreadyThere, ObjectNotFound, PreconditionFailed, StoreFailure
from batch_transform.outputs import local_tree
from batch_transform.outputs.local_tree import LocalTree
from support.crashing_files import CrashingModule


@pytest.fixture
def tree(tmp_path):
    return LocalTree(str(tmp_path / "out"))


def listed(tree, name):
    return next(file for file in tree.list() if file.name == name)


def names(tree):
    return [file.name for file in tree.list()]


def test_a_directory_that_is_not_there_is_empty(tree):
    assert names(tree) == []


def test_all_files_are_listed_by_their_names_below_the_root(tree):
    for name in ("b", "a/x=1/c", ".hidden", "_SUCCESS"):
        tree.put(name, name.encode())
    assert sorted(names(tree)) == [".hidden", "_SUCCESS", "a/x=1/c", "b"]
    assert listed(tree, "a/x=1/c").size_bytes == 7


def test_a_file_that_is_deleted_while_it_is_looked_for_is_not_found(tree, monkeypatch):
    """As a file of the input, between Spark's listing and its copy."""

    def stat(path):
        raise FileNotFoundError(errno.ENOENT, "gone", path)

    tree.put("a", b"one")
    monkeypatch.setattr(local_tree, "os", CrashingModule(os, stat=stat))
    assert tree.find("a") is None


def test_a_put_replaces(tree):
    tree.put("a", b"one")
    tree.put("a", b"two")
    assert tree.read("a") == b"two"


def test_a_put_new_does_not_replace(tree):
    tree.put_new("a", b"one")
    with pytest.raises(AlreadyThere):
        tree.put_new("a", b"two")
    assert tree.read("a") == b"one"
    assert names(tree) == ["a"]


def test_put_new_without_hard_links(tree, monkeypatch):
    def link(source, target):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(local_tree, "os", CrashingModule(os, link=link))
    tree.put_new("a", b"one")
    with pytest.raises(AlreadyThere):
        tree.put_new("a", b"two")
    assert tree.read("a") == b"one"
    assert names(tree) == ["a"]


def test_reading_what_is_not_there(tree):
    with pytest.raises(ObjectNotFound, match="out/a"):
        tree.read("a")


@pytest.mark.parametrize(("length", "expected"), [(0, b""), (2, b"ef"), (6, b"abcdef"), (99, b"abcdef")])
def test_the_tail_of_a_file(tree, length, expected):
    tree.put("a", b"abcdef")
    assert tree.read_tail(listed(tree, "a"), length) == expected


def test_a_file_that_changed_since_it_was_listed_is_not_read(tree):
    tree.put("a", b"one")
    before = listed(tree, "a")
    tree.put("a", b"four")
    with pytest.raises(PreconditionFailed):
        tree.read_tail(before, 2)


def test_deleting_takes_the_checksum_and_the_empty_directories(tree):
    for name in ("a/b/c", "a/b/.c.crc", "d/e", "d/f", "kept"):
        tree.put(name, b"")
    tree.delete(["a/b/c", "d/e"])
    assert names(tree) == ["kept", "d/f"]
    assert not os.path.exists(os.path.join(tree.root, "a"))


def test_deleting_the_last_file_leaves_the_root(tree):
    tree.put("a/b", b"")
    tree.delete(["a/b"])
    assert os.listdir(tree.root) == []


def test_deleting_twice_is_no_error(tree):
    tree.delete(["a/b", "c"])
    assert names(tree) == []


def test_a_copy_has_its_bytes_and_nothing_beside_it(tree, tmp_path):
    source = LocalTree(str(tmp_path / "source"))
    source.put("x", b"bytes")
    tree.copy_in(source, listed(source, "x"), "p=1/y")
    assert tree.read("p=1/y") == b"bytes"
    assert names(tree) == ["p=1/y"]


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_without_room_for_a_copy_is_told_by_its_place(tree, tmp_path, monkeypatch):
    """The source alone was named, which may lie elsewhere."""
    source = LocalTree(str(tmp_path / "source"))
    source.put("x", b"bytes")
    file = listed(source, "x")

    monkeypatch.setattr(local_tree, "os", CrashingModule(os, fsync=full))
    with pytest.raises(StoreFailure, match=f"to {tree.root}/y: ENOSPC: .*No space left on device; make room there$"):
        tree.copy_in(source, file, "y")
    assert os.listdir(tree.root) == []  # what is there of it would take the room that is to be made


@pytest.mark.parametrize("write", [LocalTree.put, LocalTree.put_new], ids=["put", "put_new"])
def test_a_small_file_for_which_there_is_no_room_leaves_nothing_of_it(tree, monkeypatch, write):
    tree.put("a", b"one")
    monkeypatch.setattr(local_tree, "os", CrashingModule(os, fsync=full))
    with pytest.raises(StoreFailure, match="ENOSPC"):
        write(tree, "b", b"two")
    assert names(tree) == ["a"]


def test_a_file_that_may_not_take_the_place_of_another_leaves_nothing_of_it(tree, monkeypatch):
    monkeypatch.setattr(local_tree, "os", CrashingModule(os, replace=full))
    with pytest.raises(StoreFailure, match="ENOSPC"):
        tree.put("a", b"two")
    assert names(tree) == []


def test_half_of_a_claim_is_none(tree, monkeypatch):
    """Without hard links it is written in place, and whoever reads half of one takes it for another run's."""

    def link(_source, _target):
        monkeypatch.setattr(local_tree, "os", CrashingModule(os, fsync=full))
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(local_tree, "os", CrashingModule(os, link=link))
    with pytest.raises(StoreFailure, match="ENOSPC"):
        tree.put_new("a", b"one")
    assert names(tree) == []


def test_a_source_that_changed_is_not_copied(tree, tmp_path):
    source = LocalTree(str(tmp_path / "source"))
    source.put("x", b"bytes")
    before = listed(source, "x")
    os.utime(os.path.join(source.root, "x"), (1, 1))
    with pytest.raises(PreconditionFailed):
        tree.copy_in(source, before, "y")
    assert names(tree) == []


def test_everything_is_on_disk_before_it_has_its_name(tree, tmp_path, monkeypatch):
    """The file is synced, then renamed, then its directory is synced."""
    calls = []

    def note(name, function):
        return lambda *arguments: (calls.append(name), function(*arguments))[1]

    tree.put("warm", b"")
    source = LocalTree(str(tmp_path / "source"))
    source.put("x", b"bytes")
    file = listed(source, "x")
    functions = {name: note(name, getattr(os, name)) for name in ("fsync", "replace")}
    monkeypatch.setattr(local_tree, "os", CrashingModule(os, **functions))
    tree.copy_in(source, file, "y")
    tree.put("z", b"")
    assert calls == ["fsync", "replace", "fsync"] * 2


def test_a_new_directory_is_synced_into_its_parent(tree, monkeypatch):
    calls = []
    functions = {
        "mkdir": lambda path: (calls.append(("mkdir", path)), os.mkdir(path)),
        "open": lambda path, *rest: (calls.append(("open", path)), os.open(path, *rest))[1],
    }
    monkeypatch.setattr(local_tree, "os", CrashingModule(os, **functions))
    tree.put("a/b", b"")
    root, parent = tree.root, os.path.dirname(tree.root)
    made = [call for call in calls if not call[1].endswith("-tmp")]
    assert made[:4] == [("mkdir", root), ("open", parent), ("mkdir", f"{root}/a"), ("open", root)]


def test_clearing_takes_everything_and_may_be_repeated(tree):
    tree.put("a/.b", b"")
    tree.clear()
    tree.clear()
    assert not os.path.exists(tree.root)


def test_what_is_empty_goes_and_what_is_not_stays(tree, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for folder in ("staging/writer", "result"):
        os.makedirs(os.path.join(tree.root, folder))
    os.symlink(tmp_path / "elsewhere", os.path.join(tree.root, "result/link"))
    tree.drop_empty()
    assert os.listdir(tree.root) == ["result"]
    os.unlink(os.path.join(tree.root, "result/link"))
    tree.drop_empty()
    tree.drop_empty()
    assert not os.path.exists(tree.root)
    assert os.path.isdir(os.path.dirname(tree.root))


def test_an_error_of_the_system_names_the_place(tree):
    tree.put("a", b"")
    with pytest.raises(StoreFailure, match=r"write .*out/a/b: "):
        tree.put("a/b", b"")


def test_a_directory_that_may_not_be_written(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(local_tree, "os", CrashingModule(os, access=lambda path, mode: path != str(tmp_path)))
    with pytest.raises(StoreFailure, match="not writable"):
        tree.check_writable()


def test_a_table_that_may_be_written_in_a_directory_that_may_not(tree, tmp_path, monkeypatch):
    tree.put("a", b"")
    monkeypatch.setattr(local_tree, "os", CrashingModule(os, access=lambda path, mode: path != str(tmp_path)))
    with pytest.raises(StoreFailure, match=f"{tmp_path} is not writable, and files are merged there first"):
        tree.check_writable()


def test_what_cannot_be_looked_at_is_told_by_its_place(tree, tmp_path):
    tree.put("a", b"")
    os.symlink("loop", tmp_path / "out" / "loop")
    with pytest.raises(StoreFailure, match=r"list .*out/loop: "):
        list(tree.list())
