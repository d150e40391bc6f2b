"""What Delta's errors, metrics and log stores mean, without Spark."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum

from batch_transform.core.reserved_columns import quoted
from batch_transform.outputs.port import OutputTable

# The class (`ConcurrentAppendException`) or the condition (`DELTA_CONCURRENT_APPEND.WITHOUT_HINT`), whichever the
# client shows: PySpark has classes of its own for them only where delta-spark is installed.
CONFLICT = re.compile(
    r"(Concurrent[A-Z]\w+|ProtocolChanged|MetadataChanged)Exception"
    r"|DELTA_(CONCURRENT_[A-Z_]+|PROTOCOL_CHANGED|METADATA_CHANGED)"
    r"|TABLE(_OR_VIEW)?_ALREADY_EXISTS"  # two writers made the table at once
)
OWN = re.compile(r"ConcurrentTransaction|CONCURRENT_TRANSACTION")
HEAD_CHARACTERS = 500  # further on, a message quotes the other commit, in which anything may stand

S3_SCHEME = re.compile(r"(s3|s3a|s3n)://")
MULTI_WRITER_STORE = "S3DynamoDBLogStore"
COMMIT_COORDINATOR = "spark.databricks.delta.properties.defaults.coordinatedCommits.commitCoordinator-preview"
DATABRICKS = "spark.databricks.clusterUsageTags.clusterId"


class Conflict(Enum):
    """What a failed write tells: no conflict; a conflict with another's commit; our own transaction is in."""

    NONE = "none"
    RETRY = "retry"
    COMMITTED = "committed"


def sql_name(table: OutputTable) -> str:
    """Returns a table as SQL names it."""
    return table.table or f"delta.{quoted(table.path or '')}"


def conflict_of(class_name: str, message: str) -> Conflict:
    """Returns what an exception of a Delta write means, by its class and the beginning of its message.

    A conflict is raised before anything is committed, so the write may be tried again (Delta's documentation,
    "Concurrency control"). ConcurrentTransaction means that a commit with our transaction's identity won.
    """
    head = f"{class_name} {message[:HEAD_CHARACTERS]}"
    if not CONFLICT.search(head):
        return Conflict.NONE
    return Conflict.COMMITTED if OWN.search(head) else Conflict.RETRY


def written_rows(metrics: Mapping[str, str]) -> int | None:
    """Returns the rows that a commit brought in, by its `operationMetrics`; None if they do not tell.

    replaceWhere rewrites files of which some rows stay, and counts those as output too: `numOutputRows` 3 with
    `numCopiedRows` 1 brought in 2. A replaceWhere that writes no file has no `numOutputRows` (Delta 4.4).
    """
    if "numOutputRows" in metrics:
        return int(metrics["numOutputRows"]) - int(metrics.get("numCopiedRows", 0))
    return 0 if metrics.get("numFiles") == "0" else None


def single_writer_warning(path: str, conf_get: Callable[[str], str | None]) -> str | None:
    """Returns a warning if concurrent writers on S3 could overwrite each other's commits, else None.

    Delta's default log store on S3 is safe for writers of one driver only: a commit held back and released replaced
    another's version, 100 committed rows were gone, and both had reported success.

    Args:
        path: the table's location.
        conf_get: returns a setting of the Spark session, None where it is unset.
    """
    match = S3_SCHEME.match(path)
    if match is None or conf_get(DATABRICKS) or conf_get(COMMIT_COORDINATOR):
        return None
    keys = (f"spark.delta.logStore.{match[1]}.impl", "spark.delta.logStore.class")
    # A class that somebody wrote and configured is trusted; of Delta's own, one is for many writers.
    own = [store for store in map(conf_get, keys) if store and not store.endswith("S3SingleDriverLogStore")]
    if own:
        return None
    return (
        f"{path}: Delta's log store for {match[1]}:// is safe for one writing cluster at a time; "
        f"two may lose commits. Set {keys[0]}=io.delta.storage.{MULTI_WRITER_STORE}, or write from one place only"
    )
