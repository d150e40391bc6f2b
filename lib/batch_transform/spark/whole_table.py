"""What a plan reads of a table, by Spark's own comparison of plans: nothing is executed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch_transform.core.reserved_columns import each_of

_NAMED_BY_PATH = re.compile(r"(?:\w+\.)?\w+\.`(.+)`", re.DOTALL)  # delta.`s3://bucket/table`, also under a catalog


def table_location(spark: SparkSession, name: str) -> str | None:
    """Returns where the rows of a table lie; None for a view, a table that is not there, or one that does not tell."""
    by_path = _NAMED_BY_PATH.fullmatch(name)
    if by_path is not None and re.search(r"[/:]", by_path[1]):
        return by_path[1].replace("``", "`")
    try:
        told = spark.sql(f"DESCRIBE TABLE EXTENDED {name}").where(F.col("col_name") == "Location").first()
    except PySparkException:
        return None
    return told["data_type"] if told else None


def reads_what_is_replaced(
    df: DataFrame, whole: DataFrame, *, where: str | None, replace_where: str | None, partitions: Sequence[str] = ()
) -> bool:
    """Returns whether each row of a table that is replaced is one that `df` reads.

    Args:
        df: the input.
        whole: the table, as it is read without a condition.
        where: the condition of `df`.
        replace_where: the condition of the rows that are replaced; None: all are, or whole partitions.
        partitions: where only partitions are replaced, their columns.
    """
    try:
        if replace_where is not None:
            return df.sameSemantics(whole.where(replace_where))
        if partitions and where is not None:
            return _is_of(whole, partitions, where) and df.sameSemantics(whole.where(where))
        return df.sameSemantics(whole)
    except PySparkException:
        return False


def _is_of(whole: DataFrame, columns: Iterable[str], condition: str) -> bool:
    """Whether a condition looks at these columns alone, and is alike for equal values of them."""
    try:
        # An aggregate takes no expression that is not deterministic; this is analysed only.
        whole.select(*each_of(columns)).agg(F.max(F.expr(condition))).schema  # noqa: B018
    except PySparkException:
        return False
    return True
