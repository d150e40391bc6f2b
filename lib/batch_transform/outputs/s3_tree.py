"""A tree on S3."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator

from batch_transform.core.object_store import ObjectStore
from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.file_tree import Tree


class S3Tree:
    """The Tree below an S3 prefix; a file appears with its put or copy, whole or not at all."""

    def __init__(self, store: ObjectStore, root: S3Uri) -> None:
        self._store = store
        self.root = root

    @property
    def location(self) -> str:
        """The root as an `s3://` URI."""
        return str(self.root)

    def list(self) -> Iterator[TreeFile]:
        """Returns all files in key order; the empty objects that consoles and Hadoop make for folders are none."""
        start = len(self.root.prefix)
        for found in self._store.list(self.root):
            if not found.key.endswith("/"):
                yield TreeFile(found.key[start:], found.size_bytes, found.etag)

    def find(self, name: str) -> TreeFile | None:
        """Returns a file by its name; None where there is none."""
        found = self._store.head(self.root.join(name))
        return TreeFile(name, found.size_bytes, found.etag) if found is not None else None

    def read(self, name: str) -> bytes:
        """Returns the bytes of a small file."""
        return self._store.get(self.root.join(name))[0]

    def read_tail(self, file: TreeFile, length_bytes: int) -> bytes:
        """Returns the last bytes of the version that was listed; PreconditionFailed if there is another one now."""
        if not file.size_bytes:
            return b""  # S3 answers 416 to any range of an empty object
        return self._store.get_tail(self.root.join(file.name), length_bytes, file.etag)

    def digest(self, name: str) -> str | None:
        """Returns None: an ETag stands for the content."""
        return None

    def put(self, name: str, body: bytes) -> None:
        """Writes a small file, whatever was there before."""
        self._store.put(self.root.join(name), body)

    def put_new(self, name: str, body: bytes) -> None:
        """Writes a small file; raises AlreadyThere if there is one."""
        self._store.put_new(self.root.join(name), body)

    def delete(self, names: Iterable[str]) -> None:
        """Deletes files; one that is not there is no error."""
        self._store.delete(self.root.join(name) for name in names)

    def copy_in(self, source: Tree, file: TreeFile, name: str) -> None:
        """Copies a file of another S3 tree on the server.

        Raises:
            PreconditionFailed: it is not the version that was listed.
            TypeError: the other tree is not on S3.
        """
        if not isinstance(source, S3Tree):
            raise TypeError(f"cannot copy from {source.location} to {self.location}")
        self._store.copy(source.root.join(file.name), file.etag, file.size_bytes, self.root.join(name))

    def clear(self) -> None:
        """Deletes everything below the root, which may not be a whole bucket."""
        if not self.root.key:
            raise ValueError(f"{self.location} is a whole bucket")
        self._store.delete(S3Uri(self.root.bucket, found.key) for found in self._store.list(self.root))

    def drop_empty(self) -> None:
        """Does nothing: a folder is there as long as an object is in it."""

    def check_writable(self, removed: Iterable[str] = ()) -> None:
        """Puts and deletes a hidden object: IAM's answer cannot be had otherwise, and is one for all names there."""
        probe = f"_probe-{uuid.uuid4().hex}"
        self.put(probe, b"")
        self.delete([probe])
