"""Staged rows, read by the recorded list of their files and with the recorded schema."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import LongType, StringType, StructField, StructType

from batch_transform.core.copied_files import root_and_name
from batch_transform.core.reserved_columns import STAGED, each_of, file_metadata, free, quoted
from batch_transform.core.spans import StagedFile
from batch_transform.core.staged_table import Staged
from batch_transform.spark.empty_tables import without_rows
from batch_transform.spark.exact_reading import read_exactly
from batch_transform.spark.settings import is_case_sensitive

_OWN_TYPES = (LongType(), LongType(), StringType())


def own_fields(names: Sequence[str]) -> StructType:
    """Returns our columns of a staged table: the row's number, the bytes of its record and what is wrong with it.

    Args:
        names: of the input's columns, none of which is one of ours.
    """
    return StructType([StructField(name, kind) for name, kind in zip(free(STAGED, names), _OWN_TYPES, strict=True)])


def read_staged(spark: SparkSession, staged: Staged, files: Sequence[StagedFile] | None = None) -> DataFrame:
    """Returns the staged rows, read by the recorded list of files and with the recorded schema.

    The first columns are our own (`own_fields`), whatever they are called; the input's follow (`input_columns`). Of
    copies of the input's files no more is known of a row than its number.
    """
    schema = StructType.fromJson(json.loads(staged.schema_json))
    paths = [file.path for file in (staged.files if files is None else files)]
    if not paths:
        return without_rows(spark, schema)
    if staged.is_copied:
        return _read_copies(spark, schema, paths)
    return read_exactly(spark, schema, paths, recursiveFileLookup="true")


def _read_copies(spark: SparkSession, schema: StructType, paths: Sequence[str]) -> DataFrame:
    own, inputs = schema.fields[: len(STAGED)], schema.fields[len(STAGED) :]
    root, _ = root_and_name(paths[0])
    # The first of the file's numbers is a partition's column, which is read from the name of its folder.
    rows = read_exactly(spark, StructType([*inputs, own[0]]), paths, basePath=root)
    hidden = file_metadata(rows.columns, case_sensitive=is_case_sensitive(spark))
    number = quoted(own[0].name)
    unknown = [f"CAST(NULL AS {field.dataType.simpleString()}) AS {quoted(field.name)}" for field in own[1:]]
    names = each_of(field.name for field in inputs)
    return rows.selectExpr(f"{number} + {hidden}.row_index AS {number}", *unknown, *names)


def staged_schema(staged: Staged) -> list[StructField]:
    """Returns the fields of the input that was staged."""
    return StructType.fromJson(json.loads(staged.schema_json)).fields[len(STAGED) :]


def input_columns(rows: DataFrame, added: int = 0) -> list[str]:
    """Returns the input's columns of staged rows, to which `added` columns were added at their end, for `select`."""
    names = rows.columns
    return each_of(names[len(STAGED) : len(names) - added])
