"""Tables of text, for a terminal. Pure."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence

from batch_transform.core.escaping import one_line

_GAP = "  "
_MARKS = ("Mn", "Me")  # accents that are characters of their own, vowel points, the sign that makes an emoji
_LEAST_COLUMNS = 20  # a column that is narrower is no easier to read than a line that a terminal breaks


class Row(str):
    """A line of a table.

    Attributes:
        last: at which of its characters the last column begins.
    """

    last = 0


def text_table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, is_right: bool = False) -> list[str]:
    """Returns the lines of a table: its heads, then its rows; without rows nothing. Nothing is cut off.

    A cell is on one line, and what cannot be seen of foreign text is escaped. None is a dash. Columns of numbers, with
    `is_right` all, stand at the right.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        return []
    places = range(len(heads))
    right = [is_right or all(_is_number(row[place]) for row in cells) for place in places]
    widths = [max(_width(row[place]) for row in [list(heads), *cells]) for place in places]
    return [
        _row([_padded(row[place], widths[place], is_right=right[place]) for place in places])
        for row in [list(heads), *cells]
    ]


def _row(cells: Sequence[str]) -> Row:
    found = Row(_GAP.join(cells).rstrip())
    found.last = len(_GAP.join([*cells[:-1], ""]))
    return found


def folded(lines: Iterable[str], columns: int) -> list[str]:
    """Returns lines of which those of tables that are wider than a terminal go on below their last column.

    All else is a terminal's to break: it is one line for whoever copies it, as a command has to be.
    """
    return [part for line in lines for part in _folded(line, columns)]


def _folded(line: str, columns: int) -> list[str]:
    if not isinstance(line, Row) or (room := columns - line.last) < _LEAST_COLUMNS or _width(line) <= columns:
        return [line]
    first, *more = textwrap.wrap(line[line.last :], room) or [""]
    return [line[: line.last] + first, *(" " * line.last + part for part in more)]


def pairs(rows: Iterable[tuple[str, object]]) -> list[str]:
    """Returns lines that name a value each; those without one are left out."""
    known = [(name, one_line(str(value))) for name, value in rows if value not in (None, "")]
    width = max((len(name) for name, _ in known), default=0)
    return [f"{name:<{width}}{_GAP}{value}" for name, value in known]


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else one_line(str(value))


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(",", "").replace(".", "").isdigit()


def _padded(text: str, width: int, *, is_right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if is_right else text + space


def _width(text: str) -> int:
    """How many columns of a terminal a text takes: letters of East Asia two (UAX 11), marks on letters none."""
    return sum(
        0 if unicodedata.category(letter) in _MARKS else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )
