"""How big objects and Arrow batches are, and how many records an object may hold. Pure."""

from __future__ import annotations

import math
from enum import Enum

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.framing import Framing
from batch_transform.core.limits import BYTES_PER_MB, DEFAULT_PAYLOAD_MB, JOIN_HEADROOM, MAX_PAYLOAD_MB
from batch_transform.core.run_settings import JOBS, RunSettings, TransformSettings
from batch_transform.core.sending.job_planning import most_payload_mb, standard_payload_mb
from batch_transform.core.sending.object_cutting import CuttingRules
from batch_transform.core.sending.spreading import most_instances, speed_of
from batch_transform.core.staged_table import Staged

# The service maps the objects of a job to its instances by key, blind to their size (transform_emulator/FACTS.md, 5):
# of ten each, four instances are busy 0.75 of what they are paid for and 64 are 0.55; of a hundred, 0.91 and 0.80. An
# instance that is a job by itself needs them as well: a request of its last object has little beside it to do
# (tests/benchmarks/instance_seconds.py).
OBJECTS_PER_INSTANCE = 100
# What an object costs beside its bytes: it is put, listed, fetched, put as output and counted (splitting.Costs).
OBJECT_SECONDS = 0.25
# With a bad row its whole object has to be sent again. How many a table has nobody knows.
BAD_ROWS = 1
# Below it a request's own time weighs as much as a fiftieth of its bytes (spreading.REQUEST_BYTES).
LEAST_OBJECT_BYTES = BYTES_PER_MB
# Of a table in one object a bad row leaves nothing scored: the next round can only be a probe (reconciling.PROBE_ROWS),
# and the one after it is planned in the dark. Of eight it leaves seven, so no probe is needed and few bad rows are
# looked for as few; that costs eight requests for one.
FEWEST_OBJECTS = 8
# Of less an object is mostly its own request, and a probe reaches a good part of its rows anyway.
SMALLEST_OBJECT_BYTES = 16_000
# An export worker holds one object before it is uploaded.
MAX_OBJECT_BYTES = 64 * BYTES_PER_MB
ARROW_BATCH_BYTES = 32 * BYTES_PER_MB
# 4,096 rows of it, the batch of Spark's columnar reader, are 64 MB.
LARGE_RECORD_BYTES = 16_000
MAX_ARROW_BATCH_ROWS = 10_000  # Spark's own default
# A character of one byte is six in JSON (\\u0001), which the estimate of a record does not tell.
_MOST_ESCAPED = 6
# Of objects so many times too small or too large; what they cost grows by less than their number does.
_TIMES_AS_LARGE = 4
FEW_OBJECTS, OBJECTS_PER_TASK = 16, 8


class ToPython(Enum):
    """What of each row an Arrow batch takes to Python, by which its rows bound it or do not."""

    NUMBER = "its number"
    RECORD = "its record"
    ANYTHING = "whatever it is, such as a model's answer"


def object_bytes(json_bytes: int, transform: TransformSettings) -> int:
    """Returns the target size in bytes of one JSON Lines object.

    With `spread: jobs` it is where the bill is least: n objects cost n times their own time, and each bad row the work
    on an nth of the table; but no larger than a hundredth of what an instance has. At least it is one full request,
    where its size is given, or 1 MB, or an eighth of a smaller table; at most 64 MB, which an export worker holds in
    memory.
    """
    instances, least_bill = most_instances(transform), 1
    if transform.spread == JOBS:
        speed = speed_of(transform)
        instances = max(1, int(min(speed.start_ups(json_bytes), instances)))
        least_bill = round(math.sqrt(BAD_ROWS * speed.seconds(json_bytes) / OBJECT_SECONDS))
    wanted = math.ceil(json_bytes / max(least_bill, OBJECTS_PER_INSTANCE * instances))
    payload_mb = transform.max_payload_mb
    least = payload_mb * BYTES_PER_MB if isinstance(payload_mb, int) else LEAST_OBJECT_BYTES
    of_a_small_table = max(math.ceil(json_bytes / FEWEST_OBJECTS), SMALLEST_OBJECT_BYTES)
    return min(max(wanted, min(least, of_a_small_table)), MAX_OBJECT_BYTES)


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


def rows_bound_batches(largest_record_bytes: int) -> bool:
    """Returns whether so many rows (`arrow_batch_rows`) are within 32 MB, of however many characters are escaped.

    Args:
        largest_record_bytes: as it is estimated.
    """
    return arrow_batch_rows(largest_record_bytes) * _MOST_ESCAPED * largest_record_bytes <= ARROW_BATCH_BYTES


def rows_per_object(settings: RunSettings, framing: Framing) -> int | None:
    """Returns how many rows an object may hold at most; None: as many as its bytes allow, or all of them."""
    if not framing.newline:
        return 1
    given = settings.record.rows_per_object
    return given if isinstance(given, int) else None


def headroom(transform: TransformSettings) -> int:
    """Returns how many times a record its payload must hold: a joined one has its prediction beside it."""
    return JOIN_HEADROOM if transform.joins_input else 1


def cutting_rules(settings: RunSettings, json_bytes: int, framing: Framing) -> CuttingRules:
    """Returns where objects end.

    An object that is one request is as large as the payload limit, its header counted in: the pinned one, else the
    service's default of 6 MB. Where a person says how many rows belong together, `auto` makes room for them up to the
    service's 100 MB, and one large record does not leave the others.

    Args:
        settings: of the run.
        json_bytes: of all staged records.
        framing: of the records.
    """
    transform, rows = settings.transform, rows_per_object(settings, framing)
    asked = transform.max_payload_mb, transform.max_concurrent_transforms
    payload = standard_payload_mb(*asked)
    if not framing.whole:
        most = oversize_bytes(payload) // headroom(transform)
        return CuttingRules(object_bytes(json_bytes, transform), most)
    room = (payload or DEFAULT_PAYLOAD_MB) * BYTES_PER_MB
    if settings.is_one_object:
        room = _most_bytes(transform)
    elif rows is not None and rows > 1 and payload is not None:
        room = most_payload_mb(*asked) * BYTES_PER_MB
    room -= len(framing.header)
    return CuttingRules(room, room, rows)


def are_about_alike(one: CuttingRules, other: CuttingRules) -> bool:
    """Returns whether objects that end by these rules are about as large, so that none need be cut again."""
    small, large = sorted((one.object_bytes, other.object_bytes))
    return large <= _TIMES_AS_LARGE * small


def is_far_more(estimated_bytes: int, measured_bytes: int) -> bool:
    """Returns whether records are so much more than was estimated that what was decided by it may be wrong."""
    return measured_bytes > _TIMES_AS_LARGE * estimated_bytes


def check_one_object(settings: RunSettings, staged: Staged, framing: Framing) -> None:
    """Checks that the whole table fits into one request, if it is to be one.

    Raises:
        ConfigurationError: it does not.
    """
    if not settings.is_one_object:
        return
    size = len(framing.header) + staged.json_bytes + staged.rows * framing.newline
    most = _most_bytes(settings.transform)
    if size > most:
        raise ConfigurationError(
            f"record.rows_per_object: all is one request of {counted(staged.rows, 'row')}, but their records are "
            f"{counted(size, 'byte')} and transform.max_payload_mb ({settings.transform.max_payload_mb}) allows "
            f"{most:,}; the service takes {MAX_PAYLOAD_MB} MB at most. Choose fewer rows (input.where) or fewer "
            "columns (record.columns)"
        )


def _most_bytes(transform: TransformSettings) -> int:
    return most_payload_mb(transform.max_payload_mb, transform.max_concurrent_transforms) * BYTES_PER_MB
