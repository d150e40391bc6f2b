"""What is measured of a table's records, and how many objects and requests they make. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from batch_transform.core.limits import BYTES_PER_MB, DEFAULT_PAYLOAD_MB
from batch_transform.core.sending.object_cutting import CuttingRules
from batch_transform.core.sending.partitioning import Partitioning
from batch_transform.core.spans import UNSENDABLE


@dataclass(frozen=True)
class LaneSize:
    """The records of a lane: how many, their bytes together, and those of the largest, each with its newline."""

    rows: int
    bytes: int
    largest: int

    @property
    def mean(self) -> float:
        """Bytes of an average record."""
        return self.bytes / self.rows


@dataclass(frozen=True)
class Measured:
    """The records of a table, by lane; lanes without rows are left out.

    Attributes:
        newline: whether a newline is counted with each record.
        partitions: those in which Spark reads the table, and those in which it is staged.
        estimated: what they are estimated from; empty: each was measured.
    """

    lanes: Mapping[str, LaneSize]
    newline: bool = True
    partitions: Partitioning = Partitioning(1, 1)  # noqa: RUF009 - frozen
    estimated: str = ""

    @property
    def rows(self) -> int:
        """Rows in all."""
        return sum(lane.rows for lane in self.lanes.values())

    @property
    def json_bytes(self) -> int:
        """Bytes of all records as staging counts them, without newlines."""
        return sum(lane.bytes - lane.rows * self.newline for lane in self.lanes.values())

    @property
    def largest(self) -> int:
        """Bytes of the largest record with its newline; 0 for a table without rows."""
        return max((lane.largest for lane in self.lanes.values()), default=0)

    @property
    def sendable(self) -> dict[str, LaneSize]:
        """The lanes that are sent."""
        return {name: lane for name, lane in self.lanes.items() if name != UNSENDABLE}


def about_objects(lane: LaneSize, rows: int, partitions: int, rules: CuttingRules) -> int:
    """Returns into how many objects a lane's records are cut, about.

    Records of average size fill objects up to the target; each partition ends one, and so does each record of another
    lane (rows are spread evenly, so of a lane that has few rows nearly each is alone). With records of one size in even
    partitions it is exact.

    Args:
        lane: its records.
        rows: of the table.
        partitions: in which the rows are staged.
        rules: where objects end.
    """
    fitting = min(max(1, math.floor(rules.object_bytes / lane.mean)), rules.most_rows or lane.rows)
    cut = partitions * math.ceil(lane.rows / partitions / fitting)
    interrupted = round(lane.rows * (1 - lane.rows / rows))
    return min(lane.rows, cut + interrupted)


def least_objects(lane: LaneSize, rules: CuttingRules) -> int:
    """Returns the fewest objects that a lane's records can be cut into: only a single record is over the target."""
    return max(
        1,
        math.ceil(lane.bytes / max(rules.object_bytes, lane.largest)),
        math.ceil(lane.rows / (rules.most_rows or lane.rows)),
    )


def about_requests(lane: LaneSize, objects: int, max_payload_mb: int | None, strategy: str) -> int:
    """Returns how many requests a lane's objects make, about.

    MultiRecord fills a body with records up to the payload; a body never holds records of two objects. Where the
    container decides, its payload is taken to be the service's default.
    """
    if strategy == "SingleRecord":
        return lane.rows
    payload = (max_payload_mb or DEFAULT_PAYLOAD_MB) * BYTES_PER_MB
    fitting = max(1, math.floor(payload / lane.mean))
    return objects * math.ceil(lane.rows / objects / fitting)
