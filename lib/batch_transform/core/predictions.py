"""The prediction reader: bytes of an `.out` object in, a typed Arrow array and the places of unreadable lines out.

One line is one row's prediction. With a schema, the line is a JSON object:

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

Without a schema, the line is one string, kept byte for byte (also a `\\r`); unreadable if blank or not UTF-8.

A line that begins with the placeholder, if there is one, is unreadable whatever else it is. JSON's white space before
either is left out.

Two readers agree on all of this: the slow one (`prediction_slow`) defines it, the fast one (`prediction_fast`) takes
the lines of which it gives the same. A block costs the fast reader's time for its good lines and the slow one's for
each line that is `doubtful` at sight. A line that fails only when it is read is found by reading smaller and smaller
parts, so it costs about as much as its block once more and 128 lines read slowly; if all lines fail so, a block
costs little more than the slow reader alone. Memory: five times the block read fast, twenty times read slowly, forty
if it is all numbers.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.prediction_answers import Answers, Unreadable
from batch_transform.core.prediction_fast import doubtful, read_fast
from batch_transform.core.prediction_lines import Lines, Mask, lines_of
from batch_transform.core.prediction_raw import read_raw
from batch_transform.core.prediction_slow import Part, read_slow
from batch_transform.core.prediction_types import fast_type, prediction_type

NOTHING_FOUND = "none of the schema's fields has a value"
PLACEHOLDER_REASON = "the model answered the placeholder"
_JSON_SPACE = b" \t\r\n"

# Lines that failed together are read again in 16 parts: all but one are then done, for the price of one more reading
# (halves: two more). 128 lines are the least to try, since setting up pyarrow's reader takes as long as 20 slow lines.
_PARTS = 16
_FEW_LINES = 128


@dataclass(frozen=True)
class PredictionReader:
    """Reads blocks of whole lines; a value that can be pickled and sent to a worker.

    `schema` gives the fields of a prediction, or is None for one string, the line. `type` is the struct of the answers'
    values: the schema's fields, all nullable, or `prediction: string`. `placeholder` begins the line that a container
    answers for a record that it cannot score.

    Raises:
        ConfigurationError: the schema has a type that a prediction cannot have.
    """

    schema: pa.Schema | None = None
    placeholder: str | None = None
    type: pa.StructType = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "type", prediction_type(self.schema))

    def read(self, block: bytes) -> Answers:
        """Returns what the lines of a block (see `blocks`) hold, one value for each.

        Args:
            block: whole lines, each with its newline; the last may have none. Less than 2 GiB.
        """
        lines = lines_of(block)
        if not len(lines):
            return Answers(pa.array([], self.type))
        part = self._part(lines)
        return Answers(part.values, tuple(Unreadable(line, part.reasons[line]) for line in sorted(part.reasons)))

    def _part(self, lines: Lines) -> Part:
        prefix = (self.placeholder or "").encode().lstrip(_JSON_SPACE)
        marked = _begins_with(lines, prefix) if prefix else np.zeros(len(lines), bool)
        if not marked.any():
            return self._answered(lines)
        count = int(np.count_nonzero(marked))
        refused = Part(pa.nulls(count, self.type), dict.fromkeys(range(count), PLACEHOLDER_REASON))
        if count == len(lines):
            return refused
        return _interleaved(self._answered(lines.where(~marked)), refused, marked)

    def _answered(self, lines: Lines) -> Part:
        return read_raw(lines) if self.schema is None else _refuse_empty(_read(lines, self.type))


def _begins_with(lines: Lines, prefix: bytes) -> Mask:
    """Returns which lines begin with a prefix; looks further only at those whose first byte is its, or white space."""
    # An empty line at the end of the block begins where the block ends.
    octets = np.frombuffer(lines.block + b"\n", np.uint8)
    marked: Mask = np.isin(octets[lines.starts], np.frombuffer(prefix[:1] + _JSON_SPACE, np.uint8))
    for index in np.flatnonzero(marked).tolist():
        start, end = int(lines.starts[index]), int(lines.ends[index])
        if lines.block[start : start + 1] in _JSON_SPACE:
            marked[index] = lines[index].lstrip(_JSON_SPACE).startswith(prefix)
        else:
            marked[index] = lines.block.startswith(prefix, start, end)
    return marked


def _read(lines: Lines, kind: pa.StructType) -> Part:
    if fast_type(kind) is None:
        return read_slow(lines, kind)
    doubts = doubtful(lines)
    if not doubts.any():
        return _joined(list(_by_parts(lines, kind)))
    if doubts.all():
        return read_slow(lines, kind)
    good = _joined(list(_by_parts(lines.where(~doubts), kind)))
    return _interleaved(good, read_slow(lines.where(doubts), kind), doubts)


def _by_parts(lines: Lines, kind: pa.StructType) -> Iterator[Part]:
    """Yields the lines' values in order, read fast but for the few around a line that does not fit."""
    values = read_fast(lines, kind)
    if values is not None:
        yield Part(values, {})
    elif len(lines) <= _FEW_LINES:
        yield read_slow(lines, kind)
    else:
        step = max(-(-len(lines) // _PARTS), _FEW_LINES)
        for start in range(0, len(lines), step):
            yield from _by_parts(lines.part(start, start + step), kind)


def _joined(parts: list[Part]) -> Part:
    if len(parts) == 1:
        return parts[0]
    reasons: dict[int, str] = {}
    start = 0
    for part in parts:
        reasons.update({start + line: reason for line, reason in part.reasons.items()})
        start += len(part.values)
    return Part(pa.concat_arrays([part.values for part in parts]), reasons)


def _interleaved(good: Part, slow: Part, is_slow: Mask) -> Part:
    """Returns both parts' lines in the order of the block, in which `is_slow` says which part each line is in."""
    both = _joined([good, slow])
    order = np.empty(len(is_slow), np.int64)
    places = np.concatenate((np.flatnonzero(~is_slow), np.flatnonzero(is_slow)))
    order[places] = np.arange(len(is_slow))
    reasons = {int(places[line]): reason for line, reason in both.reasons.items()}
    return Part(both.values.take(pa.array(order)), reasons)


def _refuse_empty(part: Part) -> Part:
    """Returns the part with the lines that say nothing made unreadable."""
    columns = part.values.flatten()  # each with the struct's own nulls, so a line refused before stays so
    nothing = columns[0].is_null()
    for column in columns[1:]:
        nothing = pc.and_(nothing, column.is_null())
    if not pc.any(nothing).as_py():
        return part
    silent = np.flatnonzero(nothing.to_numpy(zero_copy_only=False)).tolist()
    reasons = dict.fromkeys(silent, NOTHING_FOUND) | part.reasons
    return Part(pa.StructArray.from_arrays(columns, fields=list(part.values.type), mask=nothing), reasons)
