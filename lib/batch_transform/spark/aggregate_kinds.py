"""The types of aggregates over a table, analysed without its rows, and which of their values may be told."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StructType

from batch_transform.core.reserved_columns import place_name
from batch_transform.core.sql_calls import Call, all_calls, calls, names_in
from batch_transform.spark.error_chains import said

# Spark's aggregates (sql-ref-functions-builtin) whose value is no row's own, and those whose value may be.
_COMPUTED = frozenset(
    """approx_count_distinct avg bool_and bool_or corr count count_if covar_pop covar_samp every kurtosis mean
    regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy skewness some std
    stddev stddev_pop stddev_samp sum try_avg try_sum var_pop var_samp variance""".split()  # noqa: SIM905
)
_CHOSEN = frozenset(
    """any any_value approx_percentile array_agg bit_and bit_or bit_xor collect_list collect_set first first_value last
    last_value listagg max max_by median min min_by mode percentile percentile_approx percentile_cont percentile_disc
    string_agg""".split()  # noqa: SIM905
)
AGGREGATES = _COMPUTED | _CHOSEN
# Of a column that stands where one value is for all rows.
_OUTSIDE = ("MISSING_GROUP_BY", "MISSING_AGGREGATION")


@dataclass(frozen=True)
class AnalysedTable:
    """A table without rows, on which expressions are analysed.

    Attributes:
        rows: of the result's columns.
        inputs: those that the input has, in small letters.
        known: types of expressions that were analysed already.
    """

    rows: DataFrame
    inputs: Collection[str]
    known: Mapping[str, DataType]

    def kind(self, sql: str) -> DataType | str:
        """The type of an expression as an aggregate over all rows, or what is wrong with it."""
        if sql in self.known:
            return self.known[sql]
        try:
            return self.rows.agg(F.expr(sql)).schema[0].dataType
        except PySparkException as err:
            is_outside = any(word in str(err) for word in _OUTSIDE)
            return "names a column outside of an aggregate, as avg(p) is one" if is_outside else said(err)

    def is_told(self, call: Call) -> bool:
        """Whether the value of an aggregate is told, as far as its name and its columns say."""
        return call.name in _COMPUTED or not names_in(call.sql) & set(self.inputs)


def table_of(rows: DataFrame, inputs: Collection[str], sql: Sequence[str]) -> AnalysedTable:
    """Returns a table for these expressions.

    Args:
        rows: of the result's columns.
        inputs: those that the input has, in small letters.
        sql: the expressions, of which those with a fault are analysed when they are asked for.
    """
    return AnalysedTable(rows, inputs, _kinds(rows, sql))


def _kinds(rows: DataFrame, sql: Sequence[str]) -> dict[str, DataType]:
    """The types of expressions and of the aggregates in them, by one analysis of all; nothing where one has a fault.

    Each takes as long as all together: a hundred conditions took 12 s, twice in a run.
    """
    plain = [text for text in sql if not any(call.is_previous for call in all_calls(calls(text)))]
    asked = dict.fromkeys(part for text in plain for part in (text, *(call.sql for call in aggregates_in(calls(text)))))
    # In a struct none of them sees the name that another may give itself.
    values = [F.expr(text).alias(place_name(place)) for place, text in enumerate(asked)]
    try:
        kind = rows.agg(F.struct(*values)).schema[0].dataType if values else StructType([])
    except PySparkException:
        return {}
    assert isinstance(kind, StructType)
    return dict(zip(asked, (field.dataType for field in kind.fields), strict=True))


def aggregates_in(found: Sequence[Call]) -> Iterator[Call]:
    """Yields the outermost aggregates among calls and what stands in them."""
    for call in found:
        if call.name in AGGREGATES:
            yield call
        else:
            yield from aggregates_in(call.inner)
