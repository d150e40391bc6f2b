"""The prediction reader: bytes of an `.out` object in, a typed Arrow array and the places of unreadable lines out.

One line is one row's prediction: as the container wrote it, or as `AnswerForm.lines` made it of other forms. CSV and
text are read as `csv_cells` says. Of JSON, with a schema, the line is an object:

| line | read as |
|---|---|
| a field of the schema | its value; names match exactly, in any order |
| a field that the schema does not have | ignored, whatever it holds, also twice |
| a missing field, or `null`, at any level | null |
| every field of the schema null or missing (`{}`) | unreadable: a row has a prediction or an error |
| a field of the schema twice in one object; a map's key twice | unreadable |
| blank; not UTF-8; not JSON; no object (`null`, `[1]`, `3`); more than one value (`{}{}`) | unreadable |
| a piece of an object printed over several lines | unreadable, each of its lines |

| type | JSON that fits; anything else makes the line unreadable |
|---|---|
| string | a string without half surrogate pairs; no number, boolean or object |
| boolean | `true`, `false` |
| int8, int16, int32, int64 | a number in range without fraction or exponent (`1.0` does not fit), exact |
| float64, float32 | a number, as Python's `float()` reads it (too large: infinite), rounded once more for float32; `NaN`, `Infinity` and `-Infinity`, bare or as strings |
| decimal128 | a number that need not be rounded and has no digit too many |
| date32 | "YYYY-MM-DD" |
| timestamp[us, UTC] | "YYYY-MM-DDTHH:MM:SS[.ffffff][Z or +HH:MM]", the `T` may be a space; without a zone, UTC |
| timestamp[us] | the same without a zone |
| binary | a string of base64 |
| list, struct, map of strings to | an array, an object, an object |

Where predictions are cut out of documents (`prediction.records_path`, or format json) and the schema has one field, a
value that is no object is that field's: `0.5` is read as `{"p": 0.5}`. Blank lines are left out
(`AnswerForm.skips_blank`) where the schema has more than a bare string.

Without a schema, the line is one string, kept byte for byte (also a `\\r`); unreadable if blank or not UTF-8.

A line that begins with the placeholder (and JSON's white space before it) is unreadable whatever else it is.

Two readers agree on all of this: the slow one (`json_slow`) defines it, the fast one (`json_fast`) takes
the lines of which it gives the same. A block costs the fast reader's time for its good lines and the slow one's for
each line that is `doubtful` at sight. A line that fails only when it is read is found by reading smaller and smaller
parts, so it costs about as much as its block once more and 128 lines read slowly; if all lines fail so, a block
costs little more than the slow reader alone. Memory: five times the block read fast, twenty times read slowly, forty
if it is all numbers.
"""  # noqa: E501

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.predictions.answer_form import CSV, PLAIN, TEXT, AnswerForm
from batch_transform.core.predictions.csv_cells import Cells, read_cells
from batch_transform.core.predictions.csv_cells_fast import doubtful_cells, is_fast, read_cells_fast, read_strings
from batch_transform.core.predictions.json_fast import doubtful, read_fast
from batch_transform.core.predictions.json_slow import read_slow
from batch_transform.core.predictions.long_lines import TOO_LONG, TOO_LONG_REASON
from batch_transform.core.predictions.output_lines import JSON_SPACE, Lines, Mask, begins_with, lines_of
from batch_transform.core.predictions.prediction_types import Answers, fast_type, may_be_blank, prediction_type

NOTHING_FOUND = "none of the schema's fields has a value"
PLACEHOLDER_REASON = "the model answered the placeholder"
# A reason names fields of the schema, which may be long; it goes into the dead letter of each row of a run of lines.
MOST_REASON_CHARACTERS = 200

# Lines that failed together are read again in 16 parts: all but one are then done, for the price of one more reading
# (halves: two more). 128 lines are the least to try, since setting up pyarrow's reader takes as long as 20 slow lines.
_PARTS = 16
_FEW_LINES = 128


@dataclass(frozen=True)
class PredictionReader:
    """Reads blocks of whole lines; a value that can be pickled and sent to a worker.

    `schema` gives the fields of a prediction, or is None for one string, the line. `type` is the struct of the answers'
    values: the schema's fields, all nullable, or `prediction: string`. `placeholder` begins the line that a container
    answers for a record that it cannot score. `form` says how predictions lie in an output; what is read here are the
    lines that it gives.

    Raises:
        ConfigurationError: the schema has a type that a prediction cannot have, at all or in this form.
    """

    schema: pa.Schema | None = None
    placeholder: str | None = None
    form: AnswerForm = PLAIN
    type: pa.StructType = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "type", prediction_type(self.schema))
        if self.form.format == CSV and self.schema is None:
            raise ConfigurationError("prediction.schema: is required with prediction.format: csv, to name the values")
        if self.form.format in (CSV, TEXT) and self.schema is not None:
            Cells(self.form, self.type)
        if not may_be_blank(self.schema, self.form):
            object.__setattr__(self, "form", replace(self.form, skips_blank=True))

    def read(self, lines: Lines) -> Answers:
        """Returns what the lines of a block, of less than 2 GiB, hold; reasons are in ascending order of line."""
        if not len(lines):
            return Answers(pa.array([], self.type))
        part = self._part(lines)
        return Answers(part.values, {line: _bounded(part.reasons[line]) for line in sorted(part.reasons)})

    def _part(self, lines: Lines) -> Answers:
        prefix = (self.placeholder or "").encode().lstrip(JSON_SPACE)
        marks = {prefix: PLACEHOLDER_REASON} if prefix else {}
        if TOO_LONG in lines.block:
            marks[TOO_LONG] = TOO_LONG_REASON
        for mark, reason in marks.items():
            marked = begins_with(lines, mark)
            count = int(np.count_nonzero(marked))
            if count:
                refused = Answers(pa.nulls(count, self.type), dict.fromkeys(range(count), reason))
                others = lines.where(~marked)
                return _interleaved(self._part(others), refused, marked) if len(others) else refused
        return self._answered(lines)

    def _answered(self, lines: Lines) -> Answers:
        if self.schema is None:
            return read_strings(lines, self.type)
        if self.form.format in (CSV, TEXT):
            return _refuse_empty(_read_cells(lines, Cells(self.form, self.type)))
        if self.form.is_unpacked and len(self.schema) == 1:
            lines = _as_objects(lines, self.schema.names[0])
        return _refuse_empty(_read(lines, _json_way(self.type)))


def _bounded(reason: str) -> str:
    return reason if len(reason) <= MOST_REASON_CHARACTERS else reason[: MOST_REASON_CHARACTERS - 3] + "..."


def _as_objects(lines: Lines, name: str) -> Lines:
    """Returns the lines with each value that is no object made the only member of one."""
    bare = np.frombuffer(lines.block, np.uint8)[lines.starts] != ord("{")
    head = b"{" + json.dumps(name).encode() + b":"
    if not bare.any():
        return lines
    if bare.all():
        return lines_of(head + bytes(lines.text()).removesuffix(b"\n").replace(b"\n", b"}\n" + head) + b"}")
    return lines_of(b"\n".join(head + lines[i] + b"}" if bare[i] else lines[i] for i in range(len(lines))))


@dataclass(frozen=True)
class _Way:
    """A fast reader and the slow one that defines what it reads; `doubtful` lines are the slow one's at once."""

    is_fast: bool
    doubtful: Callable[[Lines], Mask]
    fast: Callable[[Lines], pa.StructArray | None]
    slow: Callable[[Lines], Answers]


def _json_way(kind: pa.StructType) -> _Way:
    fast = fast_type(kind) is not None
    return _Way(fast, doubtful, lambda lines: read_fast(lines, kind), lambda lines: read_slow(lines, kind))


def _read_cells(lines: Lines, cells: Cells) -> Answers:
    if cells.form.format == TEXT and cells.kind[0].type == pa.string():
        return read_strings(lines, cells.kind)
    return _read(
        lines,
        _Way(
            is_fast(cells),
            lambda lines: doubtful_cells(lines, cells),
            lambda lines: read_cells_fast(lines, cells),
            lambda lines: read_cells(lines, cells),
        ),
    )


def _read(lines: Lines, way: _Way) -> Answers:
    if not way.is_fast:
        return way.slow(lines)
    doubts = way.doubtful(lines)
    if not doubts.any():
        return _joined(list(_by_parts(lines, way)))
    if doubts.all():
        return way.slow(lines)
    good = _joined(list(_by_parts(lines.where(~doubts), way)))
    return _interleaved(good, way.slow(lines.where(doubts)), doubts)


def _by_parts(lines: Lines, way: _Way) -> Iterator[Answers]:
    """Yields the lines' values in order, read fast but for the few around a line that does not fit."""
    values = way.fast(lines)
    if values is not None:
        yield Answers(values, {})
    elif len(lines) <= _FEW_LINES:
        yield way.slow(lines)
    else:
        step = max(-(-len(lines) // _PARTS), _FEW_LINES)
        for start in range(0, len(lines), step):
            yield from _by_parts(lines.part(start, start + step), way)


def _joined(parts: list[Answers]) -> Answers:
    if len(parts) == 1:
        return parts[0]
    reasons: dict[int, str] = {}
    start = 0
    for part in parts:
        reasons.update({start + line: reason for line, reason in part.reasons.items()})
        start += len(part.values)
    return Answers(pa.concat_arrays([part.values for part in parts]), reasons)


def _interleaved(good: Answers, slow: Answers, is_slow: Mask) -> Answers:
    """Returns both parts' lines in the order of the block, in which `is_slow` says which part each line is in."""
    both = _joined([good, slow])
    order = np.empty(len(is_slow), np.int64)
    places = np.concatenate((np.flatnonzero(~is_slow), np.flatnonzero(is_slow)))
    order[places] = np.arange(len(is_slow))
    reasons = {int(places[line]): reason for line, reason in both.reasons.items()}
    return Answers(both.values.take(pa.array(order)), reasons)


def _refuse_empty(part: Answers) -> Answers:
    """Returns the part with the lines that say nothing made unreadable."""
    columns = part.values.flatten()  # each with the struct's own nulls, so a line refused before stays so
    nothing = columns[0].is_null()
    for column in columns[1:]:
        nothing = pc.and_(nothing, column.is_null())
    if not pc.any(nothing).as_py():
        return part
    silent = np.flatnonzero(nothing.to_numpy(zero_copy_only=False)).tolist()
    reasons = dict.fromkeys(silent, NOTHING_FOUND) | part.reasons
    return Answers(pa.StructArray.from_arrays(columns, fields=list(part.values.type), mask=nothing), reasons)
