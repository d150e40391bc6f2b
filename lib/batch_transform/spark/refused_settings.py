"""Settings that a platform keeps from its users: which it lets be set, and what a run does without the others.

On Databricks' serverless compute most of Spark's settings can be neither set nor read, and on shared compute (standard
access mode) some. Whoever cannot set one has what the platform holds, which is Spark's default unless it is told.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pyspark.errors import PySparkException

# Databricks, "Set Spark configuration properties on Databricks", section "Configure Spark properties for serverless
# notebooks and jobs" (docs.databricks.com/aws/en/spark/conf), read on 2026-11-27.
SERVERLESS_SETTINGS = frozenset(
    {
        "spark.databricks.execution.timeout",
        "spark.sql.ansi.enabled",
        "spark.sql.files.maxPartitionBytes",
        "spark.sql.legacy.timeParserPolicy",
        "spark.sql.session.timeZone",
        "spark.sql.shuffle.partitions",
    }
)
# Serverless compute is known by it (github.com/databrickslabs/dbldatagen, pull request 297).
_SERVERLESS = "IS_SERVERLESS"
# CONFIG_NOT_AVAILABLE is Databricks' own; the others are Spark's, of a static setting and of a guarded one.
_REFUSALS = ("CONFIG_NOT_AVAILABLE", "CANNOT_MODIFY_CONFIG", "CANNOT_MODIFY_STATIC_CONFIG")

_SOURCES = "spark.sql.sources.useV1SourceList"
# Options of reader and writer say the same, or Spark's reader takes back whatever its writer has written.
_COVERED = frozenset(
    {
        "spark.sql.caseSensitive",
        "spark.sql.execution.arrow.pyspark.fallback.enabled",
        "spark.sql.files.ignoreCorruptFiles",
        "spark.sql.files.ignoreMissingFiles",
        "spark.sql.files.maxRecordsPerFile",
        "spark.sql.parquet.datetimeRebaseModeInRead",
        "spark.sql.parquet.fieldId.write.enabled",
        "spark.sql.parquet.int96RebaseModeInRead",
        "spark.sql.parquet.mergeSchema",
        "spark.sql.parquet.outputTimestampType",
        "spark.sql.parquet.writeLegacyFormat",
        "spark.sql.sources.partitionOverwriteMode",
    }
)
_OLD_DATES = frozenset({"spark.sql.parquet.datetimeRebaseModeInWrite", "spark.sql.parquet.int96RebaseModeInWrite"})
# They follow from the largest record, which nobody knows yet: any value that is held may be the wrong one.
_MEMORY = frozenset(
    {
        "spark.sql.execution.arrow.maxBytesPerBatch",
        "spark.sql.execution.arrow.maxRecordsPerBatch",
        "spark.sql.orc.enableVectorizedReader",
        "spark.sql.parquet.enableVectorizedReader",
    }
)
_LOSSES = (
    (
        _MEMORY,
        "that a task's memory follows from the largest record (where rows of many MB end a Python worker, use compute "
        "on which these may be set)",
    ),
    (
        _OLD_DATES,
        "that dates before 1582-10-15 and timestamps before 1900 are written (Spark 3.5 ends the run at one, before "
        "anything is paid for)",
    ),
)


@dataclass(frozen=True)
class Without:
    """What the settings that are refused mean for a run.

    Attributes:
        faults: of a run that would not be right.
        warning: what is not promised; '' for nothing.
    """

    faults: tuple[str, ...]
    warning: str = ""


def may_be_set(key: str) -> bool:
    """Returns whether it is worth asking: on serverless compute each refused call is a request, and a line of a log."""
    return os.environ.get(_SERVERLESS, "").lower() != "true" or key in SERVERLESS_SETTINGS


def is_refused(error: PySparkException) -> bool:
    """Returns whether a platform refuses a setting because its users may not have it."""
    return any(condition in str(error) for condition in _REFUSALS)


def without(wanted: Mapping[str, str], held: Mapping[str, str | None], staged_format: str) -> Without:
    """Returns what a run cannot do, or does not promise.

    Args:
        wanted: the settings of the run's own jobs.
        held: those of them that are refused, with the value that holds; None where that is not told either.
        staged_format: of the run's own files.
    """
    wrong = sorted(key for key in held if _is_wrong(key, wanted[key], held[key], staged_format))
    faults = [f"{key} is {held[key]} in this session, which takes no other value; {_WRONG}" for key in wrong]
    lost = [told for keys, told in _LOSSES if _are_lost(keys, wanted, held)]
    if not lost:
        return Without(tuple(faults))
    refused = f"this session keeps {len(held):,} of the {len(wanted):,} Spark settings of a run from it"
    return Without(tuple(faults), f"{refused}; so it is not promised {', nor '.join(lost)}")


_WRONG = (
    "with that rows might be read or written as others than they are. Ask whoever administers the compute to leave "
    "the setting out, or use compute on which it may be set (dedicated access mode)"
)


def _is_wrong(key: str, wanted: str, held: str | None, staged_format: str) -> bool:
    if held is None or key in _COVERED | _MEMORY | _OLD_DATES:
        return False
    if key == _SOURCES:
        return staged_format not in held.lower().replace(" ", "").split(",")
    return held.lower() != wanted.lower()


def _are_lost(keys: Collection[str], wanted: Mapping[str, str], held: Mapping[str, str | None]) -> bool:
    return any(key in held and (keys is _MEMORY or held[key] != wanted[key]) for key in keys)
