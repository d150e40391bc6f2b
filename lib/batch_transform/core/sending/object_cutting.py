"""Where an export worker ends one object and begins the next. Pure arithmetic on columns of sizes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from batch_transform.core.spans import OVERSIZE, STANDARD, UNSENDABLE


@dataclass(frozen=True)
class CuttingRules:
    """The bounds of an object.

    Attributes:
        object_bytes: its target size.
        oversize_bytes: the record size at which the oversize lane begins.
        most_rows: how many rows it may hold; None: as many as fit.
    """

    object_bytes: int
    oversize_bytes: int
    most_rows: int | None = None


@dataclass(frozen=True)
class Piece:
    """Rows `[begin, end)` of a batch that go into one object.

    Attributes:
        continues: whether they go on in the object that the piece before ended with.
    """

    begin: int
    end: int
    lane: str
    continues: bool


@dataclass
class Cutter:
    """Cuts batches of records, in the order in which they come, into objects.

    A new object begins where the next record would pass the target or be one row too many, the row numbers stop being
    contiguous, or the lane changes. A record over the target is an object of its own. An unsendable record is a piece
    of its own.
    """

    rules: CuttingRules
    _bytes: int = 0
    _rows: int = 0
    _lane: str | None = None
    _next_number: int = -1

    def cut(self, numbers: np.ndarray, sizes: np.ndarray, sendable: np.ndarray) -> Iterator[Piece]:
        """Yields the pieces of a batch, in order; together they are all its rows.

        Args:
            numbers: row numbers, int64.
            sizes: bytes of each record with its newline, int64.
            sendable: False for a record that no payload can hold.
        """
        lanes = np.where(sendable, (sizes > self.rules.oversize_bytes).astype(np.int8), 2)
        changes = (np.diff(lanes) != 0) | (np.diff(numbers) != 1) | (lanes[1:] == 2)
        bounds = [0, *(np.flatnonzero(changes) + 1).tolist(), len(numbers)]
        ends = np.cumsum(sizes)
        for begin, end in itertools.pairwise(bounds):
            if begin < end:
                lane = (STANDARD, OVERSIZE, UNSENDABLE)[int(lanes[begin])]
                yield from self._cut_run(int(numbers[begin]), begin, end, lane, ends)

    def _cut_run(self, number: int, begin: int, end: int, lane: str, ends: np.ndarray) -> Iterator[Piece]:
        fits = lane == self._lane != UNSENDABLE and number == self._next_number
        while begin < end:
            sent = int(ends[begin - 1]) if begin else 0
            room = self.rules.object_bytes - (self._bytes if fits else 0)
            stop = min(end, int(np.searchsorted(ends, sent + room, side="right")))
            if self.rules.most_rows is not None:
                stop = min(stop, begin + self.rules.most_rows - (self._rows if fits else 0))
            if stop <= begin and fits:
                fits = False  # not even one more record: the next object begins here
                continue
            stop = max(stop, begin + 1)
            yield Piece(begin, stop, lane, fits)
            self._bytes = (self._bytes if fits else 0) + int(ends[stop - 1]) - sent
            self._rows = (self._rows if fits else 0) + stop - begin
            number += stop - begin
            self._lane, self._next_number = lane, number
            begin, fits = stop, False
