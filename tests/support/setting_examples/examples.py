"""One example: a setting, two values of it, and a table that is another one under each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

Make = Callable[[SparkSession, Path], DataFrame]

_HERE = Path(__file__).parent
# The columns that expressions see, as the SQL that gives each.
BASE = {
    "word": "'value'",
    "one": "1",
    "at": "timestamp'2024-05-01 00:30:00.123456Z'",
    "nothing": "cast(null as int)",
}
ROW = "select {} from values (1) t(row)".format(", ".join(f"{sql} as {name}" for name, sql in BASE.items()))


@dataclass(frozen=True)
class Example:
    """A setting that matters.

    Attributes:
        key: of the setting; without its "spark.sql." where it has that.
        other: a value under which `make` gives another table, or none.
        value: the value that the user's session has.
        make: gives the table; beside the session it is given a folder for its files.
        beside: settings that the example needs as well.
        group: examples of one group share a session, with the values of all.
        sql: the expression over the columns of BASE whose value `make` gives as `c`; None: it is no expression.
    """

    key: str
    other: str
    value: str
    make: Make
    beside: Mapping[str, str] = field(default_factory=dict)
    group: str = "main"
    sql: str | None = None

    @property
    def settings(self) -> dict[str, str]:
        """What the example needs, by whole keys."""
        return {whole(key): value for key, value in {**self.beside, self.key: self.value}.items()}


def whole(key: str) -> str:
    """Returns the whole key of a setting."""
    return key if key.startswith("spark.") else f"spark.sql.{key}"


def in_sql() -> tuple[Example, ...]:
    """Returns the examples that are an expression or a query; `b` in a query is a row of the columns of BASE."""
    return tuple(_in_sql(*line) for line in _lines("examples.tsv"))


def not_shown() -> dict[str, str]:
    """Returns the settings that no local session shows, by whole key, with the reason."""
    return {whole(key): reason for key, reason in _lines("not_shown.tsv")}


def _lines(name: str) -> list[list[str]]:
    text = (_HERE / name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.rstrip("\n").split("\n")[1:]]


def _in_sql(kind: str, key: str, other: str, value: str, group: str, beside: str, sql: str) -> Example:
    more = dict(pair.split("=") for pair in beside.split()) if beside != "-" else {}
    if kind == "expression":
        return Example(key, other, value, lambda spark, _: spark.sql(ROW).selectExpr(f"{sql} as c"), more, group, sql)
    return Example(key, other, value, lambda spark, _: _queried(spark, sql), more, group)


def _queried(spark: SparkSession, sql: str) -> DataFrame:
    # Anew each time, as a view keeps the settings under which it was made.
    spark.sql(ROW).createOrReplaceTempView("b")
    return spark.sql(sql)
