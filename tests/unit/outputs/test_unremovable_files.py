"""Files that an overwrite could not remove are found before anything is paid for: later no other place can be named."""

from __future__ import annotations

import errno
import os

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.outputs import local_faults
from batch_transform.outputs.copying import check_target
from batch_transform.outputs.local_faults import refuse_unremovable
from batch_transform.outputs.local_tree import LocalTree
from support.crashing_files import CrashingModule

MODES = ("error", "append", "overwrite", "overwrite_partitions")


@pytest.fixture
def target(tmp_path):
    return LocalTree(str(tmp_path / "out"))


def somebody(monkeypatch, **functions):
    """Makes this process one of a user that is neither root nor the owner of its files."""
    monkeypatch.setattr(local_faults, "os", CrashingModule(os, geteuid=lambda: os.geteuid() + 1000, **functions))


@pytest.mark.parametrize("mode", MODES)
def test_a_partition_in_whose_folder_another_user_alone_may_write(target, monkeypatch, mode):
    """As in a folder of a group whose members make folders that are theirs. Other modes may not come there."""
    target.put("p=1/part-0.parquet" if mode != "error" else "p=1/.part-0", b"x")
    somebody(monkeypatch, access=lambda folder, _: not folder.endswith("p=1"))
    by = ("p",)
    if mode != "overwrite":
        check_target(mode, target, by, "run")
        return
    with pytest.raises(ConfigurationError, match=r"EACCES: \S+/p=1 is not writable, .*; see that it may be, or"):
        check_target(mode, target, by, "run")


@pytest.mark.parametrize("mode", MODES)
def test_another_users_file_in_a_folder_with_the_sticky_bit(target, monkeypatch, mode):
    target.put("part-0.parquet" if mode != "error" else ".part-0", b"x")
    os.chmod(target.root, 0o1777)
    somebody(monkeypatch)
    if mode != "overwrite":
        check_target(mode, target, (), "run")
        return
    with pytest.raises(ConfigurationError, match=r"out/part-0\.parquet: EPERM: it is another user's, and \S+/out"):
        check_target(mode, target, (), "run")


@pytest.mark.parametrize("mode", MODES)
def test_another_users_mark_of_success_goes_in_each_mode(target, monkeypatch, mode):
    target.put("_SUCCESS", b"")
    os.chmod(target.root, 0o1777)
    somebody(monkeypatch)
    with pytest.raises(ConfigurationError, match=r"_SUCCESS: EPERM"):
        check_target(mode, target, (), "run")


def test_a_file_that_is_gone_since_it_was_listed_hinders_nobody(target, monkeypatch):
    target.put("a", b"")
    os.chmod(target.root, 0o1777)
    somebody(monkeypatch)
    refuse_unremovable([os.path.join(target.root, name) for name in ("b", "p=1/c")])


@pytest.mark.parametrize("left", ["_metadata", "p=1/_common_metadata"])
def test_what_describes_files_that_an_overwrite_removes_goes_with_them(target, monkeypatch, left):
    target.put(left, b"")
    os.chmod(os.path.dirname(os.path.join(target.root, left)), 0o1777)
    somebody(monkeypatch)
    check_target("append", target, (), "run")
    with pytest.raises(ConfigurationError, match=rf"{left}: EPERM"):
        check_target("overwrite", target, (), "run")


def test_a_folder_that_cannot_be_looked_at_is_told_of_as_any_place(target, monkeypatch):
    """There was an OSError of Python's, as of a mount whose server has forgotten the folder."""

    def stale(path):
        raise OSError(errno.ESTALE, "Stale file handle", path)

    target.put("part-0.parquet", b"x")
    somebody(monkeypatch, stat=stale)
    with pytest.raises(ConfigurationError, match=r"output: \S+ cannot be written: delete \S+: ESTALE"):
        check_target("overwrite", target, (), "run")
