"""Whether the partitions in which a table comes are those in which it is staged. Pure arithmetic on their sizes.

A shuffle costs as much as another copy of the table, so it is for partitions that cost more than that: cores without
work, a last task that everybody waits for, thousands of tasks of a moment each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from batch_transform.core.amounts import counted, size
from batch_transform.core.limits import BYTES_PER_MB

# What a repartition aims at, in bytes of records. Small enough that a lost executor repeats little.
PARTITION_BYTES = 64 * BYTES_PER_MB
# Spark's own splits of 128 MB of Parquet hold about as much; a task's memory does not follow from it.
MOST_PARTITION_BYTES = 1024 * BYTES_PER_MB
_TIMES = 4


@dataclass(frozen=True)
class Partitioning:
    """From how many partitions to how many, and why.

    Attributes:
        before: those that hold rows.
        after: those in which the table is staged.
        why: a sentence's end; empty where they stay as they are.
    """

    before: int
    after: int
    why: str = ""


def partition_count(record_bytes: int) -> int:
    """Returns into how many partitions a repartition brings a table of so many bytes of records; at least 1."""
    return max(1, math.ceil(record_bytes / PARTITION_BYTES))


def partitioning(sizes: Sequence[float], cores: int) -> Partitioning:
    """Returns whether partitions of these sizes are shuffled, and into how many.

    Args:
        sizes: bytes of records in each, about; those without rows count for nothing.
        cores: tasks that Spark runs side by side, at least 1.
    """
    filled = [each for each in sizes if each > 0]
    if not filled:
        return Partitioning(0, 0)
    total, largest = sum(filled), max(filled)
    wanted = partition_count(math.ceil(total))
    if len(filled) < min(wanted, cores):
        why = f"too few for {size(total)} of records and {counted(cores, 'core')}"
    elif largest > MOST_PARTITION_BYTES:
        why = f"one holds {size(largest)} of records"
    elif largest > _TIMES * max(PARTITION_BYTES, total / len(filled)):
        why = f"uneven, one holds {size(largest)} of records, their mean {size(total / len(filled))}"
    elif len(filled) > _TIMES * max(wanted, cores):
        why = f"too small with {size(total / len(filled))} of records each"
    else:
        return Partitioning(len(filled), len(filled))
    return Partitioning(len(filled), wanted, why)


def may_be_shuffled(rows: Sequence[int], cores: int) -> bool:
    """Returns whether rows alone show that partitions may have to be, so that it is worth asking for a record's size.

    Partitions of very large records they do not show: those are seen by the bytes that were written.

    Args:
        rows: in each partition.
        cores: as `partitioning`.
    """
    filled = [count for count in rows if count]
    largest_share = max(filled, default=0) * len(filled) / max(1, sum(filled))
    return len(filled) < cores or largest_share > _TIMES or len(filled) > _TIMES * cores
