"""HTML in which nothing foreign is markup: whatever is no `Html` is escaped where it is put in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from batch_transform.core.amounts import decimal
from batch_transform.core.escaping import one_line

# Of more rows of a table the sections behind it would lie far below.
MOST_UNFOLDED = 12


class Html(str):
    """Markup of ours."""


@dataclass(frozen=True)
class Column:
    """A column of a table; numbers stand at the right, and long words are broken only where they are expected."""

    title: str
    is_number: bool = False
    is_wide: bool = False

    @property
    def kind(self) -> str:
        """Its cells' class, as an attribute."""
        return ' class="n"' if self.is_number else ' class="w"' if self.is_wide else ""


def shown(value: object) -> Html:
    """Returns a value as markup: text of whoever it may be is escaped."""
    return value if isinstance(value, Html) else Html(escape(one_line(str(value))))


def sentence_of(text: str) -> Html:
    """Returns a sentence in which what stands between backticks, as a key or a command, is set as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one of them is the text's own
        return shown(text)
    return joined(Html(f"<code>{shown(part)}</code>") if place % 2 else part for place, part in enumerate(parts))


def joined(parts: Iterable[object], between: str = "") -> Html:
    """Returns values one after the other."""
    return Html(between.join(map(shown, parts)))


def number(value: float | None, key: str = "") -> Html:
    """Returns a number as people read it; `key` says where the report has it. One that is not known is a dash.

    The element holds it as it is as well, so that a page can be held against the report.
    """
    if value is None:
        return Html("&ndash;")
    text = f"{value:,}" if isinstance(value, int) else decimal(value)
    named = f' data-key="{escape(key)}"' if key else ""
    return Html(f'<data value="{value!r}"{named}>{text}</data>')


def table(title: str, columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> Html:
    """Returns a table; where it is narrow, each row becomes a card, whose cells name their column.

    The roles are said, since cells that are laid out as blocks are none for a screen reader.
    """
    titles, kinds = [shown(column.title) for column in columns], [column.kind for column in columns]
    head = "".join(
        f'<th role="columnheader" scope="col"{kind}>{title}</th>' for title, kind in zip(titles, kinds, strict=True)
    )
    body = "".join(f'<tr role="row">{_cells(row, titles, kinds)}</tr>' for row in rows)
    return Html(
        f'<table role="table"><caption>{shown(title)}</caption>'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead><tbody role="rowgroup">{body}</tbody></table>'
    )


def _cells(row: Sequence[object], titles: Sequence[Html], kinds: Sequence[str]) -> str:
    return "".join(
        f'<td role="cell"{kind} data-label="{title}"><span>{shown(cell)}</span></td>'
        for cell, title, kind in zip(row, titles, kinds, strict=True)
    )


def section(title: str, *body: object) -> Html:
    """Returns a section below its heading; nothing where there is nothing in it."""
    inner = joined(body)
    return Html(f"<section><h2>{shown(title)}</h2>{inner}</section>") if inner else Html("")


def paragraph(words: object) -> Html:
    """Returns a paragraph."""
    return Html(f"<p>{shown(words)}</p>")


def listed(items: Iterable[object]) -> Html:
    """Returns a list; nothing of none."""
    inner = "".join(f"<li>{shown(item)}</li>" for item in items)
    return Html(f"<ul>{inner}</ul>" if inner else "")


def folded(title: str, body: Html) -> Html:
    """Returns what is opened by a click, and needs no script for that."""
    return Html(f"<details><summary>{shown(title)}</summary>{body}</details>")
