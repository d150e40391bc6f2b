"""What Spark tells of a DataFrame without evaluating it, and its rows as one number where that does not do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from urllib.parse import unquote

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, MapType

from batch_transform.core import firm_plans
from batch_transform.core.cached_scans import cached_locations, has_cache
from batch_transform.core.plain_paths import escaped
from batch_transform.core.reserved_columns import quoted
from batch_transform.core.source_identity import FileVersion, Plan, SourceFiles, SourceIdentity
from batch_transform.core.staged_table import Staged
from batch_transform.spark.explaining import explained
from batch_transform.spark.input_reading import file_versions
from batch_transform.spark.nested_kinds import kinds_in
from batch_transform.spark.settings import is_connect, known, session_settings
from batch_transform.spark.spark_errors import SPARK_ERRORS
from batch_transform.spark.staged_rows import input_columns, read_staged

# Above it files go by their names alone; a writer of tables gives each a name of its own.
MOST_FILES_LOOKED_AT = 10_000
# A plan of many columns would be told by the first 25; a cut one would hide what it calls (this is the default).
_WHOLE_TEXT = {"spark.sql.debug.maxToStringFields": "100000", "spark.sql.maxPlanStringLength": str(2**31 - 16)}
# How a plan without rows begins, below its columns; what else it has is indented by it.
_NONE, _INDENT = "\nFilter false\n+- ", "   "


def identify(df: DataFrame, versions: Sequence[FileVersion] | None) -> SourceIdentity | None:
    """Returns what a DataFrame is told by; None where Spark would not tell.

    It is not evaluated, but for the files of a filter's rows, which are told by reading the columns that it needs.

    Args:
        df: the input.
        versions: of the files that hold its rows, if they are known; of no use where those are others each time.
    """
    try:
        plan = _plan(df)
        hash = df.semanticHash()
        if plan.takes_others:
            versions = None
        elif versions is None and plan.tells_files:
            versions = file_versions(df)
        exact = versions is not None or not plan.is_filtered
        files = _listed(df) if versions is None else versions
    except SPARK_ERRORS:
        return None
    spark = df.sparkSession
    application = known(spark, "spark.app.id")
    session = f"{application}/{os.getpid()}" if application else None
    engine = f"{spark.version}{' Connect' if is_connect(df) else ''}"
    return SourceIdentity(engine, session, hash, plan, SourceFiles.of(files, exact=exact) if files else None)


def _plan(df: DataFrame) -> Plan:
    """The analysed plan, in which nothing depends yet on statistics or on the time of day.

    It is told of none of the rows: `explain` goes on to the physical plan, and to plan a scan Delta runs a job over its
    log (half a second for a table of two files, with nothing else to do). Only where a cached table would hide its
    files is the plan of the rows themselves looked at, which shows one.
    """
    with session_settings(df.sparkSession, _WHOLE_TEXT):
        columns, found, below = _analysed(df.where(F.lit(False)))[0].partition(_NONE)
        if found:
            text = "\n".join([columns, *(line.removeprefix(_INDENT) for line in below.split("\n"))])
            plan = Plan.of(text, is_cached=True)
            if not plan.hides_files:
                return plan
        analysed, optimised = _analysed(df)
    return Plan.of(analysed, is_cached=has_cache(optimised))


def is_of_one_scan(df: DataFrame) -> bool:
    """Returns whether all rows of a DataFrame are made of those of one scan of files; nothing is evaluated."""
    return firm_plans.is_of_one_scan(_analysed(df.where(F.lit(False)))[0])


def is_by_values(df: DataFrame, condition: str) -> bool:
    """Returns whether a condition holds for the same rows of a DataFrame in each query; nothing is evaluated."""
    with session_settings(df.sparkSession, _WHOLE_TEXT):
        return firm_plans.is_by_values(_analysed(df.where(condition).where(F.lit(False)))[0], condition)


def _analysed(df: DataFrame) -> tuple[str, str]:
    """The analysed plan, and the optimised one."""
    _, _, text = explained(df, "extended").partition("== Analyzed Logical Plan ==")
    analysed, _, optimised = text.partition("== Optimized Logical Plan ==")
    return analysed, optimised


def _listed(df: DataFrame) -> Sequence[FileVersion]:
    """The files below a DataFrame, whatever a filter takes of them."""
    named = sorted(set(df.inputFiles()))
    if not named or len(named) > MOST_FILES_LOOKED_AT:
        return [FileVersion(name, None, None) for name in named]
    paths = [escaped(unquote(name)) for name in named]  # which are URLs, but a reader takes paths; no content is read
    files = df.sparkSession.read.format("binaryFile").load(paths)
    found = files.select("path", "length", F.unix_millis("modificationTime").alias("modified")).collect()
    return [FileVersion(row["path"], row["length"], row["modified"]) for row in found]


def same_rows(df: DataFrame, staged: Staged) -> bool | None:
    """Returns whether a DataFrame has the staged rows, in any order; it is evaluated. None: that cannot be told."""
    try:
        rows = read_staged(df.sparkSession, staged)
        before = rows.select(*input_columns(rows))
        return _fingerprint(before) == _fingerprint(df)
    except SPARK_ERRORS:  # the staged rows are gone, or a type has no hash
        return None


def _fingerprint(df: DataFrame) -> tuple[int, ...]:
    columns = [_hashable(field.name, field.dataType) for field in df.schema.fields]
    row = df.agg(F.count(F.lit(1)), F.sum(F.xxhash64(*columns).cast("decimal(38,0)"))).first()
    return tuple(int(value or 0) for value in row or ())


def _hashable(name: str, kind: DataType) -> Column:
    column = F.col(quoted(name))
    return F.to_json(F.struct(column)) if _has_map(kind) else column


def _has_map(kind: DataType) -> bool:
    """Whether there is a map in it, or a variant, of which Spark makes no hash."""
    return any(isinstance(each, MapType) or each.typeName() == "variant" for each in kinds_in(kind))


def locations_below_caches(df: DataFrame) -> list[str]:
    """Returns where the rows of cached tables in a plan come from: `inputFiles` sees nothing below a cache."""
    return cached_locations(explained(df, "formatted"), explained(df, "extended"))
