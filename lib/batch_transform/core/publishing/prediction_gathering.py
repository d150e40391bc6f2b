"""From row numbers to predictions: which leaf holds a row, which line of which output is its answer.

Pure but for the streams that are handed in. It gathers by number, and slices only what it has checked to be
contiguous: a function that sliced by the first number of a batch put 19,997 of 20,000 predictions on wrong rows under
a filter. Of rows whose answer was no prediction it gathers the lines as they are, for their dead letters.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import pyarrow as pa

from batch_transform.core.amounts import counted
from batch_transform.core.errors import GateRefused
from batch_transform.core.escaping import visible
from batch_transform.core.isolation.data_log_evidence import MOST_EVIDENCE_CHARACTERS
from batch_transform.core.isolation.verdict_rows import SCORED, Leaf
from batch_transform.core.predictions.long_lines import TOO_LONG
from batch_transform.core.predictions.output_lines import Lines, blocks
from batch_transform.core.predictions.prediction_types import Answers
from batch_transform.core.publishing.leaf_lookup import LeafLookup
from batch_transform.core.reserved_columns import ORIGIN
from batch_transform.core.sending.object_sizes import ARROW_BATCH_BYTES

# Opens the output of (job, object) at an ETag and returns its chunks.
OpenOutput = Callable[[str, str, str], Iterable[bytes]]
_OPEN_OUTPUTS = 4
# Whether a row is scored; of which job and object its answer is, and since when. A prediction's fields may have these
# names too: Spark is given them by their places.
FLAG = "__scored"
_ORIGIN_TYPE = [pa.field(name, pa.string()) for name in ORIGIN[:2]] + [pa.field(ORIGIN[2], pa.timestamp("us", "UTC"))]


class LineReader(Protocol):
    """Reads blocks of whole lines, one struct for each."""

    @property
    def type(self) -> pa.StructType:
        """The struct that a line becomes."""

    def read(self, lines: Lines) -> Answers:
        """Returns what the lines of a block hold."""


class Gatherer:
    """Gathers the predictions of row numbers from the outputs of their leaves.

    Holds the current block of at most four outputs, so memory does not grow with their size.
    """

    def __init__(
        self, leaves: LeafLookup, reader: LineReader, open_output: OpenOutput, block_bytes: int, *, origin: bool = False
    ) -> None:
        self._leaves = leaves
        self._reader = reader
        self._origin = _ORIGIN_TYPE if origin else []
        self._open_output = open_output
        self._block_bytes = block_bytes
        self._streams: OrderedDict[tuple[str, str], _OutputStream] = OrderedDict()

    @property
    def type(self) -> pa.StructType:
        """FLAG, never null, then the prediction's fields, then reserved_columns.ORIGIN if asked for."""
        return pa.struct([pa.field(FLAG, pa.bool_()), *self._reader.type, *self._origin])

    def gather(self, numbers: np.ndarray) -> Iterator[pa.StructArray]:
        """Yields one struct for each row number, in their order; a dead row has FLAG false and null fields.

        About 32 MB at a time: answers have any size, and of ten thousand of 300 kB no array of text holds all.

        Raises:
            GateRefused: a row number in no leaf, or an output that is not what was counted.
        """
        held: list[pa.StructArray] = []
        size = 0
        for part in self._parts(numbers):
            held.append(part)
            size += part.nbytes
            if size >= ARROW_BATCH_BYTES:
                yield pa.concat_arrays(held)
                held, size = [], 0
        if held:
            yield pa.concat_arrays(held)

    def _parts(self, numbers: np.ndarray) -> Iterator[pa.StructArray]:
        for leaf, chosen in self._leaves.runs(numbers):
            if leaf["state"] != SCORED:
                yield self._with_flag(pa.nulls(len(chosen), self._reader.type), leaf, scored=False)
                continue
            for values in self._stream(leaf).take(chosen - leaf["start"] + leaf["line"]):
                yield self._with_flag(values, leaf, scored=True)

    def raw(self, leaf: Leaf, numbers: np.ndarray) -> pa.Array:
        """Returns the first field of the lines of these rows, which lie in `leaf`, whatever its state is."""
        return pa.concat_arrays(list(self._stream(leaf).take(numbers - leaf["start"] + leaf["line"]))).field(0)

    def _with_flag(self, values: pa.StructArray, leaf: Leaf, *, scored: bool) -> pa.StructArray:
        if scored and values.null_count:
            name = f"{leaf['job']}/{leaf['object']}"
            raise GateRefused(f"{name} has a line that was readable when it was counted and is not now")
        flags = pa.array(np.full(len(values), scored))
        columns = [values.field(i) for i in range(values.type.num_fields)] if scored else values.flatten()
        at = datetime.fromisoformat(leaf["at"]) if leaf["at"] else None
        told = zip(self._origin, (leaf["job"], leaf["object"], at), strict=False)
        origin = [pa.repeat(pa.scalar(value if scored else None, field.type), len(values)) for field, value in told]
        return pa.StructArray.from_arrays([flags, *columns, *origin], fields=list(self.type))

    def _stream(self, leaf: Leaf) -> _OutputStream:
        key = (leaf["job"], leaf["object"])
        if key not in self._streams:
            if len(self._streams) == _OPEN_OUTPUTS:
                self._streams.popitem(last=False)
            open_again = lambda: self._open_output(*key, leaf["etag"])  # noqa: E731
            self._streams[key] = _OutputStream(
                open_again, self._reader, self._block_bytes, leaf["lines"], "/".join(key)
            )
        self._streams.move_to_end(key)
        return self._streams[key]


class _OutputStream:
    """One output, read forwards block by block; going back opens it again."""

    def __init__(
        self, opened: Callable[[], Iterable[bytes]], reader: LineReader, block_bytes: int, lines: int, name: str
    ) -> None:
        self._opened = opened
        self._reader = reader
        self._block_bytes = block_bytes
        self._lines = lines
        self._name = name
        self._rewind()

    def _rewind(self) -> None:
        self._blocks = blocks(self._opened(), self._block_bytes)
        self._first = 0  # line number of the current block's first line
        self._values: pa.StructArray = pa.array([], self._reader.type)

    def take(self, lines: np.ndarray) -> Iterator[pa.StructArray]:
        """Yields the values of these line numbers, in their order; where they ascend, a block's at a time."""
        if not (np.diff(lines) > 0).all():
            ascending, inverse = np.unique(lines, return_inverse=True)
            yield pa.concat_arrays(list(self.take(ascending))).take(pa.array(inverse))
            return
        if lines[0] < self._first:
            self._rewind()
        done = 0
        while done < len(lines):
            stop = int(np.searchsorted(lines, self._first + len(self._values)))
            if stop > done:
                yield _pick(self._values, lines[done:stop] - self._first)
                done = stop
            else:
                self._advance()

    def _advance(self) -> None:
        lines = next(self._blocks, None)
        self._first += len(self._values)
        if lines is None:
            raise GateRefused(f"{self._name} ends after {counted(self._first, 'line')}; {self._lines} were counted")
        self._values = self._reader.read(lines).values
        if self._first + len(self._values) > self._lines:
            raise GateRefused(f"{self._name} has more than {counted(self._lines, 'line')}, which were counted")


def _pick(values: pa.StructArray, places: np.ndarray) -> pa.StructArray:
    if int(places[-1]) - int(places[0]) + 1 == len(places):  # ascending, so contiguous
        return values.slice(int(places[0]), len(places))
    return values.take(pa.array(places))


_LINE = pa.struct([("line", pa.string())])
# No character takes more than four bytes.
_MOST_BYTES = 4 * MOST_EVIDENCE_CHARACTERS


@dataclass(frozen=True)
class RawLines:
    """Reads each line as text, cut to what a dead letter keeps; what cannot be seen is escaped, and bytes that are not
    UTF-8 become U+FFFD.
    """

    @property
    def type(self) -> pa.StructType:
        """One string."""
        return _LINE

    def read(self, lines: Lines) -> Answers:
        """Returns the lines of a block."""
        begun = (lines.block[start:end] for start, end in zip(lines.starts.tolist(), _ends(lines), strict=True))
        texts = [
            visible(line.removeprefix(TOO_LONG).decode(errors="replace"))[:MOST_EVIDENCE_CHARACTERS] for line in begun
        ]
        return Answers(pa.StructArray.from_arrays([pa.array(texts, pa.string())], fields=list(_LINE)))


def _ends(lines: Lines) -> list[int]:
    ends: list[int] = np.minimum(lines.ends, lines.starts + _MOST_BYTES + len(TOO_LONG)).tolist()
    return ends
