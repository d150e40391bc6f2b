"""The bytes of objects, each version in a file of its own with a name that no other ever has.

A file that the index does not name is no object: what was being written when the process died is removed at the next
start. So a file is complete, and never changes, from the moment in which the index names it.
"""

import os
import re
import secrets
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import BinaryIO, cast

from transform_emulator.state.directory import private

NAME = re.compile(r"[0-9a-f]{32}")


class KeptFile:
    """What moto has for an object's bytes, without an open file between two reads: there may be any number of objects.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._position = 0
        self._closed = False

    def seek(self, position: int) -> int:
        """Returns where the next read begins."""
        self._position = position
        return position

    def read(self, size: int = -1) -> bytes:
        """Returns up to so many bytes; all that are left for -1.

        Raises:
            ValueError: The object was replaced or deleted.
        """
        if self._closed:
            raise ValueError("I/O operation on closed file.")
        with self.path.open("rb", buffering=0) as file:
            file.seek(self._position)
            data = file.read(size) or b""
        self._position += len(data)
        return data

    def close(self) -> None:
        """Refuses further reads."""
        self._closed = True


class ObjectFiles:
    """The folder of the files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self) -> BinaryIO:
        """Returns a new file that is open for writing; its `name` is its path."""
        return cast(BinaryIO, open(self._folder / secrets.token_hex(16), "xb", opener=private))

    def of(self, name: str) -> KeptFile:
        """Returns the bytes in a file."""
        return KeptFile(self._folder / name)

    def remove(self, names: Iterable[str]) -> None:
        """Removes files that the index does not name any more."""
        for name in names:
            (self._folder / name).unlink(missing_ok=True)

    def sizes(self) -> dict[str, int]:
        """Returns the bytes of each file that is there."""
        with os.scandir(self._folder) as entries:
            return {entry.name: entry.stat().st_size for entry in entries if NAME.fullmatch(entry.name)}

    def sweep(self, named: Collection[str]) -> None:
        """Removes all files that the index does not name."""
        with os.scandir(self._folder) as entries:
            found = {entry.name for entry in entries if NAME.fullmatch(entry.name)}
        self.remove(found.difference(named))
