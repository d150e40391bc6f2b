"""What is looked at of Delta tables before anything is paid for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.near_names import no_such
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.plain_paths import escaped
from batch_transform.core.publishing.other_tables import first_seen
from batch_transform.core.reserved_columns import names_not_in
from batch_transform.outputs.delta_rules import single_writer_warning, sql_name
from batch_transform.outputs.delta_table import SPARK_ERRORS, describe, exists
from batch_transform.outputs.port import Capabilities, OutputTable
from batch_transform.outputs.registry import log_folders
from batch_transform.outputs.seen_names import names_below
from batch_transform.outputs.unmade_tables import refuse_unmade

_FIT = "leave it out of what is written, add it to that table, or name another one"


def check_there(spark: SparkSession, output: OutputTable, columns: tuple[str, ...]) -> bool:
    """Returns whether the table is there, for the ledger; checks what Delta would refuse after everything was paid for.

    Not for a run that has begun to publish: the table that is there may be its own.

    Raises:
        ConfigurationError: mode `error` and the table is there, `columns` or `partition_by` do not fit it, or the path
            holds Parquet files that are no table.
    """
    if not exists(spark, output):
        if output.path is not None and _is_plain_parquet(spark, output.path):
            raise ConfigurationError(
                f"{output.key}: {output.path} holds Parquet files that are no Delta table; name another place, or make "
                f"a table of them first (CONVERT TO DELTA parquet.`{output.path}`)"
            )
        return False
    if output.mode == "error":
        raise ConfigurationError(
            f"{output.key}: {sql_name(output)} is there already, and output.mode is error: name another table, or say "
            "what becomes of its rows by output.mode, append or overwrite"
        )
    known = spark.table(sql_name(output)).columns
    missing, there = names_not_in(columns, known, case_sensitive=False), f"{sql_name(output)}, which is there already"
    faults = [f"{output.key}: {no_such('column', missing, there, known)}. {_FIT}"] if missing else []
    detail = describe(spark, output)
    partitions = list(detail["partitionColumns"]) if detail is not None else []
    if output.partition_by and partitions != list(output.partition_by):
        by = ", ".join(partitions) or "nothing"
        faults.append(
            f"output.partition_by: is {', '.join(output.partition_by)}, and {sql_name(output)}, which is there "
            f"already, is partitioned by {by}; leave the key out, or name another table"
        )
    if faults:
        raise ConfigurationError(faults)
    return True


def refuse_other_logs(spark: SparkSession, store: ObjectStore | None, output: OutputTable, own: Capabilities) -> None:
    """Raises ConfigurationError for a table of another format that no log of Delta's lies beside, as XTable's do."""
    if output.path is None:
        return

    def is_there(log: str) -> bool:
        return next(names_below(spark, store, f"{output.location}/{log}", f"{output.path}/{log}"), None) is not None

    for log, other in log_folders().items():
        if other != own and is_there(log) and not is_there(own.log_folder):
            raise ConfigurationError(
                f"{output.key}: {output.location} is a {other.title} table, and output.format is {own.name}; name "
                "another place"
            )


def refuse_others(spark: SparkSession, store: ObjectStore | None, output: OutputTable) -> None:
    """Raises ConfigurationError where a new table would be made around something else: VACUUM deletes all of that."""
    if output.path is None:
        refuse_unmade(spark, store, output)
        return
    found = first_seen(names_below(spark, store, output.location, output.path, insists=True))
    if found is not None:
        raise ConfigurationError(
            f"{output.key}: {output.location} holds {found}, and is no Delta table yet: one made there would "
            f"lie around that, and VACUUM would delete it; name a folder of its own, as "
            f"{output.location.rstrip('/')}_scored, or move that away"
        )


def log_store_warnings(spark: SparkSession, outputs: Iterable[OutputTable]) -> list[str]:
    """Returns a warning for each table that another cluster could write to at the same time and lose commits by it."""

    def setting(key: str) -> str | None:
        try:
            return spark.conf.get(key, None)
        except PySparkException:  # a platform that shows its users no such setting: Databricks, serverless
            return None

    found = []
    for output in outputs:
        detail = describe(spark, output) if output.path is None else None
        location = output.path or (detail["location"] if detail is not None else "")
        found.append(single_writer_warning(location, setting))
    return [warning for warning in found if warning is not None]


def clustering_warnings(spark: SparkSession, outputs: Iterable[OutputTable]) -> Iterator[str]:
    """Yields a warning for each table that is clustered (CLUSTER BY) until an overwrite of it by Spark commits."""
    for output in outputs:
        if output.mode != "overwrite" or output.replace_where is not None:
            continue
        detail = describe(spark, output)
        columns = (detail.asDict().get("clusteringColumns") if detail is not None else None) or ()
        if columns:
            by = ", ".join(columns)  # as SQL has them
            yield (
                f"{output.key}: {sql_name(output)} is clustered by {by}, which Delta's open source forgets when all of "
                f"it is replaced; if it has: ALTER TABLE {sql_name(output)} CLUSTER BY ({by})"
            )


def _is_plain_parquet(spark: SparkSession, path: str) -> bool:
    # Delta appends to such a directory without a word, and the files that were there vanish from what readers see.
    try:
        return bool(spark.read.format("parquet").load(escaped(path)).columns)
    except SPARK_ERRORS:  # or a file that is called one: it lies there all the same
        return False
