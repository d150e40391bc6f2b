"""What a Delta table would refuse of a run's rows, known before anything is paid for.

The write itself is given to Delta, with the run's own options, and with a row that cannot be computed: Delta analyses
it (columns, types, constraints, generated columns, protocol), and the query fails in a stage before the one that would
open a file. So nothing is committed, not even no rows, and nothing is left in the table's folder.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from batch_transform.core.error_causes import cause_of
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.plain_paths import escaped
from batch_transform.core.reserved_columns import quoted
from batch_transform.core.stack_traces import of_error
from batch_transform.outputs.column_types import type_differences
from batch_transform.outputs.delta_rules import sql_name
from batch_transform.outputs.delta_table import SPARK_ERRORS, describe, save, writer_options
from batch_transform.outputs.port import OutputTable, TableRule
from batch_transform.outputs.value_rules import length_rules

_CONSTRAINT = "delta.constraints."
_APPEND_ONLY = "delta.appendOnly"
_FILLED = {"generatedColumns", "identityColumns", "allowColumnDefaults"}  # table features: Delta fills columns
_OF_BOTH = "It replaces rows of both tables, and dead letters have no predictions: name columns of the input alone"
_COMMITS = re.compile(r"(\d{20})\.")


def check_fits(
    spark: SparkSession, output: OutputTable, schema: StructType, key: str = "output", *, complete: bool = True
) -> None:
    """Has Delta analyse the write of such rows into a table that is there; commits nothing, and leaves nothing.

    Args:
        spark: the session.
        output: the table.
        schema: the columns that are written.
        key: the table's section of the run file.
        complete: whether these are all of them; else their types alone are compared.

    Raises:
        ConfigurationError: Delta refuses the columns, or would change their values.
    """
    table = spark.table(sql_name(output))
    theirs = table.schema
    if why := _refusal_of_any(spark, output, table):
        raise ConfigurationError(f"{key}: {sql_name(output)} does not take these rows: {why}")
    refused = _refusal(spark, output, schema) if complete else None
    differences = list(type_differences(schema, theirs, sql_name(output), exact=refused is not None))
    if refused is None and not differences:
        return
    remedy = "cast it in the input (or in prediction.schema, prediction.sql), or write to another table"
    if differences:
        raise ConfigurationError([f"{key}: {difference}; {remedy}" for difference in differences])
    raise ConfigurationError(f"{key}: {sql_name(output)} does not take these rows: {refused}")


def _refusal_of_any(spark: SparkSession, output: OutputTable, table: DataFrame) -> str | None:
    """Why the table takes no rows in this mode, whatever columns they have."""
    detail = describe(spark, output)
    properties: Mapping[str, str] = (detail["properties"] if detail else None) or {}
    if properties.get(_APPEND_ONLY, "").lower() == "true" and output.mode in ("overwrite", "overwrite_partitions"):
        return f"it is {_APPEND_ONLY}, and output.mode is {output.mode}"
    return _of_condition(table, output)


def _refusal(spark: SparkSession, output: OutputTable, schema: StructType) -> str | None:
    if output.replace_where is not None:  # Delta would rewrite the files of the rows that stay before it writes ours
        output = replace(output, mode="append", replace_where=None)
    mark = f"not a failure: batch_transform asks what {uuid.uuid4().hex} would refuse"
    try:
        save(_uncomputable(spark, schema, mark), output, writer_options(output, "probe", mark))
    except SPARK_ERRORS as err:
        return None if mark in str(err) else cause_of(of_error(err)).words
    return None


def check_new(spark: SparkSession, output: OutputTable, schema: StructType, key: str) -> None:
    """Checks the condition of rows that are replaced, which Delta asks of each table that is there once it is made.

    Raises:
        ConfigurationError: it is none on these columns.
    """
    if output.replace_where is None:
        return
    if odd := _of_condition(spark.createDataFrame([], schema), output):
        raise ConfigurationError(f"{key}: {sql_name(output)} does not take these rows: {odd}")


def _of_condition(rows: DataFrame, output: OutputTable) -> str | None:
    if output.replace_where is None:
        return None
    try:
        rows.where(output.replace_where).schema  # noqa: B018 - Connect analyses when asked
    except SPARK_ERRORS as err:
        told = f"output.replace_where: {cause_of(of_error(err)).words}"
        return told if output.key == "output" else f"{told.rstrip('.; ')}. {_OF_BOTH}"
    return None


def _uncomputable(spark: SparkSession, schema: StructType, mark: str) -> DataFrame:
    """No row of this schema, of which the one that the filter looks at ends the query before the write's own stage."""
    # A row that the driver itself could compute would end the query before Delta has looked at columns that are absent.
    nulls = [F.lit(None).cast(field.dataType).alias(field.name) for field in schema.fields]
    return spark.range(1).where(F.raise_error(F.lit(mark)).cast("boolean")).select(*nulls).repartition(1)


def table_rules(spark: SparkSession, output: OutputTable) -> list[TableRule]:
    """Returns what a table demands of each row that is written to it; a new one that it is in `replace_where`."""
    detail = describe(spark, output)
    rules = []
    # To a new table by its path Delta writes any row, of which the next run, with the same condition, replaces none.
    if output.replace_where is not None:
        rules.append(TableRule(f"({output.replace_where})", f"output.replace_where ({output.replace_where})"))
    if detail is not None:
        rules = [*_rules_of(spark, output, detail), *rules]
    return [replace(rule, told=f"{sql_name(output)} demands {rule.told}") for rule in rules]


def _rules_of(spark: SparkSession, output: OutputTable, detail: Row) -> list[TableRule]:
    """What a table that is there demands itself."""
    theirs = spark.table(sql_name(output)).schema
    rules = [TableRule(f"{path} IS NOT NULL", f"NOT NULL of {path}") for path in _never_null(theirs)]
    for name, value in (detail["properties"] or {}).items():
        if name.startswith(_CONSTRAINT):
            rules.append(TableRule(f"({value})", f"CHECK {name.removeprefix(_CONSTRAINT)} ({value})"))
    rules += [TableRule(holds, told) for holds, told in length_rules(spark, theirs)]
    return [*rules, *_recorded_rules(spark, detail)]


def absent_columns(spark: SparkSession, output: OutputTable, columns: tuple[str, ...]) -> list[StructField]:
    """Returns the columns of a table that are null in each row of these columns, as far as Delta fills none."""
    detail = describe(spark, output)
    if detail is None or _FILLED & set(detail["tableFeatures"] or ()) or detail["minWriterVersion"] in (4, 5, 6):
        return []
    given = {name.lower() for name in columns}
    return [field for field in spark.table(sql_name(output)).schema.fields if field.name.lower() not in given]


def _never_null(schema: StructType, path: str = "") -> Iterator[str]:
    for field in schema.fields:
        name = path + quoted(field.name)
        if not field.nullable:
            yield name
        if isinstance(field.dataType, StructType):
            yield from _never_null(field.dataType, f"{name}.")


def _recorded_rules(spark: SparkSession, detail: Row) -> Iterator[TableRule]:
    """Yields the rules of generated columns, and of invariants beside them: only the table's log tells those."""
    if "generatedColumns" not in (detail["tableFeatures"] or ()):
        return
    for field in _recorded_schema(spark, detail["location"]):
        told: Mapping[str, Any] = field.get("metadata", {})
        name = quoted(field["name"])
        if "delta.generationExpression" in told:
            made = told["delta.generationExpression"]
            yield TableRule(f"{name} <=> ({made})", f"{name} GENERATED ALWAYS AS ({made})")
        if "delta.invariants" in told:
            held = json.loads(told["delta.invariants"])["expression"]["expression"]
            yield TableRule(f"({held})", f"the invariant ({held}) of {name}")


def _recorded_schema(spark: SparkSession, location: str) -> list[dict[str, Any]]:
    """The fields of the newest schema in a table's log; none where it cannot be read, as behind a catalog."""
    logs = (("json", "*.json"), ("parquet", "*.checkpoint*.parquet"))
    found = [row for format, names in logs for row in _schemas(spark, format, f"{location}/_delta_log", names)]
    newest = max(found, key=lambda row: row["name"][:20], default=None)
    fields: list[dict[str, Any]] = json.loads(newest["text"])["fields"] if newest is not None else []
    return fields


def _schemas(spark: SparkSession, format: str, folder: str, names: str) -> list[Row]:
    schema = "metaData struct<schemaString: string>"
    try:
        log = spark.read.schema(schema).format(format).option("pathGlobFilter", names).load(escaped(folder))
        named = log.where("metaData IS NOT NULL").select(
            F.col("_metadata.file_name").alias("name"), F.col("metaData.schemaString").alias("text")
        )
        return [row for row in named.collect() if _COMMITS.match(row["name"])]
    except SPARK_ERRORS:
        return []
