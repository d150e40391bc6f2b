"""Counts the numbers of predictions while they are written: in the pass that writes them, in a state of bounded size.

Spark's observed metrics are aggregates over all rows that pass a place in a plan (`DataFrame.observe`). They come with
the action's end, and are believed only if they have counted as many rows as were written: a stage that Spark repeats
may count rows twice, and a commit that finds itself made already reads none.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypedDict

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, DoubleType, FloatType, MapType, NumericType, StructType

from batch_transform.core.publishing.counted_numbers import SAMPLE_ROWS
from batch_transform.core.publishing.prediction_values import NOTHING_KNOWN, SKETCHED, PredictedNumbers, value_counts
from batch_transform.core.report_histograms import PredictionRange
from batch_transform.core.reserved_columns import NUMBERS, SAMPLED, free, quoted
from batch_transform.spark.spark_errors import SPARK_ERRORS

# Of more columns the others are counted by nobody.
MOST_COLUMNS = 8
# Before it an executor's heartbeat turned a sketch into bytes under the hands of its task, which failed
# (SPARK-52006; seen on Spark 3.5.6 on a cluster). Counts, sums and ends have no such state.
_SKETCHED_SINCE = (4, 1)
_NOT_SKETCHED = "its distribution is told of files, or on Spark 4.1 and later"
# The metrics come with the end of the action. Without them (a plan that was optimised away) Spark waits for ever.
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class _Numbers:
    """A column of numbers, or a field of a struct of such; `note`: why nothing but its nulls is counted."""

    name: str
    value: Column
    is_float: bool = False
    note: str = ""


class _Counted(TypedDict, total=False):
    """What is observed of a column; what is null is not there."""

    filled: int
    finite: int
    least: float
    most: float
    sketch: list[dict[str, float]]


@dataclass(frozen=True)
class Watched:
    """Rows that are counted by the first action on them.

    Attributes:
        rows: them.
        left_out: how many further columns of numbers are not counted.
    """

    rows: DataFrame
    left_out: int
    _columns: tuple[_Numbers, ...]
    _observation: Observation | None

    def found(self, written: int, again: Callable[[], DataFrame] | None = None) -> PredictedNumbers:
        """Returns what was counted, once the rows are written; nothing where it has not counted so many rows.

        Args:
            written: how many rows were.
            again: reads them once more, where they are to be had; on a Spark that sketches nothing in passing.
        """
        told = _told(self._observation) if self._observation else None
        if told is None or told["rows"] != written:
            return NOTHING_KNOWN
        is_sketched = may_sketch(self.rows.sparkSession.version)
        more = {} if again is None or is_sketched else _sketches(again, self._columns, written)
        counted: list[Any] = [told[f"c{place}"] | more.get(f"c{place}", {}) for place in range(len(self._columns))]
        ranges = [_range(column, written, each) for column, each in zip(self._columns, counted, strict=True)]
        return PredictedNumbers(tuple(ranges), self.left_out)


def watched(rows: DataFrame, names: Collection[str], count: int) -> Watched:
    """Returns rows, of whose columns of these names the numbers are counted when they are written.

    Args:
        rows: a result.
        names: of the columns that are predicted.
        count: how many rows there are.
    """
    fields = [field for field in rows.schema.fields if field.name in names]
    every = [column for field in fields for column in _numbers(field.name, F.col(quoted(field.name)), field.dataType)]
    columns = tuple(every[:MOST_COLUMNS])
    if not columns:
        return Watched(rows, 0, (), None)
    observation, is_sketched = Observation(), may_sketch(rows.sparkSession.version)
    beside, added = _beside(rows, columns, SAMPLE_ROWS / max(count, SAMPLE_ROWS))
    counts = [_counts(column, added, place, is_sketched).alias(f"c{place}") for place, column in enumerate(columns)]
    told = F.to_json(F.struct(F.count(F.lit(1)).alias("rows"), *counts)).alias("told")
    # By our names, which are no user's in any case: theirs may differ by case alone.
    observed = beside.observe(observation, told).drop(*beside.columns[len(rows.columns) :])
    return Watched(observed, len(every) - len(columns), columns, observation)


# As of a metric, whose keys are those of `watched`.
def _sketches(read: Callable[[], DataFrame], columns: Sequence[_Numbers], count: int) -> dict[str, Any]:
    """The sketch of each column by a pass over these columns alone; none where Spark cannot read them."""
    places = [place for place, column in enumerate(columns) if not column.note]
    if not places:
        return {}
    try:
        beside, added = _beside(read(), columns, SAMPLE_ROWS / max(count, SAMPLE_ROWS))
        found = [F.struct(_sketch(added, place)).alias(f"c{place}") for place in places]
        row = beside.agg(F.to_json(F.struct(*found))).first()
    except SPARK_ERRORS:  # all is written, and a picture is no reason to fail
        return {}
    told: dict[str, Any] = json.loads(row[0]) if row else {}
    return told


def _sketch(added: Mapping[str, Column], place: int) -> Column:
    return F.histogram_numeric(added[f"s{place}"], F.lit(SKETCHED)).alias("sketch")


def may_sketch(version: str) -> bool:
    """Returns whether Spark of this version keeps a sketch whole while its task runs."""
    return tuple(map(int, version.split(".")[:2])) >= _SKETCHED_SINCE


def _numbers(name: str, value: Column, kind: DataType) -> Iterator[_Numbers]:
    if isinstance(kind, NumericType):
        yield _Numbers(name, value, isinstance(kind, (FloatType, DoubleType)))
    elif isinstance(kind, StructType):
        for field in kind.fields:
            yield from _numbers(f"{name}.{field.name}", value.getField(field.name), field.dataType)
    elif isinstance(kind, (ArrayType, MapType)):
        yield _Numbers(name, value, note=uncounted(kind))


def uncounted(kind: ArrayType | MapType) -> str:
    """Returns what is said of a column in which there are numbers that nobody counts."""
    what = "an array" if isinstance(kind, ArrayType) else "a map"
    return f"{kind.simpleString()}: what is in {what} is not counted"


def _beside(rows: DataFrame, columns: Sequence[_Numbers], share: float) -> tuple[DataFrame, dict[str, Column]]:
    """Rows with columns more, by what they are: of each column of numbers one in the sample, of floats the finite one.

    What is sketched is computed in a step of its own, for whose expressions Spark makes code, unlike for a metric's;
    in columns of their own, as a struct of them took more time than all that is counted.
    """
    (sampled,) = free([SAMPLED], rows.columns)
    made: dict[str, Column] = {}
    for place, column in enumerate(columns):
        if column.note:
            continue
        number = _finite(column)
        made[f"s{place}"] = (F.when(F.col(sampled), number) if share < 1 else number).cast("double")
        if column.is_float:
            made[f"n{place}"] = number.cast("double")
    if not made:
        return rows, {}
    chosen = rows.withColumn(sampled, F.rand(0) < share) if share < 1 else rows
    names = free([f"{NUMBERS}_{word}" for word in made], [*rows.columns, sampled])
    beside = chosen.select("*", *[value.alias(name) for name, value in zip(names, made.values(), strict=True)])
    return beside, dict(zip(made, map(F.col, names), strict=True))


def _finite(column: _Numbers) -> Column:
    value = column.value
    # What is no number is no zero either, less itself, nor is what is infinite.
    return F.when(value - value == 0, value) if column.is_float else value


def _counts(column: _Numbers, added: Mapping[str, Column], place: int, is_sketched: bool) -> Column:
    filled = F.count(column.value).alias("filled")
    if column.note:
        return F.struct(filled)
    # Whole numbers as they stand: a copy of each as a double took half of all that is done here.
    number = added[f"n{place}"] if column.is_float else column.value
    finite = [F.count(number).alias("finite")] if column.is_float else []
    ends = F.min(number).alias("least"), F.max(number).alias("most")
    return F.struct(filled, *finite, *ends, *([_sketch(added, place)] if is_sketched else []))


def _range(column: _Numbers, rows: int, counted: _Counted) -> PredictionRange:
    found = PredictionRange(
        column=column.name,
        rows=rows,
        nulls=rows - counted["filled"],
        least=counted.get("least"),
        most=counted.get("most"),
    )
    if column.note:
        return {**found, "note": column.note}
    sketch = [(each["x"], each["y"]) for each in counted.get("sketch", ())]
    finite = counted.get("finite", counted["filled"])
    values = value_counts(sketch, finite, counted["least"], counted["most"]) if sketch else None
    told: PredictionRange = {**found, "not_finite": counted["filled"] - finite, "values": values}
    return told if values or not finite else {**told, "note": _NOT_SKETCHED}


# The metric's own JSON, whose keys are those that `watched` gave.
def _told(observation: Observation) -> Any:
    """What was observed; None where it does not come, or not all of it."""
    came: list[Any] = []

    def wait() -> None:
        # A client of Spark 3.5 over Connect asserts.
        with suppress(*SPARK_ERRORS, OSError, AssertionError, KeyError, TypeError, ValueError):
            came.append(json.loads(observation.get["told"]))

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    waiting.join(_PATIENCE_SECONDS)
    return came[0] if came else None
