"""Conditions in SQL on values, however deep in a column they lie; as the lengths that CHAR and VARCHAR demand."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator

from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, CharType, DataType, MapType, StringType, StructType, VarcharType

from batch_transform.core.reserved_columns import quoted

# Spark keeps the column's own type here (CharVarcharUtils).
_RAW_TYPE = "__CHAR_VARCHAR_TYPE_STRING"
_PLAIN = re.compile(r"(?:var)?char\((\d+)\)", re.IGNORECASE)
_AS_STRINGS = "spark.sql.legacy.charVarcharAsString"


def length_rules(spark: SparkSession, schema: StructType) -> Iterator[tuple[str, str]]:
    """Yields a condition in SQL, and its column's name and type, for each column whose texts may be too long.

    Delta's own condition, CharVarcharConstraint: characters are counted, blanks at the end too.

    Args:
        spark: the session; one that takes all texts for strings has no such rule.
        schema: of the table, as Spark reads it.
    """
    if str(spark.conf.get(_AS_STRINGS, "false")).lower() == "true":
        return
    for field in schema.fields:
        told = (field.metadata or {}).get(_RAW_TYPE)
        if told is None:
            continue
        condition = condition_on(quoted(field.name), _type_of(spark, told), _is_short)
        if condition is not None:
            yield condition, f"{quoted(field.name)} {told}"


def _type_of(spark: SparkSession, told: str) -> DataType:
    plain = _PLAIN.fullmatch(told)
    if plain is not None:
        return VarcharType(int(plain[1]))
    parse = getattr(DataType, "fromDDL", None)  # Spark 4.0 and later
    return parse(told) if parse is not None else StringType()


def condition_on(
    value: str, kind: DataType, of: Callable[[str, DataType], str | None], names: Iterator[str] | None = None
) -> str | None:
    """Returns what must be true of a value and of all values within it; None where any value will do.

    Args:
        value: in SQL.
        kind: its type.
        of: the condition on a value that is no struct, array or map; None: any will do. It holds for null.
        names: of variables.
    """
    names = names or map("v{}".format, itertools.count())
    if isinstance(kind, StructType):
        parts = [condition_on(f"{value}.{quoted(field.name)}", field.dataType, of, names) for field in kind.fields]
        held = [part for part in parts if part is not None]
        return f"({value} IS NULL OR ({' AND '.join(held)}))" if held else None
    if isinstance(kind, ArrayType):
        return _on_all(value, kind.elementType, of, names)
    if isinstance(kind, MapType):
        parts = [
            _on_all(f"map_keys({value})", kind.keyType, of, names),
            _on_all(f"map_values({value})", kind.valueType, of, names),
        ]
        held = [part for part in parts if part is not None]
        return " AND ".join(held) if held else None
    return of(value, kind)


def _on_all(values: str, kind: DataType, of: Callable[[str, DataType], str | None], names: Iterator[str]) -> str | None:
    name = next(names)
    condition = condition_on(name, kind, of, names)
    return None if condition is None else f"({values} IS NULL OR forall({values}, {name} -> {condition}))"


def _is_short(value: str, kind: DataType) -> str | None:
    if isinstance(kind, CharType | VarcharType):
        return f"({value} IS NULL OR length({value}) <= {kind.length})"
    return None
