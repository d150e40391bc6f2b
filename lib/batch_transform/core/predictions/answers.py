"""What came of the lines of an `.out` object: typed values, and the places of the lines that could not be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import pyarrow as pa

# A reason names fields of the schema, which may be long; it goes into the dead letter of each row of a run of lines.
MOST_REASON_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that holds no prediction: its number, and why, in words that hold no row data."""

    line: int
    reason: str

    def __post_init__(self) -> None:
        if len(self.reason) > MOST_REASON_CHARACTERS:
            object.__setattr__(self, "reason", self.reason[: MOST_REASON_CHARACTERS - 3] + "...")

    def moved(self, lines: int) -> Unreadable:
        """Returns the same with `lines` added to its number, as from a block to the object that holds it."""
        return replace(self, line=self.line + lines)


@dataclass(frozen=True)
class Answers:
    """The predictions of a block of lines.

    `values` has one struct for each line, in order: a null one exactly where the line is in `unreadable`, which is in
    ascending order. It is an Arrow array, so `slice` and `take` by line number cost next to nothing.
    """

    values: pa.StructArray
    unreadable: tuple[Unreadable, ...] = ()

    def __len__(self) -> int:
        return len(self.values)


class Run(NamedTuple):
    """Lines `[start, stop)` that were all refused for one reason."""

    start: int
    stop: int
    reason: str


def unreadable_runs(unreadable: Iterable[Unreadable]) -> list[Run]:
    """Returns the fewest runs of lines, each of one reason, that hold these lines and no other.

    Args:
        unreadable: in ascending order of line.

    Raises:
        ValueError: the lines are not in ascending order.
    """
    runs: list[Run] = []
    for place in unreadable:
        stop = runs[-1].stop if runs else 0
        if place.line < stop:
            raise ValueError(f"unreadable line {place.line} is out of order")
        if runs and (stop, runs[-1].reason) == (place.line, place.reason):
            runs[-1] = runs[-1]._replace(stop=stop + 1)
        else:
            runs.append(Run(place.line, place.line + 1, place.reason))
    return runs
