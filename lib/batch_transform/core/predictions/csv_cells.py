"""The reader that defines what a line of CSV or of text holds: Python's `csv`, one line at a time.

| cell | read as |
|---|---|
| empty, or blank for any type but string | null |
| string | as it is, without the quotes around it |
| boolean | `true`, `True`, `TRUE`, `false`, `False`, `FALSE` |
| int8, int16, int32, int64 | digits, after a `-` or not, in range |
| float64, float32 | a decimal number, or `nan`, `inf`, `infinity` in any case; a sign before it or not |
| decimal128 | a decimal number that need not be rounded and has no digit too many |
| date32, timestamp, binary | as the strings of JSON (`core.predictions.reader`) |

Spaces and tabs around a cell are left out, but of a string. CSV: cells stand for fields by position, with commas
between them, quotes as RFC 4180 has them, and no line break inside; a line with another number of cells is unreadable.
Text: the line is the one cell, whatever is in it.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.types as pt

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.predictions.answer_form import CSV, AnswerForm
from batch_transform.core.predictions.json_scalars import Unfit, characters, day, decimal, integer, microseconds, octets
from batch_transform.core.predictions.output_lines import Lines
from batch_transform.core.predictions.prediction_types import Answers, integer_bits

TRUE, FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")

_WHOLE = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?(?:nan|inf|infinity)", re.IGNORECASE)

Cell = Callable[[str], object]


@dataclass(frozen=True)
class Cells:
    """How the lines of one form become rows of one type."""

    form: AnswerForm
    kind: pa.StructType

    def __post_init__(self) -> None:
        """Raises ConfigurationError for a type whose values no cell holds, and for text of several fields."""
        faults = [
            f"prediction.schema: {field.name} is {field.type}; prediction.format: {self.form.format} has single values "
            "only"
            for field in self.kind
            if pt.is_nested(field.type)
        ]
        if self.form.format != CSV and len(self.kind) != 1:
            faults.append(
                f"prediction.schema: has {counted(len(self.kind), 'field')}; with prediction.format: text a line "
                "is one value; csv reads several of a line, by their places"
            )
        if faults:
            raise ConfigurationError(faults)


def read_cells(lines: Lines, cells: Cells) -> Answers:
    """Returns the values of the lines, whatever they hold."""
    readers = [(field.name, _cell(field.type)) for field in cells.kind]
    outcomes = [_attempt(lines[index], cells.form, readers) for index in range(len(lines))]
    reasons = {index: outcome for index, outcome in enumerate(outcomes) if isinstance(outcome, str)}
    rows = [None if isinstance(outcome, str) else outcome for outcome in outcomes]
    return Answers(pa.array(rows, cells.kind), reasons)


# A value is of whatever type its field has.
def _attempt(line: bytes, form: AnswerForm, readers: list[tuple[str, Cell]]) -> dict[str, object] | str:
    """Returns the line's row, or as a string the reason why it has none."""
    try:
        found = _split(line, form, len(readers))
        return {name: _value(name, read, text) for (name, read), text in zip(readers, found, strict=True)}
    except Unfit as unfit:
        return sys.intern(str(unfit))


def _split(line: bytes, form: AnswerForm, fields: int) -> list[str]:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise Unfit("not UTF-8") from None
    if not line.strip():
        raise Unfit("a blank line")
    if form.format != CSV:
        return [text]
    if "\0" in text:
        raise Unfit("not CSV: it holds a NUL")  # Python 3.10 refuses it, 3.11 does not
    found = csv_row(text)
    if len(found) != fields:
        raise Unfit(f"expected {counted(fields, 'value')}, found {len(found)}")
    return found


def csv_row(text: str) -> list[str]:
    """Returns the cells of one line.

    Python's csv module refuses a cell over a limit (131,072 characters) that is the whole process's, which in a
    notebook is the user's: it is left as it is, and a line that may hold such a cell is split here.

    Raises:
        Unfit: a quote that does not end, or what follows one that has.
    """
    if len(text) > csv.field_size_limit():
        return _long_row(text)
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as err:
        raise Unfit(f"not CSV: {err}") from None
    return rows[0] if len(rows) == 1 else []


_LONG_CELL = re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n][^,\r\n]*|))(,|\r*\Z)')


def _long_row(text: str) -> list[str]:
    found: list[str] = []
    place, more = 0, True
    while more:
        cell = _LONG_CELL.match(text, place)
        if cell is None:
            raise Unfit(f"not CSV: cell {len(found)} does not end")
        found.append(cell[2] if cell[1] is None else cell[1].replace('""', '"'))
        place, more = cell.end(), cell[3] == ","
    return found


def _value(name: str, read: Cell, text: str) -> object:
    try:
        return read(text)
    except Unfit as unfit:
        raise Unfit(f"field {name}: {unfit}") from None


def _cell(kind: pa.DataType) -> Cell:
    """Returns the function from a cell to a value that `pyarrow.array` takes for the type."""
    if pt.is_string(kind):
        return lambda text: characters(text) if text else None
    read = _scalar(kind)

    def convert(text: str) -> object:
        bare = text.strip(" \t\r")
        if not bare:
            return None
        try:
            return read(bare)
        except Unfit as unfit:
            raise Unfit(f"expected {kind}, {unfit}") from None

    return convert


def _scalar(kind: pa.DataType) -> Cell:
    bits = integer_bits(kind)
    if bits is not None:
        return lambda text: integer(_matched(_WHOLE, text), bits)
    if pt.is_decimal(kind):
        return lambda text: decimal(_matched(_NUMBER, text), kind.precision, kind.scale)
    if pt.is_floating(kind):
        return _float
    if pt.is_timestamp(kind):
        return lambda text: microseconds(text, zoned=kind.tz is not None)
    if pt.is_boolean(kind):
        return _boolean
    return day if pt.is_date(kind) else octets


def _matched(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise Unfit("found a value that is no such number")
    return text


def _float(text: str) -> float:
    return float(text if _NOT_FINITE.fullmatch(text) else _matched(_NUMBER, text))


def _boolean(text: str) -> bool:
    if text not in TRUE + FALSE:
        raise Unfit("found a value that is neither true nor false")
    return text in TRUE
