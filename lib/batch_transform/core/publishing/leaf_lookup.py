"""From a row's number to the leaf that holds it: by binary search, over all leaves or only those that are wanted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import pyarrow as pa

from batch_transform.core.errors import GateRefused
from batch_transform.core.isolation.verdict_rows import LEAF_SCHEMA, Leaf


class Leaves:
    """The leaves sorted by row number, for lookup by binary search."""

    def __init__(self, table: pa.Table) -> None:
        table = table.sort_by("start")
        self.table = table
        self._starts = table["start"].to_numpy()
        self._stops = table["stop"].to_numpy()

    def runs(self, numbers: np.ndarray) -> Iterator[tuple[Leaf, np.ndarray]]:
        """Yields (leaf, row numbers) for each run of neighbours that lie in one leaf, in order.

        Raises:
            GateRefused: a row number that lies in no leaf.
        """
        places = np.searchsorted(self._starts, numbers, side="right") - 1
        outside = (places < 0) | (numbers >= self._stops[places]) if self._starts.size else np.ones(len(numbers), bool)
        if outside.any():
            raise GateRefused(f"row number {numbers[np.argmax(outside)]} lies in no object that was scored")
        bounds = [0, *(np.flatnonzero(np.diff(places)) + 1).tolist(), len(numbers)]
        for begin, end in itertools.pairwise(bounds):
            if begin < end:
                yield self.table.slice(int(places[begin]), 1).to_pylist()[0], numbers[begin:end]


class LeafLookup(Protocol):
    """Says in which leaf a row lies."""

    def runs(self, numbers: np.ndarray) -> Iterator[tuple[Leaf, np.ndarray]]:
        """Yields (leaf, row numbers) for each run of neighbours that lie in one leaf, as `Leaves.runs`."""


class GroupedLeaves:
    """Leaves of which those groups alone are held in which the row numbers of a batch may lie.

    Where each row is an object there is a leaf for each row: all of them are gigabytes in each worker, while a task has
    neighbours.
    """

    def __init__(self, firsts: np.ndarray, stops: np.ndarray, read: Callable[[list[int]], pa.Table]) -> None:
        """Takes of each group a number that none of its rows is below and one that none reaches, and how it is read."""
        self._firsts, self._stops, self._read = firsts, stops, read
        self._held: list[int] | None = None
        self._leaves = Leaves(LEAF_SCHEMA.empty_table())

    def runs(self, numbers: np.ndarray) -> Iterator[tuple[Leaf, np.ndarray]]:
        """Yields what `Leaves.runs` does; raises as it does."""
        ordered = np.sort(numbers)
        begins, ends = (np.searchsorted(ordered, bounds) for bounds in (self._firsts, self._stops))
        wanted: list[int] = np.flatnonzero(begins < ends).tolist()
        if wanted != self._held:
            self._leaves, self._held = Leaves(self._read(wanted)), wanted
        return self._leaves.runs(numbers)
