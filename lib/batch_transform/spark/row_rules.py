"""What is demanded of each input row by the place where it will be published, counted before anything is paid for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.reserved_columns import quoted
from batch_transform.spark.spark_errors import SPARK_ERRORS, failure_of


@dataclass(frozen=True)
class RowRule:
    """A rule for rows.

    Attributes:
        broken: true for a row that breaks it.
        told: "the table t demands CHECK positive": completes "3 rows cannot be published: ".
    """

    broken: Column
    told: str


def check_rows(rows: DataFrame, rules: Sequence[RowRule]) -> None:
    """Checks rows, whose first column is their number, in one pass; a rule of other columns than theirs is left out.

    Raises:
        ConfigurationError: rows break a rule; says how many and which is the first, and quotes none.
    """
    # All at once, as each analysis takes its time with each of the columns.
    known = rules if _are_of(rows, rules) else [rule for rule in rules if _are_of(rows, [rule])]
    if not known:
        return
    number = F.col(quoted(rows.columns[0]))
    counts: list[Column] = []
    for index, rule in enumerate(known):
        counts += [
            F.count(F.when(rule.broken, 1)).alias(f"rows_{index}"),
            F.min(F.when(rule.broken, number)).alias(f"first_{index}"),
        ]
    try:
        (found,) = rows.agg(*counts).collect()
    except SPARK_ERRORS as err:
        raise failure_of(err, "output: a rule of the table cannot be computed", is_begun=False) from None
    faults = [
        f"{counted(found[f'rows_{index}'], 'row')} cannot be published: {rule.told}; the first is row "
        f"{found[f'first_{index}']} (of the staged rows). Leave such rows out with input.where, or change the output"
        for index, rule in enumerate(known)
        if found[f"rows_{index}"]
    ]
    if faults:
        raise ConfigurationError(faults)


def _are_of(rows: DataFrame, rules: Sequence[RowRule]) -> bool:
    try:
        rows.select(*[rule.broken for rule in rules]).schema  # noqa: B018 - Connect analyses only when it is asked
    except PySparkException:
        return False
    return True
