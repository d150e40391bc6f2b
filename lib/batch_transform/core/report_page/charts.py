"""Charts as static SVG: places in per cent and letters in pixels, so that they are as wide as the page is.

Nothing is told by a colour alone: each kind of bar has a pattern of its own, and is named in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from batch_transform.core.report_page.markup import Html, shown

# Of a chart's width, in per cent: what is shorter is still seen.
_LEAST = 0.4
_ROW, _BAR, _LETTERS = 38, 12, 16
_HEIGHT = 120

# Kinds of bars, each a class of the style sheet.
WORK, START, JOBS_RUN, NOTHING_RUNS, FAILED = "work", "start", "jobs", "nothing", "failed"

PATTERNS = Html(
    '<svg width="0" height="0" class="patterns" aria-hidden="true" focusable="false"><defs>'
    '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" class="ground"/><line x1="0" y1="0" x2="0" y2="6" class="ink"/></pattern>'
    '<pattern id="dots" width="5" height="5" patternUnits="userSpaceOnUse">'
    '<rect width="5" height="5" class="ground"/><circle cx="2" cy="2" r="1" class="inkdot"/></pattern>'
    '<pattern id="lines" width="5" height="5" patternUnits="userSpaceOnUse">'
    '<rect width="5" height="5" class="ground"/><line x1="0" y1="2" x2="5" y2="2" class="ink"/></pattern>'
    '<pattern id="cross" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect width="6" height="6" class="ground"/><path d="M0 0L6 6M6 0L0 6" class="badink"/></pattern>'
    "</defs></svg>"
)


@dataclass(frozen=True)
class Bar:
    """A bar from `start` to `stop`, in parts of the chart's width."""

    start: float
    stop: float
    kind: str
    title: str


@dataclass(frozen=True)
class Row:
    """A row of bars below its label."""

    label: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Mark:
    """A line across a chart, in parts of its width."""

    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    """What each chart has: a name for its parts' ids, a title, and in words what can be seen on it."""

    name: str
    title: str
    words: str


def rows_chart(chart: Chart, rows: Sequence[Row], ticks: Sequence[Mark]) -> Html:
    """Returns rows of bars one below the other, over a common axis."""
    body = []
    for place, row in enumerate(rows):
        top = place * _ROW
        body.append(f'<text x="0" y="{top + 13}">{shown(row.label)}</text>')
        body.append(f'<rect x="0" y="{top + 18}" width="100%" height="{_BAR}" class="track"/>')
        body += [_bar(bar, top + 18, _BAR) for bar in row.bars]
    bottom = len(rows) * _ROW
    return _svg(chart, bottom + 22, "".join(body) + _axis(ticks, bottom))


def columns_chart(
    chart: Chart, columns: Sequence[tuple[Bar, float]], marks: Sequence[Mark], ticks: Sequence[Mark]
) -> Html:
    """Returns columns, each with its height in parts of the highest, and lines through them with their labels above."""
    above = len(marks) * _LETTERS + 4
    bottom = above + _HEIGHT
    body = [f'<line x1="0" x2="100%" y1="{bottom}" y2="{bottom}" class="axis"/>']
    for bar, height in columns:
        tall = max(2.0, height * _HEIGHT) if height else 0.0
        body.append(_bar(bar, bottom - tall, tall))
    for place, mark in enumerate(marks):
        line = place * _LETTERS + 12
        anchor, shift = ("end", -4) if mark.at > 0.5 else ("start", 4)
        body.append(f'<line x1="{_part(mark.at)}" x2="{_part(mark.at)}" y1="{line - 9}" y2="{bottom}" class="mark"/>')
        body.append(
            f'<text x="{_part(mark.at)}" dx="{shift}" y="{line}" text-anchor="{anchor}">{shown(mark.label)}</text>'
        )
    return _svg(chart, bottom + 22, "".join(body) + _axis(ticks, bottom))


def _axis(ticks: Sequence[Mark], top: float) -> str:
    def anchor(at: float) -> str:
        return "start" if at < 0.05 else "end" if at > 0.95 else "middle"

    return "".join(
        f'<text x="{_part(tick.at)}" y="{top + 15:.0f}" class="tick" text-anchor="{anchor(tick.at)}">'
        f"{shown(tick.label)}</text>"
        for tick in ticks
    )


def _bar(bar: Bar, top: float, height: float) -> str:
    left = min(100 * max(bar.start, 0.0), 100 - _LEAST)
    width = min(max(100 * (bar.stop - bar.start), _LEAST), 100 - left)
    return (
        f'<rect x="{left:.2f}%" y="{top:.1f}" width="{width:.2f}%" height="{height:.1f}" class="{bar.kind}">'
        f"<title>{shown(bar.title)}</title></rect>"
    )


def _part(at: float) -> str:
    return f"{100 * min(max(at, 0.0), 1.0):.2f}%"


def _svg(chart: Chart, height: float, body: str) -> Html:
    name, title, words = chart.name, shown(chart.title), shown(chart.words)
    named = f'<title id="{name}-t">{title}</title><desc id="{name}-d">{words}</desc>'
    drawn = f'role="img" aria-labelledby="{name}-t {name}-d" width="100%" height="{height:.0f}"'
    return Html(f"<figure><h3>{title}</h3><svg {drawn}>{named}{body}</svg><figcaption>{words}</figcaption></figure>")
