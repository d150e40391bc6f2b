"""A reader that honours `_SUCCESS`, and one that does so again and again beside what a test does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from batch_transform.core.object_store import ObjectNotFound
from batch_transform.outputs.file_tree import Tree
from support.publishing import data

Table = dict[str, bytes]


def whole_table(tree: Tree) -> Table | None:
    """Returns the data files of an output, or None where a reader has to come again later.

    It takes what it read only if `_SUCCESS` was there and the listing was the same before and after: a listing need not
    be of one moment, and a file may go while others are read.
    """
    before = list(tree.list())
    if "_SUCCESS" not in [file.name for file in before]:
        return None
    try:
        files = {file.name: tree.read(file.name) for file in before}
    except ObjectNotFound:
        return None
    return data(files) if list(tree.list()) == before else None


class SuccessReader:
    """Reads in a thread until the end of its block; `seen` holds each table once, in the order of first sight."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self.seen: list[Table] = []
        self.looks = 0

    def __enter__(self) -> SuccessReader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def look_again(self, seconds: float = 30) -> None:
        """Waits until it has looked at the output as it is now, from beginning to end."""
        wanted = self.looks + 2  # the look that is under way began before now
        self._wait(lambda: self.looks >= wanted, seconds)

    def _wait(self, reached: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not reached():
            assert self._thread.is_alive(), self._failure
            assert time.monotonic() < deadline, "the reader does not get on"
            time.sleep(0.001)

    def _read(self) -> None:
        try:
            while not self._ended.is_set():
                table = whole_table(self._tree)
                if table is not None and table not in self.seen:
                    self.seen.append(table)
                self.looks += 1
        except Exception as err:  # noqa: BLE001 - given to the test's thread
            self._failure = err
