"""Publishes a DataFrame as one idempotent Delta transaction, with the DataFrame API and SQL only.

Delta remembers (`txnAppId`, `txnVersion`) in the table and skips a repeated write; the commit also carries the run's
nonce in `userMetadata`, by which it is found again and its rows are counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from batch_transform.core.errors import ConfigurationError, PublishedUnverified, ServiceFailure
from batch_transform.outputs.delta_rules import Conflict, conflict_of, sql_name, written_rows
from batch_transform.outputs.port import OutputTable

try:  # a Connect client may lack it; the classic client raises it for Java errors that PySpark has no class for
    from py4j.protocol import Py4JJavaError
except ImportError:  # pragma: no cover
    Py4JJavaError = PySparkException

SPARK_ERRORS: tuple[type[Exception], ...] = (PySparkException, Py4JJavaError)
WRITE_ATTEMPTS = 5
FIRST_WAIT_SECONDS = 2.0  # doubled each time: 30 s in all, beside the writes themselves
RECENT_COMMITS = 100  # read before the whole history
MAKER_PROPERTY = "batch_transform.nonce"  # of a table: the run that made it


def exists(spark: SparkSession, output: OutputTable) -> bool:
    """Returns whether the table is there.

    Raises:
        ConfigurationError: there is a table of another format, or the session knows no Delta.
    """
    detail = describe(spark, output)
    if detail is not None and detail["format"] != "delta":
        raise ConfigurationError(
            f"{output.key}: {sql_name(output)} is a {detail['format']} table, and output.format is delta; name another "
            "table, or another output.format"
        )
    return detail is not None


def describe(spark: SparkSession, output: OutputTable) -> Row | None:
    """Returns what `DESCRIBE DETAIL` tells of the table, None if there is none."""
    if output.table is not None and not _is_known(spark, output.table):
        return None
    try:
        return spark.sql(f"DESCRIBE DETAIL {sql_name(output)}").first()
    except AnalysisException as err:
        if "DELTA_" not in str(err):
            message = (
                f"{output.key}: this Spark session cannot look at {sql_name(output)} (is Delta configured?): {err}"
            )
            raise ConfigurationError(message) from err
        return None


def _is_known(spark: SparkSession, table: str) -> bool:
    """Whether the catalog knows a table; of one that is named by its path (delta.`/x`) Delta says it by an error."""
    try:
        return spark.catalog.tableExists(table)
    except AnalysisException as err:
        if "DELTA_MISSING_DELTA_TABLE" not in str(err):
            raise
        return False


def writer_options(output: OutputTable, run_id: str, nonce: str) -> dict[str, str]:
    """Returns the options of the write: the transaction's identity, and which rows it replaces."""
    options = {
        "txnAppId": nonce,
        "txnVersion": "1",
        "userMetadata": json.dumps({"run_id": run_id, "nonce": nonce}, sort_keys=True),
    }
    if output.mode == "overwrite_partitions":
        options["partitionOverwriteMode"] = "dynamic"
    elif output.mode == "overwrite":
        # Said outright, or a session that is set to dynamic replaces less, and refuses replaceWhere.
        options["partitionOverwriteMode"] = "static"
    if output.replace_where is not None:
        options["replaceWhere"] = output.replace_where
    return options


def publish_delta(df: DataFrame, output: OutputTable, run_id: str, nonce: str, sleep: Callable[[float], None]) -> int:
    """Returns the rows that the run's one commit wrote, now or in an earlier attempt.

    Each attempt computes `df` again.

    Raises:
        ConfigurationError: mode `error`, and another writer has made the table in the meantime.
        PublishedUnverified: it was committed, but the table's history does not tell how many rows.
        ServiceFailure: other writers won every attempt.
    """
    for attempt in range(WRITE_ATTEMPTS):
        rows = _written_before(df.sparkSession, output, nonce)
        if rows is not None:
            return rows
        conflict = _write(df, output, writer_options(output, run_id, nonce))
        if conflict is not Conflict.RETRY:
            return _own_rows(df.sparkSession, output, nonce)
        if attempt < WRITE_ATTEMPTS - 1:
            sleep(FIRST_WAIT_SECONDS * 2**attempt)
    raise ServiceFailure(
        f"{output.key}: {sql_name(output)}: other writers committed first in {WRITE_ATTEMPTS} attempts; start the run "
        "again when they are done, and nothing is scored again"
    )


def _written_before(spark: SparkSession, output: OutputTable, nonce: str) -> int | None:
    """The rows of the run's commit; None: there is none, and it may be made."""
    if output.mode != "error":
        return committed_rows(spark, output, nonce)
    detail = describe(spark, output)  # mostly there is no table, of whose history nothing need be asked
    if detail is None:
        return None
    rows = committed_rows(spark, output, nonce)
    if rows is None and (detail["properties"] or {}).get(MAKER_PROPERTY) != nonce:
        raise ConfigurationError(
            f"{output.key}: {sql_name(output)} was made by another writer since this run began, and output.mode is "
            "error; name another table, or move that one away, and start the run again: nothing is scored again"
        )
    return rows


def _own_rows(spark: SparkSession, output: OutputTable, nonce: str) -> int:
    rows = committed_rows(spark, output, nonce)
    if rows is None:
        raise PublishedUnverified(
            f"{output.key}: the rows were written, and the history of {sql_name(output)} has no commit with the nonce "
            f"{nonce} of this run, so they cannot be counted; see DESCRIBE HISTORY {sql_name(output)}, then start the "
            "run again, which looks for its commit first"
        )
    return rows


def _write(df: DataFrame, output: OutputTable, options: dict[str, str]) -> Conflict:
    try:
        if output.table is not None:
            _make_table(df, output, options["txnAppId"])
        save(df, output, options)
    except SPARK_ERRORS as err:
        conflict = conflict_of(type(err).__name__, str(err))
        if conflict is Conflict.NONE:
            raise
        return conflict
    return Conflict.NONE


def save(df: DataFrame, output: OutputTable, options: Mapping[str, str]) -> None:
    """Writes rows in one transaction; a named table is there."""
    # Mode error appends: the caller has seen that there is no table, and a resumed run finds its own.
    mode = "append" if output.mode in ("error", "append") else "overwrite"
    writer = df.write.format("delta").mode(mode).options(**options)
    if output.partition_by:
        writer = writer.partitionBy(*output.partition_by)
    if output.table is not None:
        writer.saveAsTable(output.table)
    else:
        writer.save(output.path)


def _make_table(df: DataFrame, output: OutputTable, nonce: str) -> None:
    """Makes a named table, empty: the commit of a `saveAsTable` that makes one drops `userMetadata` (Delta 4.4)."""
    if exists(df.sparkSession, output):
        return
    # Not from `df`: its metrics are those of the first action on it (spark.watched_values).
    writer = (
        df.sparkSession.createDataFrame([], df.schema)
        .writeTo(output.table or "")
        .using("delta")
        .tableProperty(MAKER_PROPERTY, nonce)
    )
    if output.partition_by:
        first, *others = map(F.col, output.partition_by)
        writer = writer.partitionedBy(first, *others)
    writer.create()


def committed_rows(spark: SparkSession, output: OutputTable, nonce: str) -> int | None:
    """Returns the rows of the commit that carries `nonce`, or None if the table has no such commit.

    The history alone tells: a table's detail counts its files, for which Delta reads all of its log, 3 s on two cores
    after each commit with its default of 50 tasks.

    Raises:
        ConfigurationError: there is a table of another format, or the session knows no Delta.
        PublishedUnverified: the commit is there without its count.
    """
    if output.table is not None and not _is_known(spark, output.table):
        return None
    try:
        found = _own_commit(spark, output, nonce)
    except AnalysisException:
        if exists(spark, output):
            raise
        return None
    return None if found is None else _counted(output, found)


def _own_commit(spark: SparkSession, output: OutputTable, nonce: str) -> Row | None:
    for limit in (f"LIMIT {RECENT_COMMITS}", ""):
        history = spark.sql(f"DESCRIBE HISTORY {sql_name(output)} {limit}")
        own = history.where(F.get_json_object("userMetadata", "$.nonce") == F.lit(nonce))
        found = own.select("version", "operationMetrics").first()
        if found is not None:
            return found
    return None


def _counted(output: OutputTable, commit: Row) -> int:
    rows = written_rows(commit["operationMetrics"] or {})
    if rows is None:
        raise PublishedUnverified(
            f"{output.key}: version {commit['version']} of {sql_name(output)} has no row count "
            "(spark.databricks.delta.history.metricsEnabled is off), so it cannot be said whether all rows are there: "
            "count them, and see to it that later runs have that setting on"
        )
    return rows
