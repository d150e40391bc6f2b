"""Delta: one idempotent transaction under the run's nonce (`delta_table`), analysed before it is paid for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from batch_transform.core.object_store import ObjectStore
from batch_transform.outputs.delta_rules import sql_name
from batch_transform.outputs.port import Capabilities, OutputTable, Packages, TableFormat, TableRule

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructField, StructType

_NOT_IN_NAMES = set(" ,;{}()\n\t=")


def _coordinate(version: str) -> str:
    """Delta names its jars after the Spark line from 4.1 on, as `delta.configure_spark_with_delta_pip` does."""
    by_line = tuple(map(int, version.split(".")[:2])) >= (4, 1)
    return f"io.delta:delta-spark_{'{line}_' if by_line else ''}{{scala}}:{version}"


class Delta(TableFormat):
    """Tables of Delta, by path or by name."""

    can = Capabilities(
        "delta",
        "Delta",
        commits=True,
        takes_tables=True,
        replaces_where=True,
        partition_types=True,
        log_folder="_delta_log",
        odd_names="a table with column mapping (delta.columnMapping.mode)",
    )
    packages = Packages(
        {"4.2": "4.4.0", "4.1": "4.4.0", "4.0": "4.4.0", "3.5": "3.3.2"},
        _coordinate,
        "delta-spark",
        {
            "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
            # Delta's default of 50 tasks for each commit takes seconds on two cores.
            "spark.databricks.delta.snapshotPartitions": "2",
        },
    )
    settings = {"spark.sql.runSQLOnFiles": "true"}  # noqa: RUF012 - it is asked about a table of a path by SQL

    def files_hold_all(self, spark: SparkSession, path: str) -> bool:
        """Returns whether its readers need no feature: of deleted rows, of columns under other names.

        Reader version 1: <https://docs.delta.io/latest/versioning.html>.
        """
        from pyspark.errors import PySparkException

        try:
            found = spark.sql(f"SHOW TBLPROPERTIES {sql_name(OutputTable('error', path))}").collect()
        except PySparkException:
            return False
        return {row["key"]: row["value"] for row in found}.get("delta.minReaderVersion") == "1"

    def preflight(
        self, spark: SparkSession, store: ObjectStore | None, table: OutputTable, columns: tuple[str, ...]
    ) -> None:
        """As `look_at`: Delta itself says whether it may be written."""
        self.look_at(spark, store, table, columns)

    def look_at(
        self, spark: SparkSession, store: ObjectStore | None, table: OutputTable, columns: tuple[str, ...]
    ) -> None:
        """Checks mode, columns and partitions against the table that is there, else that it is made around nothing."""
        from batch_transform.outputs import delta_checks

        delta_checks.refuse_other_logs(spark, store, table, self.can)
        if not delta_checks.check_there(spark, table, columns):
            delta_checks.refuse_others(spark, store, table)

    def is_there(self, spark: SparkSession, table: OutputTable) -> bool:
        """Returns whether it is; one with column mapping takes names that a new one does not."""
        from batch_transform.outputs import delta_table

        return delta_table.exists(spark, table)

    def check_fits(
        self, spark: SparkSession, store: ObjectStore | None, table: OutputTable, schema: StructType, *, complete: bool
    ) -> list[str]:
        """Has Delta analyse the write into a table that is there, and of a new one its condition (`delta_fit`)."""
        from batch_transform.outputs import delta_fit, delta_table

        if delta_table.exists(spark, table):
            delta_fit.check_fits(spark, table, schema, table.key, complete=complete)
        elif complete:
            delta_fit.check_new(spark, table, schema, table.key)
        return []

    def refused_names(self, names: Sequence[str]) -> list[str]:
        """Returns the names with characters that Delta takes in no column."""
        return [name for name in names if set(name) & _NOT_IN_NAMES]

    def row_rules(self, spark: SparkSession, table: OutputTable, schema: StructType) -> list[TableRule]:
        """Returns what the table that is there demands of each row, and `replace_where`."""
        from batch_transform.outputs import delta_fit

        return delta_fit.table_rules(spark, table)

    def absent_columns(self, spark: SparkSession, table: OutputTable, columns: tuple[str, ...]) -> list[StructField]:
        """Returns the table's columns that Delta writes as null, as it fills none."""
        from batch_transform.outputs import delta_fit

        return delta_fit.absent_columns(spark, table, columns)

    def warnings(self, spark: SparkSession, tables: Sequence[OutputTable], schema: StructType) -> list[str]:
        """Returns a warning for each table whose log store may lose commits, or that loses its clustering."""
        from batch_transform.outputs import delta_checks

        return [*delta_checks.log_store_warnings(spark, tables), *delta_checks.clustering_warnings(spark, tables)]

    def commit(self, df: DataFrame, table: OutputTable, run_id: str, name: str, sleep: Callable[[float], None]) -> int:
        """Returns the rows of the one transaction of this name."""
        from batch_transform.outputs import delta_table

        return delta_table.publish_delta(df, table, run_id, name, sleep)

    def committed(self, spark: SparkSession, table: OutputTable, name: str) -> int | None:
        """Returns the rows of the commit that carries the name; None: there is none."""
        from batch_transform.outputs import delta_table

        return delta_table.committed_rows(spark, table, name)

    def named(self, table: OutputTable) -> str:
        """Returns the table as SQL names it."""
        return sql_name(table)


FORMAT = Delta()
