"""A local file system on which a process can die between any two calls, half-way through a copy or a removal too."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import pytest

from batch_transform.outputs import local_tree
from support.faults import Faults

MUTATING = ("replace", "unlink", "link", "rmdir", "mkdir")


class CrashingModule:
    """A module of which some functions are replaced."""

    def __init__(self, module: ModuleType, **functions: Any) -> None:
        self._module = module
        self.__dict__.update(functions)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def install(monkeypatch: pytest.MonkeyPatch, faults: Faults) -> None:
    """Makes LocalTree run on `faults`; nothing is synced, for a dead process needs no power cut."""

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: faults.mutate(f"{name} {args[0]}", lambda: function(*args))

    def os_open(path: str, flags: int, *mode: int) -> int:
        if flags & os.O_CREAT:
            return int(faults.mutate(f"create {path}", lambda: os.open(path, flags, *mode)))
        return os.open(path, flags, *mode)

    def rmtree(root: str) -> None:
        if not os.path.lexists(root):
            raise FileNotFoundError(root)
        for folder, folders, names in os.walk(root, topdown=False):
            for name in names:
                functions["unlink"](os.path.join(folder, name))
            for name in folders:
                functions["rmdir"](os.path.join(folder, name))
        functions["rmdir"](root)

    def copyfileobj(stream: IO[bytes], sink: IO[bytes], length: int) -> None:
        half = stream.read(2)
        faults.mutate("write half", lambda: sink.write(half))
        sink.flush()
        faults.mutate("write the rest", lambda: sink.write(stream.read()))
        sink.flush()

    def opened(path: str, mode: str) -> Any:
        return faults.mutate(f"open {path}", lambda: open(path, mode)) if "x" in mode else open(path, mode)

    functions = {name: counted(name, getattr(os, name)) for name in MUTATING}
    monkeypatch.setattr(local_tree, "os", CrashingModule(os, open=os_open, fsync=lambda number: None, **functions))
    monkeypatch.setattr(local_tree, "shutil", CrashingModule(shutil, rmtree=rmtree, copyfileobj=copyfileobj))
    monkeypatch.setattr(local_tree, "open", opened, raising=False)


def snapshot(root: str | Path) -> dict[str, bytes | None]:
    """Returns path -> bytes of all files below `root`, and path -> None of all directories."""
    found: dict[str, bytes | None] = {}
    for folder, folders, names in os.walk(root):
        for name in folders:
            found[os.path.relpath(os.path.join(folder, name), root)] = None
        for name in names:
            with open(os.path.join(folder, name), "rb") as stream:
                found[os.path.relpath(os.path.join(folder, name), root)] = stream.read()
    return found
