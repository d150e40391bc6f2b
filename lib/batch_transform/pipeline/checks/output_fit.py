"""Whether the tables that a run publishes fit the places where they go, before anything is paid for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from batch_transform.config.places import is_s3
from batch_transform.config.runfile import RunConfig
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.publishing.file_publication import Kind
from batch_transform.core.reserved_columns import ROW_NUMBER, free, quoted
from batch_transform.core.staged_table import Staged
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.port import TableRule
from batch_transform.outputs.registry import names_that
from batch_transform.pipeline.checks.collected_faults import Faults
from batch_transform.pipeline.places import Places, Targets, targets_of
from batch_transform.spark.dead_letters import ERROR_TYPE
from batch_transform.spark.expectations import check_expected
from batch_transform.spark.job_settings import user_job
from batch_transform.spark.partition_values import (
    LONGEST_KEY_BYTES,
    LONGEST_NAME_BYTES,
    Room,
    partition_faults,
    partition_rules,
)
from batch_transform.spark.prediction_columns import PredictionShape
from batch_transform.spark.row_rules import RowRule, check_rows
from batch_transform.spark.settings import session_settings
from batch_transform.spark.staged_rows import input_columns, read_staged

_FILE_BYTES = 120  # of a part's own name, the format's and Spark's, and of the folder in which it is merged


@dataclass(frozen=True)
class Fit:
    """The tables of a run, and where they go.

    Attributes:
        schema: the input's columns.
        added: what each table has besides.
        complete: whether that is known; a schema of predictions may still be to be inferred.
        expect: what is expected of the result.
    """

    spark: SparkSession
    targets: Targets
    places: Places
    store: ObjectStore | None
    schema: StructType
    added: Mapping[Kind, list[StructField]]
    complete: bool
    expect: Sequence[str]

    def checked(self, faults: Faults) -> list[str]:
        """Returns warnings of tables that are there; finds what is wrong with columns and types, and leaves nothing."""
        warnings: list[str] = []
        faults.add(partition_faults(self.schema, self.targets.output.partition_by, self._others))
        checks = (partial(self._check, kind, warnings) for kind in self.targets.tables(self.places))
        faults.of_tables(checks, are_one=self.targets.are_one)
        return warnings

    def fitting(self, shape: PredictionShape) -> PredictionShape:
        """Returns predictions whose schema was inferred, held against what is there before more of them are paid for.

        Raises:
            ConfigurationError: they could not be published.
        """
        fit = replace(self, added={**self.added, "result": shape.columns}, complete=True)
        table, format, faults = self.targets.tables(self.places)["result"], self.targets.format, Faults()
        with session_settings(self.spark, format.settings):
            faults.of(lambda: format.look_at(self.spark, self.store, table, (*self.schema.names, *shape.names)))
            if not faults.found:
                fit.checked(faults)
            faults.of(lambda: check_expected(self.spark, self.schema, shape.columns, self.expect, is_known=True))
        faults.refuse()
        return shape

    @property
    def _others(self) -> str | None:
        """The formats that keep partition columns of all types, where the output's takes them from names of folders."""
        return None if self.targets.format.can.partition_types else names_that(lambda can: can.partition_types)

    def _check(self, kind: Kind, warnings: list[str]) -> None:
        complete = self.complete or kind == "dead_letter"
        columns = StructType([*self.schema.fields, *(self.added[kind] if complete else ())])
        table = self.targets.tables(self.places)[kind]
        warnings += self.targets.format.check_fits(self.spark, self.store, table, columns, complete=complete)

    def rules(self) -> list[RowRule]:
        """Returns what must not be true of any input row."""
        rules = partition_rules(self.schema, self.targets.output.partition_by, self._room())
        for table in self.targets.tables(self.places).values():
            rules += map(_row_rule, self.targets.format.row_rules(self.spark, table, self.schema))
        return rules

    def check_rows(self, staged: Staged) -> None:
        """Checks the staged rows against what their places demand of each, in one pass and only where they do.

        Raises:
            ConfigurationError: rows that could not be published, whatever the model says of them.
        """
        rules = self.rules()
        if rules and staged.rows:
            with user_job(self.spark, staged):
                check_rows(self._numbered(read_staged(self.spark, staged)), rules)

    def _numbered(self, rows: DataFrame) -> DataFrame:
        """The rows' numbers, their columns, and those of a table that are null in each of them."""
        absent = self._absent()
        (number,) = free((ROW_NUMBER,), [*self.schema.names, *(field.name for field in absent)])
        nulls = [F.lit(None).cast(field.dataType).alias(field.name) for field in absent]
        return rows.select(F.col(quoted(rows.columns[0])).alias(number), *input_columns(rows), *nulls)

    def _absent(self) -> list[StructField]:
        if not self.complete:
            return []
        written = (*self.schema.names, *(field.name for fields in self.added.values() for field in fields))
        found: dict[str, StructField] = {}
        for table in self.targets.tables(self.places).values():
            absent = self.targets.format.absent_columns(self.spark, table, written)
            found |= {field.name.lower(): field for field in absent}
        return list(found.values())

    def _room(self) -> Room:
        paths = [self.targets.output.path or "", self.targets.dead_letter.path or ""]
        if not all(paths):
            return Room(None, None)
        if not is_s3(paths[0]):
            return Room(LONGEST_NAME_BYTES, None)
        prefixes = [S3Uri.parse(path).prefix for path in paths] + [self.places.layout.merged().prefix]
        return Room(None, LONGEST_KEY_BYTES - _FILE_BYTES - max(len(prefix.encode()) for prefix in prefixes))


def _row_rule(rule: TableRule) -> RowRule:
    return RowRule(~F.coalesce(F.expr(rule.holds).cast("boolean"), F.lit(False)), rule.told)


def fit_of(
    spark: SparkSession,
    config: RunConfig,
    places: Places,
    store: ObjectStore | None,
    schema: StructType,
    shape: PredictionShape,
    inferred: str | None,
) -> Fit:
    """Returns what a run publishes, and where; predictions whose schema is still to be inferred are not all of it."""
    targets = targets_of(config, places)
    error = StructField(targets.dead_letter.error_column, ERROR_TYPE)
    added: dict[Kind, list[StructField]] = {"result": shape.columns, "dead_letter": [error]}
    complete = not config.prediction.is_inferred or inferred is not None
    return Fit(spark, targets, places, store, schema, added, complete, config.expect)
