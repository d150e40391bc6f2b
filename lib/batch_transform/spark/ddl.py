"""Schemas as a run file writes them, in Spark's DDL."""

from __future__ import annotations

import re

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.excerpts import excerpt
from batch_transform.core.near_names import nearest
from batch_transform.spark.error_chains import said

_TYPES = (
    *("array", "bigint", "binary", "boolean", "byte", "char", "date", "decimal", "double", "float", "int", "integer"),
    *("interval", "long", "map", "real", "short", "smallint", "string", "struct", "timestamp", "timestamp_ltz"),
    *("timestamp_ntz", "tinyint", "varchar", "variant"),
)
# What NumPy, pandas, SQL and Python call types of Spark's: those that are alike by spelling are others.
_ELSEWHERE = {
    "int8": "byte",
    "int16": "short",
    "int32": "int",
    "int64": "long",
    "uint8": "short",
    "uint16": "int",
    "uint32": "long",
    "float16": "float",
    "float32": "float",
    "float64": "double",
    "number": "double",
    "str": "string",
    "text": "string",
    "object": "string",
    "category": "string",
    "uuid": "string",
    "datetime": "timestamp",
    "datetime64": "timestamp",
    "bytes": "binary",
    "blob": "binary",
    "list": "array",
    "bool": "boolean",
    "dict": "map",
}
_AS = "; write names and types, as p double, label string"
_UNKNOWN = re.compile(r"UNSUPPORTED_DATATYPE[^\"]*\"(\w+)|DataType (\w+) is not supported")
_AT = re.compile(r"\(line 1, pos (\d+)\)")


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
        raise ConfigurationError(f"{key}: {_quoted(ddl, why)} is no DDL: {why}{_meant(why)}") from err
    except (TypeError, ValueError) as err:
        raise ConfigurationError(f"{key}: {excerpt(ddl)!r} is no DDL: {err}{_AS}") from err
    return StructType([type(field)(field.name, field.dataType, True) for field in struct.fields])


def _quoted(ddl: str, words: str) -> str:
    """The schema, of a long one what stands around the place that Spark names."""
    at = _AT.search(words)
    return repr(excerpt(ddl, int(at[1]) if at else 0))


def _meant(words: str) -> str:
    found = _UNKNOWN.search(words)
    name = (found[1] or found[2]).lower() if found else ""
    close = _ELSEWHERE.get(name) or (nearest(name, _TYPES) if name else None)
    return f"; did you mean {close}?" if close else _AS
