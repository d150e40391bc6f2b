"""Read the input, and check against its schema what the run file asks for, before anything is written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StructField, StructType

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.excerpts import excerpt
from batch_transform.core.plain_paths import escaped, missed
from batch_transform.core.reserved_columns import (
    PROVENANCE,
    comparable,
    each_of,
    errors_taken,
    file_metadata,
    prediction_taken,
    twins,
)
from batch_transform.core.sending.object_sizes import is_large
from batch_transform.core.source_identity import FileVersion
from batch_transform.core.unread_inputs import doubted_options, unread_input
from batch_transform.spark.empty_tables import without_rows
from batch_transform.spark.error_chains import chain_of
from batch_transform.spark.input_schema import check_documents, typed_columns
from batch_transform.spark.nested_kinds import kinds_in
from batch_transform.spark.prediction_columns import PredictionShape
from batch_transform.spark.reader_options import check_options
from batch_transform.spark.settings import (
    CASE_SENSITIVE,
    SMALL_ROW_GROUPS,
    SMALL_SHUFFLE,
    effective,
    is_case_sensitive,
    session_settings,
)
from batch_transform.spark.spark_errors import SPARK_ERRORS, failure_of, told_as
from batch_transform.spark.user_session import own_session

_MISSED = re.compile(r"PATH_NOT_FOUND|file pattern|URISyntax")  # what Hadoop says of a glob


@dataclass(frozen=True)
class InputTable:
    """A table to score, as Spark is told of it.

    Attributes:
        table: its name; None where a path is given.
        format: of the files below the path.
        options: of their reader.
        ddl: the types of columns, in DDL; None: as the reader finds them.
        path: where they lie.
        is_pattern: whether the path may stand for several.
    """

    table: str | None = None
    format: str = "parquet"
    options: Mapping[str, str] = field(default_factory=dict)
    ddl: str | None = None
    path: str | None = None
    is_pattern: bool = False

    @property
    def read_path(self) -> str | None:
        """The path as a reader is given it."""
        return self.path if self.is_pattern or self.path is None else escaped(self.path, self.format)


def read_input(spark: SparkSession, given: InputTable) -> DataFrame:
    """Returns the input table.

    Raises:
        ConfigurationError: it is missing, or cannot be read.
        ServiceFailure: it cannot be read now.
    """
    try:
        if given.table is not None:
            df = spark.read.options(**given.options).table(given.table)
        else:
            df = _read_files(spark, given)
        df.schema  # noqa: B018 - Connect analyses only when it is asked
    except SPARK_ERRORS as err:
        place = f"input: {given.table or given.path} cannot be read"
        failure = failure_of(err, place, is_begun=False)
        said = [link.text for link in chain_of(err)]
        doubt = doubted_options(given.options, said, str(failure).replace(place, ""))
        if given.is_pattern and _MISSED.search(str(failure)):
            raise ConfigurationError(missed(str(failure))) from None
        if given.path is not None and isinstance(failure, ConfigurationError):
            failure = ConfigurationError(unread_input(given.path, given.format, str(failure)) or str(failure) + doubt)
        raise failure from None
    return df


def _read_files(spark: SparkSession, given: InputTable) -> DataFrame:
    check_options(spark, given.format, given.options)
    path = given.read_path
    reader = spark.read.format(given.format).options(**given.options)
    if given.ddl is None:
        found = reader.load(path)
        check_documents(spark, given.format, given.options, path, found.columns)
        return found
    typed = typed_columns(spark, given.format, given.options, path, given.ddl)
    df = reader.schema(typed.schema).load(path)
    return df if df.columns == list(typed.names) else df.select(*each_of(typed.names))


def filtered(df: DataFrame, where: str | None) -> DataFrame:
    """Returns the rows for which a condition holds.

    Raises:
        ConfigurationError: the condition is none on its columns.
    """
    with told_as(f"input.where: {excerpt(where or '')}", is_begun=False):
        chosen = df.where(where) if where else df
        chosen.schema  # noqa: B018
    return chosen


@dataclass(frozen=True)
class Scan:
    """The files that hold an input's rows, and how many rows each partition gets that Spark reads them in."""

    files: tuple[FileVersion, ...]
    partition_rows: tuple[int, ...]


def scan_of(df: DataFrame) -> Scan | None:
    """Returns the files that hold the rows of a scan, with their versions and how many rows of each are in it.

    A columnar format reads little more than its footers for that. None: a view, a join, or a source that does not tell
    its files.
    """
    hidden = file_metadata(df.columns, case_sensitive=is_case_sensitive(df.sparkSession))
    name, size = F.col(f"{hidden}.file_path").alias("name"), F.col(f"{hidden}.file_size").alias("size")
    modified = F.unix_millis(F.col(f"{hidden}.file_modification_time")).alias("modified")
    try:
        told = df.select(name, size, modified, F.spark_partition_id().alias("partition"))
        with session_settings(df.sparkSession, SMALL_SHUFFLE):
            found = told.groupBy(*told.columns).agg(F.count(F.lit(1)).alias("rows")).collect()
    except SPARK_ERRORS:
        return None
    files: Counter[tuple[str, int, int]] = Counter()
    partitions: Counter[int] = Counter()
    for row in found:
        files[row["name"], row["size"], row["modified"]] += row["rows"]
        partitions[row["partition"]] += row["rows"]
    return Scan(tuple(FileVersion(*file, rows) for file, rows in files.items()), tuple(partitions.values()))


def file_versions(df: DataFrame) -> tuple[FileVersion, ...] | None:
    """Returns the files of `scan_of`."""
    scan = scan_of(df)
    return None if scan is None else scan.files


def has_large_rows(df: DataFrame) -> bool:
    """Returns whether the files of a columnar scan hold large rows, by their sizes and row counts alone.

    Compressed bytes, so it sees rows of megabytes even where they shrink to a twentieth.
    """
    return are_large(file_versions(df))


def are_large(files: Sequence[FileVersion] | None) -> bool:
    """Returns whether files hold large rows."""
    return is_large(max((int((file.size_bytes or 0) / (file.rows or 1)) for file in files or ()), default=0))


def column_faults(schema: StructType, shape: PredictionShape, errors: str, *, case_sensitive: bool) -> list[str]:
    """Returns a fault for each name that a published table would have twice.

    Args:
        schema: of the input.
        shape: of the predictions.
        errors: the column that dead letters have beside the input's.
        case_sensitive: whether the session tells names apart by their case.
    """

    key = partial(comparable, case_sensitive=case_sensitive)
    fields = [field for field in shape.columns if not (shape.provenance and field.name == PROVENANCE)]
    names = [field.name for field in fields]
    taken, given = {key(name) for name in schema.names}, {key(name) for name in names}
    faults = [
        fault
        for where, of in (("input", schema.fields), ("prediction", fields))
        for fault in _twin_faults(where, of, case_sensitive)
    ]
    faults += [prediction_taken(name) for name in names if key(name) in taken]
    if shape.provenance and key(PROVENANCE) in taken | given:
        where = "the input" if key(PROVENANCE) in taken else "the prediction"
        faults.append(f"prediction.provenance: adds a column {PROVENANCE}, and {where} has one; rename that one")
    if key(errors) in taken:
        faults.append(errors_taken(errors))
    return faults


def _twin_faults(where: str, fields: Sequence[StructField], case_sensitive: bool) -> Iterator[str]:
    """A fault for each two columns, or fields within a column, that have one name."""
    places = [("columns", [field.name for field in fields])]
    places += [(f"fields within {field.name}", kind.names) for field in fields for kind in _structs(field.dataType)]
    for what, names in places:
        exact = twins(names, case_sensitive=True)
        for name in twins(names, case_sensitive=case_sensitive):
            case = (
                "" if name in exact else ", but for upper and lower case; spark.sql.caseSensitive=true tells them apart"
            )
            yield f"{where}: two {what} are named {name}{case}"


def _structs(kind: DataType) -> Iterator[StructType]:
    """The structs within a type, however deep."""
    return (each for each in kinds_in(kind) if isinstance(each, StructType))


def check_storable(
    spark: SparkSession, schema: StructType, path: str, format: str, partition_by: Sequence[str] = ()
) -> StructType:
    """Writes an empty table of `schema`, of both the input and the prediction, and returns as what it is read.

    What a format refuses would be refused after jobs were paid for.

    Args:
        spark: the session.
        schema: the columns.
        path: of the table.
        format: in which it is written.
        partition_by: its partition columns, of a format that tells its columns without a file.

    Raises:
        ConfigurationError: a type or a name that the format does not take, or a place that Spark cannot write.
    """
    try:
        with own_session(spark, {CASE_SENSITIVE: effective(spark, CASE_SENSITIVE) or "false"}):
            empty = without_rows(spark, schema)
            writer = empty.write.format(format).mode("overwrite").options(**SMALL_ROW_GROUPS)
            writer.partitionBy(*partition_by).save(path)
            return spark.read.format(format).load(escaped(path, format)).schema
    except SPARK_ERRORS as err:
        by = f", partitioned by {', '.join(partition_by)}," if partition_by else ""
        told = f"input and prediction: a table of their columns{by} cannot be written as {format}"
        raise failure_of(err, told, is_begun=False) from None
