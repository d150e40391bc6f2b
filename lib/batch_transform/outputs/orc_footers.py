"""What the footer of an ORC file tells, by reading ends of files only."""

from __future__ import annotations

import io
from typing import NamedTuple

from batch_transform.core.amounts import counted
from batch_transform.core.errors import GateRefused
from batch_transform.core.object_store import StoreFailure
from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.outputs.file_tree import Tree

_TAIL_BYTES = 64 * 1024  # ORC's reader guesses 16 KiB for a footer


class OrcFooter(NamedTuple):
    """The rows of a file, and the names of its columns."""

    rows: int
    names: tuple[str, ...]


def told_by_footer(tree: Tree, file: TreeFile) -> OrcFooter:
    """Returns what it tells.

    Raises:
        GateRefused: it is no ORC file.
        StoreFailure: it cannot be read, or is not the version that was listed.
    """
    import pyarrow as pa
    from pyarrow import orc

    end = _End(tree, file)
    try:
        found = orc.ORCFile(pa.PythonFile(end, mode="r"))
        return OrcFooter(int(found.nrows), tuple(found.schema.names))
    except (pa.ArrowException, OSError) as err:
        if end.failure is not None:  # Arrow tells it as an error of its own
            raise end.failure from None
        raise GateRefused(
            f"{tree.location}/{file.name} ({counted(file.size_bytes, 'byte')}) is no ORC file: {err}"
        ) from err


class _End(io.RawIOBase):
    """A file of which only the end is fetched, further ahead where a reader asks for it."""

    def __init__(self, tree: Tree, file: TreeFile) -> None:
        self._tree, self._file, self._place, self._tail = tree, file, 0, b""
        self.failure: StoreFailure | None = None

    def size(self) -> int:
        return self._file.size_bytes

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size()}[whence]
        self._place = base + offset
        return self._place

    def read(self, size: int = -1) -> bytes:
        left = max(0, self.size() - self._place)
        if left > len(self._tail):
            try:
                self._tail = self._tree.read_tail(self._file, max(left, min(_TAIL_BYTES, self.size())))
            except StoreFailure as err:
                self.failure = err
                raise
        start = len(self._tail) - left
        found = self._tail[start : start + size] if size >= 0 else self._tail[start:]
        self._place += len(found)
        return found
