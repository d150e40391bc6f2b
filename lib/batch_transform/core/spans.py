"""Spans as columns: contiguous ranges of row numbers, each exported as one JSON Lines object.

A table of spans is an Arrow table, not a list of objects: a million spans stay a few dozen megabytes in the driver.
Line i of a span's object is row `start + i`. Nothing here assumes that one task wrote one file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.errors import GateRefused

STANDARD = "standard"
OVERSIZE = "oversize"
UNSENDABLE = "unsendable"  # a single record over the service's largest payload; it has no object

# What an export or a cut writes: rows [start, stop) are the lines of one object.
EXPORT_SCHEMA = pa.schema(
    [
        pa.field("start", pa.int64(), nullable=False),
        pa.field("stop", pa.int64(), nullable=False),
        pa.field("lane", pa.string(), nullable=False),
        pa.field("object", pa.string()),  # flat name below the run's `input/`; null for an unsendable record
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("largest", pa.int64(), nullable=False),  # bytes of the largest record, with its newline
        pa.field("etag", pa.string()),  # of the object, as its put was answered; null in parts of earlier versions
    ]
)


class Exported(TypedDict):
    """A row of EXPORT_SCHEMA."""

    start: int
    stop: int
    lane: str
    object: str  # null of an unsendable record, which no job has, and of a part that is not sent
    bytes: int
    largest: int
    etag: str | None


# A span with what its jobs so far have shown (core.isolation.reconciling).
SPAN_SCHEMA = pa.schema(
    [
        *EXPORT_SCHEMA,
        pa.field("offset", pa.int64(), nullable=False),  # its first byte in `object`
        pa.field("whole", pa.bool_(), nullable=False),  # whether it is all of `object`, which can be sent as it is
        pa.field("level", pa.int32(), nullable=False),  # how often it was split out of a larger one
        pa.field("repeats", pa.int32(), nullable=False),  # failures that were no record's fault
        pa.field("alone", pa.int32(), nullable=False),  # ambiguous failures as a single row
        pa.field("witnessed", pa.bool_(), nullable=False),  # whether one of those jobs scored something else
        pa.field("payload_mb", pa.int32(), nullable=False),  # MaxPayloadInMB that it needs; 0: as its lane has it
        ("late", pa.int32()),  # of `repeats` those in a job past its time; null in parts of earlier versions
        ("unanswered", pa.int32()),  # jobs in which nobody answered for it, whoever has gone on with the run since
        pa.field("copies", pa.list_(pa.string())),  # objects of the same single row beside `object`, each another try
        pa.field("copy_etags", pa.list_(pa.string())),
    ]
)


class History(TypedDict):
    """What a row of SPAN_SCHEMA has beside those of EXPORT_SCHEMA."""

    offset: int
    whole: bool
    level: int
    repeats: int
    alone: int
    witnessed: bool
    payload_mb: int
    late: int | None
    unanswered: int | None
    copies: list[str] | None
    copy_etags: list[str | None] | None


class Span(Exported, History):
    """A row of SPAN_SCHEMA."""


_NO_HISTORY = History(
    offset=0,
    whole=True,
    level=0,
    repeats=0,
    alone=0,
    witnessed=False,
    payload_mb=0,
    late=0,
    unanswered=0,
    copies=None,
    copy_etags=None,
)
# One object to cut: `parts` are rows, `send` says as how many objects each is sent. 0: none, it stays a range of bytes
# of this one; null: it is settled, and nothing comes of it. More than one are copies of a single row.
CUT_SCHEMA = pa.schema(
    [
        pa.field("start", pa.int64(), nullable=False),
        pa.field("lane", pa.string(), nullable=False),
        pa.field("object", pa.string(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("parts", pa.list_(pa.int64()), nullable=False),
        pa.field("send", pa.list_(pa.int32()), nullable=False),
    ]
)


class Cut(TypedDict):
    """A row of CUT_SCHEMA."""

    start: int
    lane: str
    object: str
    offset: int
    bytes: int
    parts: list[int]
    send: list[int | None]


# What a cut makes: `object` is null where the part is not sent; then `offset` is in the object that was cut.
PART_SCHEMA = pa.schema(
    [
        *EXPORT_SCHEMA,
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("copies", pa.list_(pa.string())),
        pa.field("copy_etags", pa.list_(pa.string())),
    ]
)


class CutPart(TypedDict):
    """A row of PART_SCHEMA."""

    start: int
    stop: int
    lane: str
    object: str | None
    bytes: int
    largest: int
    etag: str | None
    offset: int
    copies: list[str]
    copy_etags: list[str | None]


def conformed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Returns a table with the columns of `schema`; those that an older version did not write are null."""
    if table.schema.equals(schema):
        return table
    known, rows = table.column_names, table.num_rows
    columns = [table[each.name] if each.name in known else pa.nulls(rows, each.type) for each in schema]
    return pa.table(columns, schema=schema)


def without_history(exported: pa.Table) -> pa.Table:
    """Returns exported objects (EXPORT_SCHEMA) as spans that no job has sent yet."""
    rows = exported.num_rows
    columns = [pa.array([value] * rows, SPAN_SCHEMA.field(name).type) for name, value in _NO_HISTORY.items()]
    return pa.Table.from_arrays([*exported.columns, *columns], schema=SPAN_SCHEMA)


@dataclass(frozen=True)
class StagedFile:
    """A staged Parquet file: `rows` rows whose row numbers are `[first, first + rows)`.

    Attributes:
        path: as Spark names it.
        rows: counted rows.
        first: smallest row number.
        last: largest row number.
        json_bytes: sum of the estimated record sizes in bytes.
        largest: largest estimated record in bytes; of copies of the input's files, what an export lets none exceed.
        size_bytes: of the file; None, as the other two, where it was not pinned.
        etag: of the version that was written; of a local file its time and size.
        sha256: of a local file's content; on S3 the ETag stands for it.
    """

    path: str
    rows: int
    first: int
    last: int
    json_bytes: int
    largest: int
    size_bytes: int | None = None
    etag: str | None = None
    sha256: str | None = None

    def __post_init__(self) -> None:
        if self.last - self.first + 1 != self.rows:
            numbers = f"{self.rows} rows between {self.first} and {self.last}"
            raise GateRefused(f"row numbers of {self.path} are not dense: {numbers}")


def row_count(spans: pa.Table) -> int:
    """Returns the rows that the spans hold together."""
    return int(pc.sum(pc.subtract(spans["stop"], spans["start"])).as_py() or 0)


def check_tiling(staged: Iterable[StagedFile], spans: pa.Table) -> None:
    """Checks that the spans tile the row numbers of the staged files: none missing, none twice.

    Args:
        staged: the staged files; their ranges of row numbers must not overlap.
        spans: a table with at least `start` and `stop`, in any order.

    Raises:
        GateRefused: an empty or inverted span, a gap or an overlap; says at which row number.
    """
    files = sorted((file for file in staged if file.rows), key=lambda file: file.first)
    order = np.argsort(spans["start"].to_numpy(), kind="stable")
    starts, stops = spans["start"].to_numpy()[order], spans["stop"].to_numpy()[order]
    if (bad := np.flatnonzero(stops <= starts)).size:
        raise GateRefused(f"an object would hold no row: [{starts[bad[0]]}, {stops[bad[0]]})")
    _check_chain(files, starts, stops)


def _check_chain(files: list[StagedFile], starts: np.ndarray, stops: np.ndarray) -> None:
    firsts = np.array([file.first for file in files], dtype=np.int64)
    ends = np.array([file.first + file.rows for file in files], dtype=np.int64)
    if (starts.size > 0) != (firsts.size > 0):
        raise GateRefused(f"{starts.size} objects are there for {firsts.size} staged files with rows")
    if (bad := np.flatnonzero(firsts[1:] < ends[:-1])).size:
        raise GateRefused(f"row numbers of {files[bad[0]].path} and {files[bad[0] + 1].path} overlap")
    # Where a span does not continue its predecessor, a staged file must end and the next one begin.
    breaks = np.flatnonzero(starts[1:] != stops[:-1])
    got_firsts = np.concatenate([starts[:1], starts[breaks + 1]])
    got_ends = np.concatenate([stops[breaks], stops[-1:]])
    want_firsts, want_ends = _merge_adjacent(firsts, ends)
    if not np.array_equal(got_firsts, want_firsts) or not np.array_equal(got_ends, want_ends):
        place = _first_difference(got_firsts, want_firsts, got_ends, want_ends)
        raise GateRefused(f"the objects do not hold each staged row once: near row number {place}")


def _merge_adjacent(firsts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    breaks = np.flatnonzero(firsts[1:] != ends[:-1])
    return np.concatenate([firsts[:1], firsts[breaks + 1]]), np.concatenate([ends[breaks], ends[-1:]])


def _first_difference(*pairs: np.ndarray) -> int:
    both = [two for pair in (pairs[:2], pairs[2:]) for two in zip(*pair, strict=False)]
    places = [min(got, want) for got, want in both if got != want]
    return int(min(places) if places else max(array[-1] for array in pairs if array.size))
