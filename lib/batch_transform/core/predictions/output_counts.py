"""What one `.out` object holds: lines, blank lines, lines without a prediction, and whether its keys are its records'.

Pure but for the store that is handed in. Held at a time are a block of the output and, to compare keys, one of the
input object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.framing import JSON_LINES, Framing
from batch_transform.core.object_names import rows_named
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.predictions.foreign_bytes import ForeignBytes
from batch_transform.core.predictions.form_recognition import recognised
from batch_transform.core.predictions.json_stream import NotUnpacked
from batch_transform.core.predictions.output_lines import blank_lines, blocks
from batch_transform.core.predictions.prediction_types import Answers
from batch_transform.core.predictions.reader import NOTHING_FOUND, PredictionReader
from batch_transform.core.predictions.unreadable_lines import UnreadableLines, add_unreadable, fewest_runs
from batch_transform.core.predictions.wrapping import ErrorAnswered, holds_wrapped
from batch_transform.core.uris import S3Uri

# Read fast it takes about five times as much memory, line by line about twenty times (core.predictions.reader).
BLOCK_BYTES = 4 * 1024 * 1024


# What executors count in one output object. `unreadable` are ranges of lines with the reason.
OUTPUT_SCHEMA = pa.schema(
    [
        pa.field("object", pa.string(), nullable=False),
        pa.field("etag", pa.string()),
        pa.field("lines", pa.int64()),
        pa.field("blank", pa.int64()),
        pa.field(
            "unreadable",
            pa.list_(
                pa.struct(
                    [("start", pa.int64()), ("stop", pa.int64()), ("reason", pa.string()), ("placeholder", pa.bool_())]
                )
            ),
        ),
        pa.field("wrong_key", pa.int64()),  # the first line that echoes another key than its record; null: none
        pa.field("shape", pa.string()),  # what it is instead of what was configured; null: nothing else
        pa.field("setting", pa.string()),  # with which that is read
        pa.field("misread", pa.bool_()),  # whether nothing but its form is wrong
        pa.field("is_error", pa.bool_()),  # whether an answer in it says of itself that it is an error
    ]
)


class OutputCount(TypedDict):
    """A row of OUTPUT_SCHEMA."""

    object: str
    etag: str
    lines: int
    blank: int
    unreadable: list[UnreadableLines]
    wrong_key: int | None
    shape: str | None
    setting: str | None
    misread: bool
    is_error: bool


@dataclass(frozen=True)
class OutputObject:
    """An output that was listed: the input object it answers, its location and its ETag.

    Attributes:
        bytes: as listed; 0 for whoever reads it and need not know.
    """

    object: str
    uri: S3Uri
    etag: str
    bytes: int = 0


@dataclass(frozen=True)
class KeyCheck:
    """That each answer echoes its record's key: the prediction's field `field` equals the record's column `column`.

    Attributes:
        field: of the prediction's schema.
        column: of the record.
        inputs: where the input objects lie.
        framing: of the records in them.
    """

    field: str
    column: str
    inputs: S3Uri
    framing: Framing = JSON_LINES


def count_output(
    store: ObjectStore, output: OutputObject, reader: PredictionReader, key: KeyCheck | None = None
) -> OutputCount:
    """Returns what an output holds (a row of OUTPUT_SCHEMA), read at its ETag.

    Lines are those of `AnswerForm.lines`: predictions, one on each. Where they are not what the rows ask for, `shape`
    says what the output seems to be instead, and `setting` how that is read, if some setting does. It is `misread` if
    nothing but its form is wrong: no line of it is a prediction as it is, but for pieces of documents that look like
    one, or blank lines are all that is too much.
    """
    found: OutputCount = {
        "object": output.object,
        "etag": output.etag,
        "lines": 0,
        "blank": 0,
        "unreadable": [],
        "wrong_key": None,
        "shape": None,
        "setting": None,
        "misread": False,
        "is_error": False,
    }
    try:
        _count(store, output, reader, key, found)
    except ErrorAnswered as err:
        return {**found, "shape": str(err), "is_error": True}
    except ForeignBytes as err:
        return {**found, "shape": str(err), "setting": err.setting, "misread": True}
    except NotUnpacked as err:
        found["shape"] = str(err)
    _look_again(store, output, reader, found)
    return {**found, "unreadable": fewest_runs(found["unreadable"], found["lines"])}


def _count(
    store: ObjectStore, output: OutputObject, reader: PredictionReader, key: KeyCheck | None, found: OutputCount
) -> None:
    chunks = reader.form.lines(store.open_stream(output.uri, output.etag).chunks)
    keys = None
    if key:
        records = store.open_stream(key.inputs.join(output.object)).chunks
        keys = _Keys(key, reader, key.framing.unpacked(records))
    for lines in blocks(chunks, BLOCK_BYTES):
        answers = reader.read(lines)
        add_unreadable(found["unreadable"], answers.reasons, found["lines"])
        if keys:
            keys.compare(answers)
            found["wrong_key"] = keys.first_wrong
        found["lines"] += len(answers.values)
        found["blank"] += int(np.count_nonzero(blank_lines(lines)))


def _look_again(store: ObjectStore, output: OutputObject, reader: PredictionReader, found: OutputCount) -> None:
    """Says of an output that is not as it should be what it is instead, if some setting reads it."""
    rows = rows_named(output.object)
    as_many = found["lines"] == rows and not found["blank"] and found["shape"] is None
    readable = found["lines"] - sum(run["stop"] - run["start"] for run in found["unreadable"])
    # All of it unreadable, it may be in another form as well, such as a number on each line.
    if as_many and (readable or found["unreadable"][0]["placeholder"]):
        return
    if rows is None or reader.form.is_joined:
        return
    seen = recognised(lambda: store.open_stream(output.uri, output.etag).chunks, reader, rows, as_many=as_many)
    if seen is None:
        return
    found["shape"], found["setting"] = seen.shape, seen.setting
    is_part = reader.form.is_wrapped and holds_wrapped(store.open_stream(output.uri, output.etag).chunks)
    is_whole = not readable or (seen.is_packed and 2 * readable < found["lines"])
    found["misread"] = not is_part and (is_whole or seen.skips_blank or reader.schema is None)


class _Keys:
    """Compares the keys that answers echo with those of the records, block by block; the blocks do not begin alike.

    A record whose key the field's type cannot hold equals no answer: were it null, a model that echoes nothing would
    seem to prove its order.
    """

    def __init__(self, key: KeyCheck, reader: PredictionReader, chunks: Iterable[bytes]) -> None:
        self._field = key.field
        kind = reader.type[key.field].type
        record_reader = PredictionReader(pa.schema([(key.column, kind)]))
        self._records = _keys(record_reader, chunks)
        self._ahead: pa.StructArray = pa.array([], pa.struct([("key", kind), ("readable", pa.bool_())]))
        self._done = 0
        self.first_wrong: int | None = None

    def compare(self, answers: Answers) -> None:
        """Compares the next answers; those that hold no prediction echo nothing, and are errors of their own."""
        echoed = answers.values.field(self._field)
        read = answers.values.is_valid().to_numpy(zero_copy_only=False)
        wanted = self._take(len(echoed))
        same = np.zeros(len(echoed), bool)
        echoed_part = echoed.slice(0, len(wanted))
        keys, readable = wanted.field("key"), wanted.field("readable")
        both_null = pc.and_(echoed_part.is_null(), keys.is_null())
        equal = pc.or_(pc.fill_null(pc.equal(echoed_part, keys), False), both_null)
        same[: len(wanted)] = pc.and_(equal, readable).to_numpy(zero_copy_only=False)
        wrong = np.flatnonzero(read & ~same)
        if self.first_wrong is None and wrong.size:
            self.first_wrong = self._done + int(wrong[0])
        self._done += len(echoed)

    def _take(self, length: int) -> pa.StructArray:
        """The keys of the next `length` records; fewer where there are no more."""
        while len(self._ahead) < length:
            block = next(self._records, None)
            if block is None:
                break
            self._ahead = pa.concat_arrays([self._ahead, block])
        taken, self._ahead = self._ahead.slice(0, length), self._ahead.slice(length)
        return taken


def _keys(reader: PredictionReader, chunks: Iterable[bytes]) -> Iterator[pa.StructArray]:
    """Yields each record's key and whether it could be read; a key that is null or missing can."""
    for lines in blocks(chunks, BLOCK_BYTES):
        answers = reader.read(lines)
        readable = np.ones(len(answers.values), bool)
        readable[[line for line, reason in answers.reasons.items() if reason != NOTHING_FOUND]] = False
        yield pa.StructArray.from_arrays([answers.values.flatten()[0], pa.array(readable)], names=["key", "readable"])
