"""The types that `input.schema` gives an input: of files without types of their own, and of partition columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from pyspark.sql import SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.near_names import listed, no_such
from batch_transform.core.reserved_columns import RECORD, comparable
from batch_transform.core.unread_inputs import broken_rows, no_documents
from batch_transform.spark.ddl import parsed_ddl
from batch_transform.spark.settings import is_case_sensitive

_KEY = "input.schema"
_WITHOUT_TYPES = ("csv", "json")
# Of the options of a reader those that say which files, and so which folders, are read.
_OF_FILES = frozenset({"basepath", "modifiedafter", "modifiedbefore", "pathglobfilter", "recursivefilelookup"})


@dataclass(frozen=True)
class TypedColumns:
    """What a reader is told of an input's columns.

    Attributes:
        schema: of the files and of their folders, as the reader takes it.
        names: of the columns that the input has, in order.
    """

    schema: StructType
    names: tuple[str, ...]


def typed_columns(
    spark: SparkSession, format: str, options: Mapping[str, str], path: str | None, ddl: str
) -> TypedColumns:
    """Returns the columns of files with the types that a schema gives them.

    Files of CSV and JSON have the columns that it names and no other, or all of theirs where it names none; columns of
    the folders are always there. Names are looked up in the data: Spark itself reads a name that is in no file as null,
    and the columns of CSV by their places, whatever the header calls them.

    Args:
        spark: the session, as it reads the input.
        format: of the files.
        options: of their reader.
        path: where they lie.
        ddl: the schema.

    Raises:
        ConfigurationError: no DDL, or it names what it gives no type.
    """
    wanted = parsed_ddl(spark, _KEY, ddl)
    found = spark.read.format(format).options(**options).load(path).schema
    key = partial(comparable, case_sensitive=is_case_sensitive(spark))
    folders = set(map(key, _partition_columns(spark, options, path)))
    of_files = [field for field in found.fields if key(field.name) not in folders]
    check_documents(spark, format, options, path, found.names)
    given = [field for field in wanted.fields if key(field.name) not in folders]
    types = {key(field.name): field.dataType for field in wanted.fields}
    last = [StructField(f.name, types.get(key(f.name), f.dataType)) for f in found.fields if key(f.name) in folders]
    if not given:
        columns = of_files
    elif format.lower() not in _WITHOUT_TYPES:
        raise ConfigurationError(_has_types(format, given, [field.name for field in last]))
    else:
        columns = _columns(format, options, of_files, given)
    names = [field.name for field in given or of_files]
    return TypedColumns(StructType([*columns, *last]), (*names, *(field.name for field in last)))


def check_documents(
    spark: SparkSession, format: str, options: Mapping[str, str], path: str | None, columns: Sequence[str]
) -> None:
    """Raises ConfigurationError for files of JSON in which Spark has found none of the columns but those of folders."""
    drops = any(name.lower() == "mode" and value.upper() == "DROPMALFORMED" for name, value in options.items())
    if format.lower() != "json" or not (drops or broken_rows(options) in columns):
        return
    folders = set(_partition_columns(spark, options, path))
    if drops and set(columns) <= folders:  # no line is left: whether there was one, it tells if it keeps those
        kept = {name: value for name, value in options.items() if name.lower() != "mode"}
        columns = spark.read.format(format).options(**kept).load(path).columns
    if none := no_documents(format, options, [name for name in columns if name not in folders]):
        raise ConfigurationError(none)


def _partition_columns(spark: SparkSession, options: Mapping[str, str], path: str | None) -> list[str]:
    """The columns that the names of folders make; files are listed, and not read."""
    told = {name: value for name, value in options.items() if name.lower() in _OF_FILES}
    line = StructType([StructField(RECORD, StringType())])
    return spark.read.schema(line).format("text").options(**told).load(path).columns[1:]


def _has_types(format: str, given: Sequence[StructField], folders: Sequence[str]) -> str:
    named = listed(field.name for field in given)
    also = f"; of partition columns, {', '.join(folders)}, the schema may say the types" if folders else ""
    return (
        f"{_KEY}: names {named}, but files of {format} have types of their own{also}. Leave it out, and cast in "
        "record.sql what the model is to see otherwise"
    )


def _columns(
    format: str, options: Mapping[str, str], of_files: Sequence[StructField], given: Sequence[StructField]
) -> list[StructField]:
    """The columns of files, as their reader is told of them."""
    told = {name.lower(): value for name, value in options.items()}
    broken = broken_rows(options)
    there = [field.name for field in of_files]
    if not there:  # no file has a line yet
        return list(given)
    is_csv = format.lower() == "csv"
    if is_csv and told.get("header", "false").lower() != "true":
        count = sum(field.name != broken for field in given)
        if count != len(there):
            raise ConfigurationError(
                f"{_KEY}: names {counted(count, 'column')}, and the files have {len(there)}; without a header "
                "(input.options: {header: true}) columns are named by their places: name all of them"
            )
        return list(given)
    unknown = [field.name for field in given if field.name not in (*there, broken)]
    if unknown:
        raise ConfigurationError(f"{_KEY}: {no_such('column', unknown, 'the data', there)}")
    if not is_csv:
        return list(given)
    by_name = {field.name: field for field in given}
    added = [by_name[broken]] if broken in by_name and broken not in there else []
    return [by_name.get(name, StructField(name, StringType())) for name in there] + added
