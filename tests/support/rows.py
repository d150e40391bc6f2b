"""Rows of every type that Spark keeps in Parquet, made by hypothesis, one table at a time."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from batch_transform.core.reserved_columns import quoted

FIRST_MICROS = -62135596800_000_000  # 0001-01-01, where Python's datetime begins
LAST_MICROS = 253402300799_999_999
BEFORE_GREGORIAN_MICROS = -12244953600_000_000  # 1581-12-25

EXACT = Context(prec=38)
ODD_TEXTS = [
    "",
    " ",
    "\u2028",
    "\u0085",
    "a\r\nb",
    "lone\rreturn",
    "\n",
    "\t",
    "\x00",
    "\ufeff",
    "😀",
    '"',
    "\\",
    "null",
]

texts = st.sampled_from(ODD_TEXTS) | st.text(max_size=12)
floats = st.floats(width=64) | st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 5e-324])
singles = st.floats(width=32) | st.sampled_from([math.nan, math.inf, -math.inf, -0.0])
micros = st.integers(FIRST_MICROS, LAST_MICROS) | st.sampled_from([-1, 0, BEFORE_GREGORIAN_MICROS + 1, LAST_MICROS])
dates = st.dates() | st.sampled_from([date(1200, 2, 29), date(1582, 10, 10), date(9999, 12, 31), date(1, 1, 1)])
naive = st.datetimes() | st.just(datetime(1200, 2, 29, 23, 59, 59, 999999))
days = st.timedeltas(timedelta(days=-9999), timedelta(days=9999))
documents = st.sampled_from(['{"a": [1, null, "x"]}', "null", "1.5", '"text"', "[]"])


def integers(bits: int) -> st.SearchStrategy[int]:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return st.sampled_from([low, high, 0]) | st.integers(low, high)


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    most = 10**precision - 1
    return (st.sampled_from([-most, most, 0]) | st.integers(-most, most)).map(
        lambda n: Decimal(n).scaleb(-scale, EXACT)
    )


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def lists(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(optional(values), max_size=3)


def maps(keys: st.SearchStrategy[Any], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(keys, optional(values), max_size=3)


pairs = st.tuples(optional(singles), optional(st.binary(max_size=3)))
inner = st.tuples(optional(dates), optional(lists(pairs)))
nested = st.tuples(optional(texts), optional(inner), optional(maps(texts, integers(64))))
NESTED_DDL = """struct<
    text: string,
    `b.c`: struct<day: date, list: array<struct<x: float, raw: binary>>>,
    map: map<string, long>>"""


class Column(NamedTuple):
    """A column: how it is created from Python, and the expression on it that gives the type to be tested."""

    name: str
    ddl: str
    values: st.SearchStrategy[Any]
    expression: str = "{}"


COLUMNS = [
    Column("text", "string", texts),
    Column("a.b", "string", texts),
    Column("with space", "boolean", st.booleans()),
    Column("tick`", "binary", st.binary(max_size=20).map(bytearray)),
    Column("ünï", "tinyint", integers(8)),
    Column("UPPER", "smallint", integers(16)),
    Column("whole", "int", integers(32)),
    Column("long", "bigint", integers(64)),
    Column("single", "float", singles),
    Column("double", "double", floats),
    Column("money", "decimal(5,2)", decimals(5, 2)),
    Column("precise", "decimal(38,18)", decimals(38, 18)),
    Column("day", "date", dates),
    Column("moment", "bigint", micros, "timestamp_micros({})"),
    Column("wall_clock", "timestamp_ntz", naive),
    Column("months", "int", integers(32), "make_ym_interval(0, {})"),
    Column("duration", "interval day to second", days),
    Column("document", "string", documents, "parse_json({})"),
    Column("folded", "string", texts, "{} collate UNICODE_CI"),
    Column("nothing", "int", st.none(), "null"),
    Column("words", "array<string>", lists(texts)),
    Column("numbers", "array<array<double>>", lists(lists(floats))),
    Column("by_name", "map<string, string>", maps(texts, texts)),
    Column("by_number", "map<int, decimal(38,18)>", maps(integers(32), decimals(38, 18))),
    Column("by_truth", "map<boolean, array<tinyint>>", maps(st.booleans(), lists(integers(8)))),
    Column("by_day", "map<date, string>", maps(dates, texts)),  # of no record: JSON has no such keys
    Column("moments", "array<bigint>", lists(micros), "transform({}, m -> timestamp_micros(m))"),
    Column("nested", NESTED_DDL, nested),
]
UNSENDABLE = "by_day"


def drawn(strategy: st.SearchStrategy[Any], count: int, number: int) -> list[Any]:
    """Returns `count` values of a strategy, the same for the same number: one Spark job for all, not one for each."""
    values: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value: Any) -> None:
        values.append(value)

    collect()
    return values[:count]


def table(spark: Any, count: int, number: int) -> Any:
    """Returns a DataFrame of `count` rows or a few less: `key`, which is unique, and COLUMNS.

    The first row is all null but for its key.
    """
    from pyspark.sql import functions as F

    rows = drawn(st.tuples(texts, *[optional(column.values) for column in COLUMNS]), count, number)
    rows[0] = ("", *[None] * len(COLUMNS))
    keyed = [(f"{place}:{row[0]}", *row[1:]) for place, row in enumerate(rows)]
    schema = ", ".join(["key string", *[f"{quoted(column.name)} {column.ddl}" for column in COLUMNS]])
    made = [F.expr(column.expression.format(quoted(column.name))).alias(column.name) for column in COLUMNS]
    return spark.createDataFrame(keyed, schema).select("key", *made)
