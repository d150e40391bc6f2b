"""What a notebook shows of a result: a sentence, counts, some rows, where the report is. HTML without script. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from batch_transform.core.amounts import cost, counted, duration, noun
from batch_transform.core.publishing.last_words import next_steps, sentence
from batch_transform.core.report_keys import RunReport
from batch_transform.core.report_page.markup import Html, joined, listed, paragraph, shown

ROWS_SHOWN, _MOST_COLUMNS, _MOST_CHARACTERS = 10, 30, 80
# Colours are the notebook's own, in the light and in the dark.
_CARD = "border:1px solid currentColor;border-radius:6px;padding:.3em .8em;margin:0 .5em .5em 0;display:inline-block"
_CELL = "border-bottom:1px solid currentColor;padding:.2em .6em;text-align:left;vertical-align:top"


@dataclass(frozen=True)
class Preview:
    """Rows of a result.

    Attributes:
        columns: their names.
        rows: their values, in the order of the columns.
        trouble: why there are none, "" if nothing is wrong.
    """

    columns: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    trouble: str = ""


def result_card(report: RunReport, preview: Preview) -> str:
    """Returns a result as HTML; whatever is of the rows or of the run is escaped."""
    cards = [_card(name, value) for name, value in _counts(report)]
    parts = [
        paragraph(sentence(report)),
        Html(f"<div>{joined(cards)}</div>"),
        _rows(preview),
        _where(report),
        listed(next_steps(report)),
    ]
    return f"<div>{joined(parts)}</div>"


def _card(name: str, value: str) -> Html:
    return Html(f'<span style="{_CARD}"><b>{shown(value)}</b> {shown(name)}</span>')


def _counts(report: RunReport) -> list[tuple[str, str]]:
    rows, scored, dead = report["rows_in"], report["rows_scored"], report["rows_dead_letter"]
    found = [] if rows is None else [(f"{noun(rows, 'row')} in", f"{rows:,}")]
    found += [] if scored is None else [("scored", f"{scored:,}")]
    counts = [("dead letter", dead), ("round", report["rounds"]), ("job", len(report["jobs"]))]
    found += [(noun(count, name), f"{count:,}") for name, count in counts if count is not None]
    seconds, paid = report.get("seconds"), report.get("cost_usd")
    found += [] if seconds is None else [("", duration(seconds))]
    return found if not paid else [*found, ("", cost(paid, emulated=report.get("emulated", False)))]


def _rows(preview: Preview) -> Html:
    if preview.trouble:
        return paragraph(f"Rows cannot be shown here: {preview.trouble}")
    cut = preview.columns[:_MOST_COLUMNS]
    head = joined(Html(f'<th style="{_CELL}">{shown(name)}</th>') for name in cut)
    body = joined(Html(f"<tr>{joined(map(_cell, row[:_MOST_COLUMNS]))}</tr>") for row in preview.rows[:ROWS_SHOWN])
    table = Html(
        f'<div style="overflow-x:auto"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )
    left = len(preview.columns) - len(cut)
    return joined([table, paragraph(f"and {counted(left, 'more column')}")]) if left else table


def _cell(value: object) -> Html:
    text = "null" if value is None else str(value)
    if isinstance(value, (bytes, bytearray)):
        text = counted(len(value), "byte")
    text = text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"
    return Html(f'<td style="{_CELL}">{shown(text)}</td>')


def _where(report: RunReport) -> Html:
    page = report["report"]
    if page is None:
        return Html("")
    named = shown(page)
    link = Html(f'<a href="file://{shown(quote(page))}">{named}</a>') if page.startswith("/") else named
    return Html(f"<p>Report: {link}</p>")
