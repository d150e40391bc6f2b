"""What a run's `expect` means over the columns of its result, and what it is of their rows.

Each is computed in one pass over the columns that are named. Of its aggregates those values are told that are computed
over all rows, or of predictions alone, whose ranges the report has anyway: `max(salary)` is some row's own.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pyspark.errors import ParseException, PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, DataType, NumericType, StructField, StructType

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.expectations import Expectation, Previous, Value
from batch_transform.core.sql_calls import PREVIOUS, all_calls, calls, with_previous
from batch_transform.spark.aggregate_kinds import AGGREGATES, AnalysedTable, aggregates_in, table_of
from batch_transform.spark.error_chains import said
from batch_transform.spark.prediction_columns import SQL_SETTINGS
from batch_transform.spark.settings import session_settings


@dataclass(frozen=True)
class Expected:
    """One of `expect`, analysed.

    Attributes:
        sql: as the run file has it.
        kinds: of its aggregates whose values are told, by their text.
        untold: the others.
        compared: those that are compared with an earlier run's.
    """

    sql: str
    kinds: Mapping[str, str]
    untold: tuple[str, ...]
    compared: tuple[str, ...]


def analysed(spark: SparkSession, schema: StructType, added: Collection[str], expect: Sequence[str]) -> list[Expected]:
    """Returns what is expected of a result; computes nothing.

    Args:
        spark: parses and analyses.
        schema: of the result.
        added: the names of its columns that the input has not.
        expect: the expressions.

    Raises:
        ConfigurationError: with a fault for each that is no true or false over all rows of these columns.
    """
    inputs = {name.lower() for name in schema.names if name not in added}
    rows = spark.createDataFrame([], schema)
    table, found, faults = table_of(rows, inputs, expect), list[Expected](), list[str]()
    for sql in expect:
        expected = _analysed(table, sql)
        if isinstance(expected, str):
            faults.append(f"expect: {sql}: {expected}")
        else:
            found.append(expected)
    if faults:
        raise ConfigurationError(faults)
    return found


def check_expected(
    spark: SparkSession, inputs: StructType, added: Sequence[StructField], expect: Sequence[str], *, is_known: bool
) -> None:
    """Checks what is expected of a result; computes nothing.

    Args:
        spark: parses and analyses.
        inputs: the input's columns.
        added: those that the result has besides.
        expect: the expressions.
        is_known: whether these are all; else a schema is to be inferred, and only what is no expression is found.

    Raises:
        ConfigurationError: with a fault for each that is no true or false over all rows of these columns.
    """
    with session_settings(spark, SQL_SETTINGS):
        if is_known:
            analysed(spark, StructType([*inputs.fields, *added]), [field.name for field in added], expect)
            return
        empty = spark.createDataFrame([], "x int")
        faults = [f"expect: {sql}: {fault}" for sql in expect if (fault := _no_expression(empty, sql))]
    if faults:
        raise ConfigurationError(faults)


def _no_expression(rows: DataFrame, sql: str) -> str:
    try:
        rows.agg(F.expr(with_previous(sql, lambda _: "NULL"))).schema  # noqa: B018
    except ParseException as err:
        return said(err)
    except PySparkException:
        return ""  # it names columns that are not here
    return ""


def _analysed(table: AnalysedTable, sql: str) -> Expected | str:
    found = list(all_calls(calls(sql)))
    if not found:
        return "has no aggregate, as avg(p), count_if(p is null) or count(*)"
    compared, kinds = {call.sql: call for call in found if call.is_previous}, dict[str, str]()
    for name, call in compared.items():
        kind = table.kind(name)
        if isinstance(kind, str) or call.name not in AGGREGATES:
            return f"{PREVIOUS}.{name}: {kind if isinstance(kind, str) else 'is no aggregate of Spark'}"
        if not _is_kept(kind) or not table.is_told(call):
            return f"{PREVIOUS}.{name}: is kept of no run, as it may be a row's own value; compare averages or counts"
        kinds[name] = kind.simpleString()
    kind = table.kind(with_previous(sql, lambda name: f"CAST(NULL AS {kinds[name]})"))
    if isinstance(kind, str):
        return kind
    if not isinstance(kind, BooleanType):
        return f"is a {kind.simpleString()}; it must be true or false, as avg(p) < 0.5 is"
    aggregates = {call.sql: call for call in aggregates_in(calls(sql))}
    told = {name: table.kind(name) for name, call in aggregates.items() if table.is_told(call)}
    kept = {name: kind.simpleString() for name, kind in told.items() if not isinstance(kind, str) and _is_kept(kind)}
    untold = tuple(name for name in aggregates if name not in kept)
    return Expected(sql, kept, untold, tuple(compared))


def _is_kept(kind: DataType) -> bool:
    return isinstance(kind, (NumericType, BooleanType))


def measured(rows: DataFrame, expect: Sequence[Expected], previous: Previous | None) -> list[Expectation]:
    """Returns what is expected as it is of the rows, in one pass over them.

    Args:
        rows: the result.
        expect: analysed on its columns.
        previous: what an earlier run has kept; None: nothing is compared with one.
    """
    asked = dict.fromkeys(name for each in expect for name in each.kinds)
    checked = {each.sql: _with_values(each, previous) for each in expect if _note(each, previous) is None}
    columns = [F.expr(sql).alias(f"value{place}") for place, sql in enumerate((*asked, *checked.values()))]
    row = rows.agg(*columns).collect()[0]
    values = dict(zip(asked, map(_value, row), strict=False))
    held = dict(zip(checked, row[len(asked) :], strict=True))
    return [_expectation(each, values, held, previous) for each in expect]


def _expectation(
    each: Expected, values: Mapping[str, Value], held: Mapping[str, bool | None], previous: Previous | None
) -> Expectation:
    note = _note(each, previous)
    is_compared = previous is not None and bool(each.compared) and note is None
    return {
        "expression": each.sql,
        "held": held[each.sql] is True if note is None else None,
        "accepted": False,
        "values": {name: values[name] for name in each.kinds},
        "untold": list(each.untold),
        "previous": {name: previous.values[name] for name in each.compared} if previous and is_compared else None,
        "previous_run": previous.run_id if previous and is_compared else None,
        "note": note or ("it is null, which is not true" if held[each.sql] is None else None),
    }


def _note(each: Expected, previous: Previous | None) -> str | None:
    """Why it cannot be checked; None: it can."""
    if not each.compared:
        return None
    if previous is None or previous.run_id is None:
        where = "" if previous is None else f" to {previous.output}"
        return f"no run of this workspace has published{where} before"
    unknown = [name for name in each.compared if previous.values.get(name) is None]
    return f"the run {previous.run_id} has kept no value of {', '.join(unknown)}" if unknown else None


def _with_values(each: Expected, previous: Previous | None) -> str:
    values = previous.values if previous is not None else {}
    return with_previous(each.sql, lambda name: f"CAST('{_spelled(values[name])}' AS {each.kinds[name]})")


def _spelled(value: Value) -> str:
    """A value as Spark reads it; a text is the digits of a decimal, or the name of what is no number."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "".join(letter for letter in text if letter.isalnum() or letter in "+-.")


# What Spark has computed: of a number's or a truth's type.
def _value(found: Any) -> Value:
    if isinstance(found, Decimal):
        return format(found, "f")
    if isinstance(found, float) and not math.isfinite(found):
        return "NaN" if math.isnan(found) else "Infinity" if found > 0 else "-Infinity"
    return found  # type: ignore[no-any-return]
