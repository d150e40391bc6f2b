"""The numbers that were predicted: their ranges, how many rows have none, and how they are distributed."""

from __future__ import annotations

from collections.abc import Sequence

from batch_transform.core.amounts import counted
from batch_transform.core.report_histograms import PredictionRange, ValueCounts
from batch_transform.core.report_page.charts import Chart
from batch_transform.core.report_page.histograms import Axis, Histogram, Wording, drawn, in_words
from batch_transform.core.report_page.markup import (
    MOST_UNFOLDED,
    Column,
    Html,
    folded,
    joined,
    number,
    paragraph,
    table,
)


def predictions(ranges: Sequence[PredictionRange], left_out: int) -> Html:
    """Returns the range of each numeric prediction, how many rows have none, and the distribution of those counted.

    Args:
        ranges: as the report has them.
        left_out: how many numeric columns are not among them.
    """
    columns = [Column("column", is_wide=True), Column("rows", True), Column("nulls", True), Column("null rate", True)]
    columns += [Column("NaN or infinite", True), Column("smallest", True), Column("largest", True)]
    if any(each.get("note") for each in ranges):
        columns.append(Column("note", is_wide=True))
    rows = [_row(f"predictions.{place}", each)[: len(columns)] for place, each in enumerate(ranges)]
    charts = [
        _chart(place, each["column"], found) for place, each in enumerate(ranges) if (found := each.get("values"))
    ]
    more = [paragraph(f"{counted(left_out, 'more numeric column')} of the result: not counted.")] if left_out else []
    numbers = table("Numbers that were predicted", columns, rows) if rows else Html("")
    drawings = joined(charts)
    if len(rows) > MOST_UNFOLDED:
        numbers = folded(f"All {counted(len(rows), 'column')} of numbers", numbers)
        drawings = folded(f"Distributions of {counted(len(charts), 'column')}", drawings) if charts else drawings
    return joined([numbers, *more, drawings])


def _row(key: str, each: PredictionRange) -> list[object]:
    nulls = each["nulls"]
    rate = "" if nulls is None or not each["rows"] else f"{100 * nulls / each['rows']:.2f} %"
    counts = (nulls, f"{key}.nulls"), (each.get("not_finite"), f"{key}.not_finite")
    of_nulls, others = [number(count, "" if count is None else name) for count, name in counts]
    ends = [_exact(each["least"], f"{key}.least"), _exact(each["most"], f"{key}.most")]
    return [each["column"], number(each["rows"], f"{key}.rows"), of_nulls, rate, others, *ends, each.get("note") or ""]


def _exact(value: float | None, key: str) -> Html:
    """A prediction, of which no digit that people look at is rounded away."""
    return number(value) if value is None else Html(f'<data value="{value!r}" data-key="{key}">{value:.6g}</data>')


def _chart(place: int, column: str, values: ValueCounts) -> Html:
    found = Histogram(values["edges"], values["counts"], f"predictions.{place}.values.counts")
    low, high = found.edges[0], found.edges[-1]
    margin = 0.0 if low < high else max(abs(low) / 20, 0.5)  # a constant stands in the middle
    about = "" if values["is_exact"] else "about "
    words = f"{in_words(found, 'finite value', _spelled, about=about)}."
    beyond = [("smaller", values["below"], f"{low:.4g}"), ("larger", values["above"], f"{high:.4g}")]
    words += "".join(f" Not drawn: {about}{count:,} {than} than {end}." for than, count, end in beyond if count)
    chart = Chart(f"prediction-{place}", f"Distribution of {column}", words)
    return drawn(chart, found, Axis(low - margin, high + margin), Wording("value", "rows", _spelled))


def _spelled(value: float) -> str:
    return f"{value:.4g}"
