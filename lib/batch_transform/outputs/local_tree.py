"""A tree on a file system that the driver reaches. What a method has done survives a power cut."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress

from batch_transform.core.object_store import ObjectNotFound, PreconditionFailed, StoreFailure
from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.outputs.file_tree import TEMPORARY_SUFFIX, Tree
from batch_transform.outputs.hadoop_sums import checksums_of, is_as_summed
from batch_transform.outputs.local_faults import local_errors, refuse_unremovable, removed_on_error

# File systems without hard links (FUSE mounts of object stores) say so in several ways.
NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK})

_BLOCK_BYTES = 1024 * 1024


class LocalTree:
    """The Tree below a directory, which need not exist yet; a file appears by a rename, whole or not at all."""

    def __init__(self, root: str) -> None:
        self.root = root

    @property
    def location(self) -> str:
        """The root as a `file://` URI, which Spark does not take for a path on another file system."""
        return f"file://{self.root}"

    def list(self) -> Iterator[TreeFile]:
        """Returns all files, sorted within each directory."""
        for folder, folders, names in os.walk(self.root, onerror=_raise_unless_missing):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                try:
                    with local_errors("list", path):
                        status = os.stat(path)
                except ObjectNotFound:
                    continue  # deleted since the directory was read, or a link to nothing
                yield TreeFile(os.path.relpath(path, self.root).replace(os.sep, "/"), status.st_size, _etag(status))

    def find(self, name: str) -> TreeFile | None:
        """Returns a file by its name; None where there is none, or a folder."""
        path = self._path(name)
        if not os.path.isfile(path):
            return None
        try:
            with local_errors("find", path):
                status = os.stat(path)
        except ObjectNotFound:
            return None  # deleted since it was asked for
        return TreeFile(name, status.st_size, _etag(status))

    def read(self, name: str) -> bytes:
        """Returns the bytes of a small file."""
        with local_errors("read", self._path(name)), open(self._path(name), "rb") as stream:
            return stream.read()

    def read_tail(self, file: TreeFile, length_bytes: int) -> bytes:
        """Returns the last bytes of a file; all of it if it is shorter."""
        with local_errors("read", self._path(file.name)), open(self._path(file.name), "rb") as stream:
            self._check_version(file, stream.fileno())
            stream.seek(max(0, file.size_bytes - length_bytes))
            return stream.read()

    def digest(self, name: str) -> str:
        """Returns the SHA-256 of a file, in hexadecimal: its time says only that it may be another one."""
        found = hashlib.sha256()
        with local_errors("read", self._path(name)), open(self._path(name), "rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                found.update(block)
        return found.hexdigest()

    def is_as_summed(self, name: str) -> bool:
        """Returns whether a file is what Hadoop's checksums beside it say, or has none."""
        with local_errors("read", self._path(name)):
            return is_as_summed(self._path(name))

    def put(self, name: str, body: bytes) -> None:
        """Writes a small file, whatever was there before."""
        path = self._path(name)
        with local_errors("write", path):
            temporary = _write_temporary(path, body)
            with removed_on_error(temporary):
                os.replace(temporary, path)
            _sync_directory(os.path.dirname(path))

    def put_new(self, name: str, body: bytes) -> None:
        """Writes a small file; raises AlreadyThere if there is one.

        A hard link is the rename that refuses to replace. Without links the file is written in place, so a process
        killed in between leaves it empty.
        """
        path = self._path(name)
        with local_errors("write", path):
            temporary = _write_temporary(path, body)
            try:
                os.link(temporary, path)
            except OSError as err:
                if err.errno not in NO_HARD_LINKS:
                    raise
                _write(path, body, os.O_EXCL)
            finally:
                os.unlink(temporary)
            _sync_directory(os.path.dirname(path))

    def delete(self, names: Iterable[str]) -> None:
        """Deletes files with Hadoop's checksums beside them, and the directories that are empty then."""
        for name in names:
            path = self._path(name)
            with local_errors("delete", path):
                folder = os.path.dirname(path)
                for victim in (path, self._path(checksums_of(name))):
                    with suppress(FileNotFoundError):
                        os.unlink(victim)
                self._prune(folder)

    def _prune(self, folder: str) -> None:
        while folder != self.root and folder.startswith(self.root):
            try:
                os.rmdir(folder)
            except FileNotFoundError:
                pass  # a killed process had come this far; its parents may be empty too
            except OSError:
                return
            folder = os.path.dirname(folder)

    def copy_in(self, source: Tree, file: TreeFile, name: str) -> None:
        """Copies a file of another local tree.

        Raises:
            PreconditionFailed: it is not the version that was listed.
            TypeError: the other tree is not local.
        """
        if not isinstance(source, LocalTree):
            raise TypeError(f"cannot copy from {source.location} to {self.location}")
        path, origin = self._path(name), source._path(file.name)  # noqa: SLF001 - another of this class
        with local_errors("copy", f"{origin} to {path}"), open(origin, "rb") as stream:
            source._check_version(file, stream.fileno())  # noqa: SLF001 - as above
            _make_directory(os.path.dirname(path))
            temporary = _temporary(path)
            with removed_on_error(temporary):
                with open(temporary, "xb") as sink:
                    shutil.copyfileobj(stream, sink, _BLOCK_BYTES)
                    sink.flush()
                    os.fsync(sink.fileno())
                os.replace(temporary, path)
            _sync_directory(os.path.dirname(path))

    def clear(self) -> None:
        """Deletes the directory with everything in it."""
        with local_errors("delete", self.root), suppress(FileNotFoundError):
            shutil.rmtree(self.root)

    def drop_empty(self) -> None:
        """Deletes each directory in which nothing is, the root too; others, links among them, stay."""
        for folder, _, _ in os.walk(self.root, topdown=False):
            with suppress(OSError):
                os.rmdir(folder)

    def check_writable(self, removed: Iterable[str] = ()) -> None:
        """Asks the root, and the directory that it lies in, where files are merged first; writes nothing.

        Of what is not there yet, the first directory above it that is.
        """
        for folder, why in ((self.root, ""), (os.path.dirname(self.root), ", and files are merged there first")):
            while not os.path.lexists(folder):
                folder = os.path.dirname(folder)
            if not os.path.isdir(folder):
                raise StoreFailure("write", self.root, "ENOTDIR", f"{folder} is no directory")
            if not os.access(folder, os.W_OK | os.X_OK):
                raise StoreFailure("write", self.root, "EACCES", f"{folder} is not writable{why}")
        refuse_unremovable(map(self._path, removed))

    def _path(self, name: str) -> str:
        return os.path.join(self.root, *name.split("/"))

    def _check_version(self, file: TreeFile, descriptor: int) -> None:
        found = _etag(os.fstat(descriptor))
        if found != file.etag:
            raise PreconditionFailed("read", self._path(file.name), "changed", f"it was {file.etag} and is {found}")


def _etag(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns}-{status.st_size}"


def _raise_unless_missing(err: OSError) -> None:
    if not isinstance(err, FileNotFoundError):
        raise StoreFailure("list", str(err.filename), type(err).__name__, str(err)) from err


def _temporary(path: str) -> str:
    folder, base = os.path.split(path)
    return os.path.join(folder, f".{base}.{uuid.uuid4().hex[:8]}{TEMPORARY_SUFFIX}")


def _write_temporary(path: str, body: bytes) -> str:
    _make_directory(os.path.dirname(path))
    temporary = _temporary(path)
    _write(temporary, body, os.O_EXCL)
    return temporary


def _write(path: str, body: bytes, flag: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flag, 0o666)
    with removed_on_error(path), os.fdopen(descriptor, "wb") as stream:
        stream.write(body)
        stream.flush()
        os.fsync(stream.fileno())


def _make_directory(folder: str) -> None:
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    _make_directory(parent)
    with suppress(FileExistsError):
        os.mkdir(folder)
    _sync_directory(parent)


def _sync_directory(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
