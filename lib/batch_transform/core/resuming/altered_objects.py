"""What the ledger says of objects and files, held against what a listing shows: which are gone or altered. Pure.

One listing tells of all; no object is asked for alone, and none is read. As columns: there may be a million.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.framing import Framing
from batch_transform.core.isolation.verdict_rows import LEAF_SCHEMA
from batch_transform.core.object_store import ObjectInfo
from batch_transform.core.run_state import JobRecord

# An object as it was recorded, or as it was found; null: that is not known, as in ledgers of earlier versions.
PIN_SCHEMA = pa.schema(
    [pa.field("name", pa.string(), nullable=False), pa.field("size", pa.int64()), pa.field("etag", pa.string())]
)
FOUND_SCHEMA = PIN_SCHEMA.append(pa.field("modified", pa.timestamp("us", "UTC")))
# Outputs that count no more.
UNSCORED_SCHEMA = pa.schema([LEAF_SCHEMA.field("job"), LEAF_SCHEMA.field("object")])


_PAGE = 100_000  # objects of a listing that are held as Python's own at once


@dataclass(frozen=True)
class Hurt:
    """What is no more as it was recorded, by name."""

    gone: frozenset[str]
    altered: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """Names of whatever can no longer be had as it was recorded."""
        return self.gone | self.altered


def found_below(folder: str, listing: Iterable[ObjectInfo]) -> pa.Table:
    """Returns what a listing of `folder`, a key prefix, shows (FOUND_SCHEMA), by the names below it."""
    rows = ((info.key[len(folder) :], info.size_bytes, info.etag, info.last_modified) for info in listing)
    batches = []
    while page := list(itertools.islice(rows, _PAGE)):
        columns = [pa.array(column, f.type) for column, f in zip(zip(*page, strict=True), FOUND_SCHEMA, strict=True)]
        batches.append(pa.record_batch(columns, FOUND_SCHEMA))
    return pa.Table.from_batches(batches, FOUND_SCHEMA).combine_chunks()


def changed_by(found: pa.Table, names: Iterable[str], at: datetime) -> frozenset[str]:
    """Returns which of these were put last at `at` or before, by the whole seconds that S3 gives."""
    chosen = found.filter(pc.is_in(found["name"], value_set=pa.array(sorted(names), pa.string())))
    return _names(chosen.filter(pc.less_equal(chosen["modified"], pa.scalar(at, FOUND_SCHEMA.field("modified").type))))


def hurt(pins: pa.Table, found: pa.Table) -> Hurt:
    """Returns which of what is recorded (PIN_SCHEMA) is gone, and which of it is found to be another one now."""
    names = pins["name"].combine_chunks()
    # First those that are meant: a job has a share of all objects, and to index a name costs more than to skip it.
    own = found.filter(pc.is_in(found["name"], value_set=names))
    now = own.take(pc.index_in(names, value_set=own["name"].combine_chunks()))
    is_there = pc.is_valid(now["name"])
    kept = [pc.or_(pc.is_null(pins[name]), pc.fill_null(pc.equal(pins[name], now[name]), False)) for name in _TOLD]
    altered = pc.and_(is_there, pc.invert(pc.and_(*kept)))
    return Hurt(_names(pins.filter(pc.invert(is_there))), _names(pins.filter(altered)))


_TOLD = ("size", "etag")


def _names(table: pa.Table) -> frozenset[str]:
    return frozenset(table["name"].to_pylist())


def input_pins(spans: pa.Table, framing: Framing) -> pa.Table:
    """Returns what is recorded of the objects in which these spans lie (PIN_SCHEMA).

    Spans of an earlier version have no ETag: of those the size is known where the span is all of its object.

    Args:
        spans: of SPAN_SCHEMA or open_spans.OPEN_SCHEMA.
        framing: of the records.
    """
    spans = spans.filter(pc.is_valid(spans["object"]))
    whole = pc.and_(spans["whole"], pa.scalar(not framing.compressed))
    size = pc.if_else(whole, pc.add(spans["bytes"], len(framing.header)), pa.scalar(None, pa.int64()))
    own = pa.table([spans["object"], size, spans["etag"]], schema=PIN_SCHEMA)
    return pa.concat_tables([own, _copy_pins(spans, size)])


def _copy_pins(spans: pa.Table, size: pa.Array) -> pa.Table:
    """A copy is as large as its object."""
    lists = spans["copies"].combine_chunks()
    names = pc.list_flatten(lists)
    of_names = pc.take(size, pc.list_parent_indices(lists))
    etags = pc.list_flatten(spans["copy_etags"].combine_chunks())
    return pa.table([names, of_names, etags], schema=PIN_SCHEMA)


def control_pins(job: JobRecord) -> pa.Table:
    """Returns what is recorded of a job's controls (PIN_SCHEMA): their ETags, unless an earlier version wrote them."""
    etags = job.control_etags or (None,) * len(job.controls)
    return pa.table([pa.array(job.controls, pa.string()), pa.nulls(len(etags), pa.int64()), etags], schema=PIN_SCHEMA)


def output_pins(leaves: pa.Table) -> pa.Table:
    """Returns what is recorded of the outputs that these leaves (LEAF_SCHEMA) are read from (PIN_SCHEMA)."""
    used = leaves.filter(pc.is_valid(leaves["etag"]))
    names = pc.binary_join_element_wise(used["job"], pc.binary_join_element_wise(used["object"], ".out", ""), "/")
    return pa.table([names, pa.nulls(used.num_rows, pa.int64()), used["etag"]], schema=PIN_SCHEMA)


def late(leaves: pa.Table, found: pa.Table, judged_at: Mapping[str, datetime]) -> list[str]:
    """Returns the outputs that no leaf (LEAF_SCHEMA) is read from and that came once their job was judged, in order.

    Args:
        leaves: settled rows.
        found: the outputs that are there (FOUND_SCHEMA).
        judged_at: when each job was judged, by the same clock, that of S3.
    """
    left = unread(leaves, found)
    when = zip(left["name"].to_pylist(), left["modified"].to_pylist(), strict=True)
    of_jobs = ((name, at, judged_at.get(name.partition("/")[0])) for name, at in when)
    return sorted(name for name, at, judged in of_jobs if judged is not None and at > judged)


def unread(leaves: pa.Table, found: pa.Table) -> pa.Table:
    """Returns the outputs that are there (FOUND_SCHEMA) and that no leaf (LEAF_SCHEMA) is read from."""
    return found.filter(pc.invert(pc.is_in(found["name"], value_set=output_pins(leaves)["name"].combine_chunks())))


def read_from(leaves: pa.Table, names: Iterable[str]) -> pa.Table:
    """Returns the leaves (LEAF_SCHEMA) that are read from the outputs that `output_pins` names so."""
    pins = output_pins(leaves)
    used = leaves.filter(pc.is_valid(leaves["etag"]))
    return used.filter(pc.is_in(pins["name"], value_set=pa.array(sorted(names), pa.string())))


def outputs_of(leaves: pa.Table) -> pa.Table:
    """Returns the outputs (UNSCORED_SCHEMA) that leaves are read from, each once."""
    return leaves.group_by(UNSCORED_SCHEMA.names).aggregate([]).select(UNSCORED_SCHEMA.names).cast(UNSCORED_SCHEMA)


def counting(leaves: pa.Table, lost: pa.Table) -> pa.Table:
    """Returns the leaves but for those that are read from outputs that count no more (UNSCORED_SCHEMA)."""
    gone = {(row["job"], row["object"]) for row in lost.to_pylist()}
    read = zip(*(leaves[name].to_pylist() for name in ("job", "object", "etag")), strict=True)
    return leaves.filter(pa.array([etag is None or (job, name) not in gone for job, name, etag in read], pa.bool_()))
