"""What a plan reads of a table, by Spark's own comparison of plans: nothing is executed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch_transform.core.reserved_columns import each_of
from batch_transform.spark.source_identity import is_by_values

# delta.`s3://bucket/table`, also under a catalog
_NAMED_BY_PATH = re.compile(r"(?:(?:\w+|`\w+`)\.)?`?(\w+)`?\.`(.+)`", re.DOTALL)
_TOLD_BESIDE_COLUMNS = "# Detailed Table Information"


@dataclass(frozen=True)
class StoredTable:
    """Where a table's rows lie, and the format in which its name has them read, as far as that is told."""

    location: str
    format: str | None


def stored_table(spark: SparkSession, name: str) -> StoredTable | None:
    """Returns what a table's name stands for; None for a view, a table that is not there, or one that does not tell."""
    by_path = _NAMED_BY_PATH.fullmatch(name)
    if by_path is not None and re.search(r"[/:]", by_path[2]):
        return StoredTable(by_path[2].replace("``", "`"), by_path[1])
    try:
        told = spark.sql(f"DESCRIBE TABLE EXTENDED {name}").collect()
    except PySparkException:
        return None
    # Before that stand its columns, which may have any name.
    found = {row[0]: row[1] for row in dropwhile(lambda row: row[0] != _TOLD_BESIDE_COLUMNS, told)}
    return StoredTable(found["Location"], found.get("Provider")) if found.get("Location") else None


def table_location(spark: SparkSession, name: str) -> str | None:
    """Returns where a table's rows lie, as far as `stored_table` tells."""
    found = stored_table(spark, name)
    return found.location if found else None


def reads_what_is_replaced(
    df: DataFrame,
    whole: DataFrame,
    *,
    where: str | None,
    replace_where: str | None,
    partitions: Sequence[str] = (),
    added: Iterable[str] = (),
) -> bool:
    """Returns whether each row of a table that is replaced is one that `df` reads.

    Args:
        df: the input.
        whole: the table, as it is read without a condition.
        where: the condition of `df`.
        replace_where: the condition of the rows that are replaced; None: all are, or whole partitions.
        partitions: where only partitions are replaced, their columns.
        added: columns of the table that are written anew, and so may be left out.
    """
    try:
        if replace_where is not None:
            # It is asked for again when they are replaced, of what is written as well.
            df.sparkSession.createDataFrame([], df.schema).where(replace_where).schema  # noqa: B018
            return _is_same(df, whole.where(replace_where), added) and is_by_values(whole, replace_where)
        if partitions and where is not None:
            return _is_of(whole, partitions, where) and _is_same(df, whole.where(where), added)
        return _is_same(df, whole, added)
    except PySparkException:
        return False


def _is_same(df: DataFrame, rows: DataFrame, added: Iterable[str]) -> bool:
    """Whether a table is these rows, or all of their columns but those that are written anew."""
    left_out = {name.lower() for name in rows.columns} - {name.lower() for name in df.columns}
    if left_out and left_out <= {name.lower() for name in added}:
        rows = rows.select(*each_of(df.columns))
    return df.sameSemantics(rows)


def _is_of(whole: DataFrame, columns: Iterable[str], condition: str) -> bool:
    """Whether a condition looks at these columns alone, and is alike for equal values of them."""
    try:
        # An aggregate takes no expression that is not deterministic; this is analysed only.
        whole.select(*each_of(columns)).agg(F.max(F.expr(condition))).schema  # noqa: B018
    except PySparkException:
        return False
    return True
