"""A folder of files as publishing sees it, on S3 or on a file system that the driver reaches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from batch_transform.core.publishing.file_publication import TreeFile

THREADS = 10  # botocore's default connection pool; more threads would only wait for each other
# A local file on its way to its name; hidden from Spark, and left behind when the process is killed.
TEMPORARY_SUFFIX = ".batch_transform-tmp"

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Tree(Protocol):
    """Files below one root. Names are relative, with "/"; every method raises StoreFailure when it was not obeyed."""

    @property
    def location(self) -> str:
        """The root as a URI."""

    def list(self) -> Iterator[TreeFile]:
        """Returns all files, hidden ones too, in a stable order; none if there is no such folder."""

    def find(self, name: str) -> TreeFile | None:
        """Returns a file by its name; None where there is none, or a folder."""

    def read(self, name: str) -> bytes:
        """Returns the bytes of a small file."""

    def read_tail(self, file: TreeFile, length_bytes: int) -> bytes:
        """Returns the last bytes of the version of a file that was listed; all of it if it is shorter."""

    def digest(self, name: str) -> str | None:
        """Returns the SHA-256 of a file, in hexadecimal; None where its ETag stands for its content."""

    def put(self, name: str, body: bytes) -> None:
        """Writes a small file, whole or not at all, whatever was there before."""

    def put_new(self, name: str, body: bytes) -> None:
        """Writes a small file; raises AlreadyThere if there is one."""

    def delete(self, names: Iterable[str]) -> None:
        """Deletes files; one that is not there is no error."""

    def copy_in(self, source: Tree, file: TreeFile, name: str) -> None:
        """Copies a file of another tree of the same kind to `name`, whole or not at all."""

    def clear(self) -> None:
        """Deletes everything below the root."""

    def drop_empty(self) -> None:
        """Deletes each folder in which nothing is, the root too; a store of objects has none."""

    def check_writable(self, removed: Iterable[str] = ()) -> None:
        """Raises StoreFailure if a file could not be written and deleted here, or one of those to be removed not."""


def in_threads(function: Callable[[Item], Answer], items: Iterable[Item], threads: int = THREADS) -> list[Answer]:
    """Returns `function` of each item, in order; the first error ends what has not begun."""
    if threads == 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))
