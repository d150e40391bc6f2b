"""Schemas as a run file writes them, in Spark's DDL."""

from __future__ import annotations

import re

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.near_names import nearest
from batch_transform.spark.error_chains import said

_TYPES = (
    *("array", "bigint", "binary", "boolean", "byte", "char", "date", "decimal", "double", "float", "int", "integer"),
    *("interval", "long", "map", "real", "short", "smallint", "string", "struct", "timestamp", "timestamp_ltz"),
    *("timestamp_ntz", "tinyint", "varchar", "variant"),
)
_AS = "; write names and types, as p double, label string"
_UNKNOWN = re.compile(r"UNSUPPORTED_DATATYPE[^\"]*\"(\w+)|DataType (\w+) is not supported")


def parsed_ddl(spark: SparkSession, key: str, ddl: str) -> StructType:
    """Returns the fields that a schema names, each of which may be null.

    Args:
        spark: parses it.
        key: of the run file.
        ddl: its value.

    Raises:
        ConfigurationError: it is no DDL.
    """
    try:
        struct: StructType = spark.createDataFrame([], ddl).schema
    except PySparkException as err:
        why = said(err)
        raise ConfigurationError(f"{key}: {ddl!r} is no DDL: {why}{_meant(why)}") from err
    except (TypeError, ValueError) as err:
        raise ConfigurationError(f"{key}: {ddl!r} is no DDL: {err}{_AS}") from err
    return StructType([type(field)(field.name, field.dataType, True) for field in struct.fields])


def _meant(words: str) -> str:
    found = _UNKNOWN.search(words)
    close = nearest(found[1] or found[2], _TYPES) if found else None
    return f"; did you mean {close}?" if close else _AS
