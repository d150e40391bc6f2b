"""Lines of CSV that are no whole record: a value in quotes that goes on in the next one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_WIDE = ("utf-16", "utf-32", "utf16", "utf32")
_ESCAPES = {r"\t": "\t", r"\\": "\\"}


@dataclass(frozen=True)
class CsvForm:
    """How values are told apart, by the options of Spark's reader.

    Attributes:
        separator: between two values.
        quote: around a value that has one in it, or a line break.
        escape: before a quote that is in a value.
        comment: what begins a line that is none.
    """

    separator: str = ","
    quote: str = '"'
    escape: str = "\\"
    comment: str = ""

    def breaks_off(self, line: str) -> bool:
        """Returns whether a line begins a value in quotes that it does not end."""
        place = 0
        while not (self.comment and line.startswith(self.comment)):
            if line.startswith(self.quote, place):
                if (end := self._end_of(line, place + 1)) is None:
                    return True
                place = end
            place = line.find(self.separator, place) + len(self.separator)
            if place < len(self.separator):
                return False
        return False

    def _end_of(self, line: str, place: int) -> int | None:
        """Behind the quote that ends a value; a quote that is escaped or doubled does not."""
        while (found := line.find(self.quote, place)) >= 0:
            before = line[place:found]
            if self.escape != self.quote and (len(before) - len(before.rstrip(self.escape))) % 2:
                place = found + 1
            elif line.startswith(self.quote, found + 1):
                place = found + 2
            else:
                return found + 1
        return None


def csv_form(options: Mapping[str, str]) -> CsvForm | None:
    """Returns the form of files whose lines are rows; None where a row may have several, or no value has quotes."""
    given = {name.lower(): value for name, value in options.items()}
    separator = given.get("sep", given.get("delimiter", ","))
    quote = given.get("quote", '"')
    is_wide = given.get("encoding", given.get("charset", "")).lower().startswith(_WIDE)
    if given.get("multiline", "false").lower() == "true" or is_wide or not separator or len(quote) != 1:
        return None
    escape, comment = given.get("escape", "\\"), given.get("comment", "")
    return CsvForm(_ESCAPES.get(separator, separator), quote, escape or quote, comment)


def breaks_off(lines: Iterable[str], options: Mapping[str, str]) -> bool:
    """Returns whether one of these lines of a file ends within a value, which Spark's reader then cuts in two rows.

    Args:
        lines: without their ends.
        options: of the reader.
    """
    form = csv_form(options)
    return form is not None and any(form.breaks_off(line) for line in lines)
