"""Pins staged files as they were written, and finds those that are gone or altered since.

A listing of their folders tells. On S3 an ETag stands for the content. A local file's time only says that it may be
another one: it is read then, and its digest decides, so that a copied or restored folder is as good as the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from batch_transform.core.copied_files import root_and_name
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_store import ObjectNotFound
from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.core.resuming.altered_objects import Hurt
from batch_transform.core.spans import StagedFile
from batch_transform.outputs.file_tree import Tree, in_threads

OpenTree = Callable[[str], Tree]


def pinned(files: Iterable[StagedFile], open_tree: OpenTree) -> tuple[StagedFile, ...]:
    """Returns the files with size, ETag and digest, as far as this process reaches them."""
    every = tuple(files)
    found = _listed(every, open_tree)

    def pin(file: StagedFile) -> StagedFile:
        tree, now = found.get(file.path, (None, None))
        if tree is None or now is None:
            return file
        return replace(file, size_bytes=now.size_bytes, etag=now.etag, sha256=tree.digest(now.name))

    return tuple(in_threads(pin, every))


def hurt_files(files: Iterable[StagedFile], open_tree: OpenTree) -> Hurt:
    """Returns the files, by their paths, that are gone, and those that are other ones now.

    A file system that only Spark reaches tells nothing here.
    """
    every = tuple(files)
    found = _listed(every, open_tree)
    gone = frozenset(file.path for file in every if file.path in found and found[file.path][1] is None)
    there = [file for file in every if file.path in found and file.path not in gone]
    kept = in_threads(lambda file: _is_kept(file, *found[file.path]), there)
    return Hurt(gone, frozenset(file.path for file, is_kept in zip(there, kept, strict=True) if not is_kept))


def _is_kept(file: StagedFile, tree: Tree, now: TreeFile | None) -> bool:
    assert now is not None
    if file.size_bytes is None:
        return True  # a run of an earlier version
    if file.size_bytes != now.size_bytes:
        return False
    try:
        return file.etag == now.etag or (file.sha256 is not None and file.sha256 == tree.digest(now.name))
    except ObjectNotFound:
        return False


def _listed(files: Iterable[StagedFile], open_tree: OpenTree) -> dict[str, tuple[Tree, TreeFile | None]]:
    """Each file by its path, with its folder and what that shows of it; those out of reach are left out."""
    folders: dict[str, set[str]] = {}
    for file in files:
        folder, name = root_and_name(file.path)
        folders.setdefault(folder, set()).add(name)
    found: dict[str, tuple[Tree, TreeFile | None]] = {}
    for folder, names in folders.items():
        try:
            tree = open_tree(folder)
        except ConfigurationError:
            continue
        shown = {file.name: file for file in tree.list() if file.name in names}
        found.update({f"{folder}/{name}": (tree, shown.get(name)) for name in names})
    return found
