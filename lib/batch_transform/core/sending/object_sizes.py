"""How big staged partitions, objects and Arrow batches are."""

from __future__ import annotations

import math

from batch_transform.core.limits import BYTES_PER_MB, DEFAULT_PAYLOAD_MB

# A task's share of the table, in bytes of JSON. Small enough that a lost executor repeats little.
PARTITION_BYTES = 64 * BYTES_PER_MB
# The service maps whole objects to instances by key, blind to their size: ten for each even the load out
# (transform_emulator/FACTS.md, 5). An object is also what one bad row takes with it, so smaller is better.
OBJECTS_PER_INSTANCE = 10
# An export worker holds one object before it is uploaded.
MAX_OBJECT_BYTES = 64 * BYTES_PER_MB
ARROW_BATCH_BYTES = 32 * BYTES_PER_MB
# 4,096 rows of it, the batch of Spark's columnar reader, are 64 MB.
LARGE_RECORD_BYTES = 16_000
MAX_ARROW_BATCH_ROWS = 10_000  # Spark's own default
FEW_OBJECTS, OBJECTS_PER_TASK = 16, 8


def partition_count(json_bytes: int) -> int:
    """Returns into how many partitions a table of `json_bytes` bytes of JSON is staged; at least 1."""
    return max(1, math.ceil(json_bytes / PARTITION_BYTES))


def is_uneven(partition_bytes: list[int]) -> bool:
    """Returns whether files of these sizes (bytes of JSON) should be staged again with a repartition.

    They should when fewer than half the partitions that the size asks for hold rows, when there are more than four
    times as many, or when one holds over four times its share. A table without rows is even.
    """
    filled = [size for size in partition_bytes if size]
    if not filled:
        return False
    wanted = partition_count(sum(filled))
    return len(filled) * 2 < wanted or len(filled) > 4 * wanted or max(filled) > 4 * PARTITION_BYTES


def object_bytes(json_bytes: int, instance_count: int, max_payload_mb: int | None) -> int:
    """Returns the target size in bytes of one JSON Lines object.

    `json_bytes / (10 * instance_count)`, so that each instance gets about ten objects, but at least one full request
    (the payload limit, 6 MB unless set) and at most 64 MB, which an export worker holds in memory.
    """
    payload = (max_payload_mb or DEFAULT_PAYLOAD_MB) * BYTES_PER_MB
    even_share = math.ceil(json_bytes / (OBJECTS_PER_INSTANCE * instance_count))
    return min(max(even_share, payload), MAX_OBJECT_BYTES)


def oversize_bytes(max_payload_mb: int | None) -> int:
    """Returns the record size in bytes above which a record goes into the oversize lane.

    It is the payload limit of the standard lane (`job_planning.standard_payload_mb`), or 6 MB where the container says,
    so that one 60 MB record does not cost every other record its concurrency (100 / 60 = 1 request at a time, not 16).
    """
    return (max_payload_mb or DEFAULT_PAYLOAD_MB) * BYTES_PER_MB


def task_count(objects: int, most: int) -> int:
    """Returns in how many tasks objects are worked on, at most `most`.

    A task of a Python worker takes a tenth of a second of its own, an object some hundredths: few objects have a task
    each, many small ones share one.
    """
    return max(1, min(objects, max(FEW_OBJECTS, objects // OBJECTS_PER_TASK), most))


def is_large(record_bytes: float) -> bool:
    """Returns whether records of this size make a reader's default batch, 4,096 rows, too much for a task's memory."""
    return record_bytes > LARGE_RECORD_BYTES


def arrow_batch_rows(largest_record_bytes: int) -> int:
    """Returns how many rows an Arrow batch to a Python worker may hold: about 32 MB, between 1 and 10,000 rows."""
    return min(max(1, ARROW_BATCH_BYTES // max(1, largest_record_bytes)), MAX_ARROW_BATCH_ROWS)
