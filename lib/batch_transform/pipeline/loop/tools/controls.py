"""Controls of a job: records that were scored, sent again to see how often good requests fail in it."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.isolation.single_row_tries import Lane
from batch_transform.core.isolation.verdict_rows import SCORED, Leaf
from batch_transform.core.limits import BYTES_PER_MB
from batch_transform.core.object_names import control_name
from batch_transform.core.resuming import altered_objects
from batch_transform.core.run_state import RunState
from batch_transform.core.sending.job_planning import LanePlan
from batch_transform.core.sending.part_objects import some_records
from batch_transform.core.spans import SPAN_SCHEMA, Span
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.loop.tools.recorded_spans import exported_again, spans_of
from batch_transform.records.registry import run_framing

# So many scored spans, spread over the run, give records: one that only seemed to be good does not decide alone.
_SOURCES = 8
_MOST_RECORDS = 4  # of each
# All lines before a record are read to find it.
_MOST_LINES = 1000


@dataclass(frozen=True)
class Source:
    """Scored lines of an object: `rows` of them, the first of which is `line`."""

    span: Span
    line: int
    rows: int


def write_controls(ctx: RunContext, state: RunState, lane: LanePlan, planned: Mapping[Lane, int]) -> dict[str, str]:
    """Returns a job's controls, by name their ETags; they are written below the run's `input/`.

    Their answers are no row's, so they are few, and only beside single rows that may be bad.

    Args:
        ctx: of the run.
        state: the run.
        lane: of the job.
        planned: how many are wanted, by lane and payload.
    """
    wanted = max((count for (name, _), count in planned.items() if name == lane.lane), default=0)
    single = pc.equal(pc.subtract(lane.spans["stop"], lane.spans["start"]), 1)
    if not wanted or not pc.any(single).as_py():
        return {}
    limit, framing = lane.throughput.max_payload_mb, run_framing(state)
    most = (limit * BYTES_PER_MB if limit else np.inf) - len(framing.header)
    records = list(control_records(ctx, state, most, wanted))
    names = [control_name(uuid.uuid4().hex[:16], framing.suffix) for _ in range(wanted if records else 0)]
    pairs = zip(names, itertools.cycle(records), strict=False)
    return {name: ctx.store.put(ctx.places.layout.input.join(name), record) for name, record in pairs}


def control_records(ctx: RunContext, state: RunState, most_bytes: float, wanted: int) -> Iterator[bytes]:
    """Yields records that were scored, as objects; fewer than are wanted where few were. None is over `most_bytes`."""
    sources = _sources(ctx, state, most_bytes)
    each = min(_MOST_RECORDS, -(-wanted // max(1, len(sources))))
    for found in sources:
        source = sound(ctx, state, found)
        count, span = min(each, source.rows), source.span
        size = min(span["bytes"], span["largest"] * (source.line + count))
        uri = ctx.places.layout.input.join(span["object"])
        yield from some_records(ctx.store, uri, size, source.line, count, run_framing(state))


def _sources(ctx: RunContext, state: RunState, most_bytes: float) -> list[Source]:
    """Objects of which lines were scored, with the first of these: spread over the jobs."""
    found: list[Source] = []
    for job in state.jobs:
        if job.verdicts is None:
            continue
        verdicts = ctx.ledger.read_part(job.verdicts)
        near = pc.less(verdicts["line"], _MOST_LINES)
        scored = verdicts.filter(pc.and_(pc.equal(verdicts["state"], SCORED), near))
        spans = spans_of(ctx, job)
        spans = spans.filter(pc.less_equal(spans["largest"], pa.scalar(most_bytes, pa.float64())))
        objects = pc.subtract(scored["start"], scored["line"])  # the first row of each leaf's object
        scored = scored.append_column("first", objects)
        chosen = scored.filter(pc.is_in(objects, value_set=spans["start"].combine_chunks()))
        last = chosen.num_rows - 1
        places = np.unique(np.linspace(0, max(0, last), _SOURCES).astype(int))[: last + 1]
        leaves = chosen.take(places).select(["first", "start", "stop", "line", "object"]).to_pylist()
        of_leaves = pc.is_in(spans["start"], value_set=pa.array([leaf["first"] for leaf in leaves], pa.int64()))
        sizes = {span["start"]: span for span in spans.filter(of_leaves).to_pylist()}
        found += [_source(sizes[leaf["first"]], leaf) for leaf in leaves]
        if len(found) >= _SOURCES:
            break
    return [found[place] for place in np.unique(np.linspace(0, len(found) - 1, _SOURCES).astype(int))] if found else []


def _source(span: Span, leaf: Leaf) -> Source:
    # Only its own object's ETag is recorded, and not that of a copy.
    etag = span["etag"] if leaf["object"] == span["object"] else None
    alone: Span = {**span, "start": leaf["start"], "stop": leaf["stop"], "object": leaf["object"], "etag": etag}
    return Source(alone, leaf["line"], leaf["stop"] - leaf["start"])


def sound(ctx: RunContext, state: RunState, source: Source) -> Source:
    """Returns where a record is to be taken from: here, if the object is sound, else an object with its row alone."""
    # The span as its one object: whether that is sound has nothing to do with copies of it, which nobody reads.
    span: Span = {**source.span, "copies": None, "copy_etags": None}
    found = ctx.store.head(ctx.places.layout.input.join(span["object"]))
    spans = pa.Table.from_pylist([span], schema=SPAN_SCHEMA)
    shown = altered_objects.found_below(ctx.places.layout.input.prefix, [found] if found else [])
    if not altered_objects.hurt(altered_objects.input_pins(spans, run_framing(state)), shown).names:
        return source
    first = pa.Table.from_pylist([{**span, "stop": span["start"] + 1}], schema=SPAN_SCHEMA)
    again: Span = exported_again(ctx, state, first, first).to_pylist()[0]
    return Source(again, line=0, rows=1)
