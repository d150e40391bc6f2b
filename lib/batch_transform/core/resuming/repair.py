"""What is made again of a hurt workspace, and what that makes of a run's state. Pure.

Objects are exported again from the staged rows, which their spans name by number. An output that is gone or altered is
not believed any more: its rows are open again, whatever they were found to be, and no other row is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.amounts import counted
from batch_transform.core.errors import GateRefused
from batch_transform.core.isolation.error_classes import ErrorClass
from batch_transform.core.isolation.open_spans import OPEN_SCHEMA, again
from batch_transform.core.isolation.verdict_rows import FAILED, VERDICT_SCHEMA, names_of
from batch_transform.core.ledger import Part, Step, StepKind, require
from batch_transform.core.object_names import object_name, original_name
from batch_transform.core.resuming.committed_tables import unscored
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.spans import EXPORT_SCHEMA, CutPart, Span, without_history

# Rows [start, stop) that are to be written again, as the object `object`.
ORDER_SCHEMA = pa.schema(
    [
        pa.field("object", pa.string(), nullable=False),
        pa.field("start", pa.int64(), nullable=False),
        pa.field("stop", pa.int64(), nullable=False),
    ]
)
# What was written.
MADE_SCHEMA = pa.schema(
    [
        pa.field("object", pa.string(), nullable=False),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("largest", pa.int64(), nullable=False),
        pa.field("etag", pa.string()),
    ]
)


def in_objects(spans: pa.Table, names: Iterable[str]) -> pa.Array:
    """Returns for each span whether it lies in one of these objects, or one of them is a copy of it."""
    return pc.is_in(spans["object"], value_set=pa.array(sorted({original_name(name) for name in names}), pa.string()))


def under_new_names(spans: pa.Table, token: str, suffix: str) -> pa.Table:
    """Returns what to write (ORDER_SCHEMA) so that each of these spans has an object of its own."""
    pairs = list(zip(spans["start"].to_pylist(), spans["stop"].to_pylist(), strict=True))
    names = [object_name(start, stop - start, token, suffix) for start, stop in pairs]
    return pa.table([pa.array(names, pa.string()), spans["start"], spans["stop"]], schema=ORDER_SCHEMA)


def under_their_names(spans: pa.Table) -> pa.Table:
    """Returns what to write (ORDER_SCHEMA) where these spans are all of their objects."""
    return spans.select(ORDER_SCHEMA.names).cast(ORDER_SCHEMA)


def copies_of(spans: pa.Table, names: Iterable[str]) -> pa.Table:
    """Returns what to write (ORDER_SCHEMA) so that these copies are there again, as far as they are of these spans."""
    wanted = set(names)
    rows = [
        {"object": copy, "start": span["start"], "stop": span["stop"]}
        for span in spans.filter(in_objects(spans, wanted)).select(["start", "stop", "copies"]).to_pylist()
        for copy in span["copies"] or []
        if copy in wanted
    ]
    return pa.Table.from_pylist(rows, schema=ORDER_SCHEMA)


def placed(spans: pa.Table, orders: pa.Table, made: pa.Table) -> pa.Table:
    """Returns the spans, of which those that were written again lie in their new objects.

    Args:
        spans: of SPAN_SCHEMA or OPEN_SCHEMA.
        orders: what was to be written (ORDER_SCHEMA).
        made: what was (MADE_SCHEMA).

    Raises:
        GateRefused: other rows were written than were to be.
    """
    ordered, found = orders.to_pylist(), {row["object"]: row for row in made.to_pylist()}
    wanted = {row["object"]: row["stop"] - row["start"] for row in ordered}
    written = {name: row["rows"] for name, row in found.items()}
    if wanted != written:
        raise GateRefused(
            f"{counted(len(written), 'object')} exported again where it should be {len(wanted):,}, or other rows"
        )
    by_start = {row["start"]: row["object"] for row in ordered}
    rows = spans.to_pylist()
    for row in rows:
        if (name := by_start.get(row["start"])) is not None:
            told = {field: found[name][field] for field in ("object", "bytes", "largest", "etag")}
            row.update(told, offset=0, whole=True, **{field: None for field in ("line", "lines") if field in row})
    return pa.Table.from_pylist(rows, schema=spans.schema)


def with_copies(spans: pa.Table, made: pa.Table) -> pa.Table:
    """Returns the spans with the ETags of copies that were written again (MADE_SCHEMA)."""
    etags = dict(zip(made["object"].to_pylist(), made["etag"].to_pylist(), strict=True))
    rows = spans.to_pylist()
    for row in rows:
        pairs = zip(row["copies"] or [], row["copy_etags"] or [], strict=True)
        row["copy_etags"] = [etags.get(name, etag) for name, etag in pairs]
    return pa.Table.from_pylist(rows, schema=spans.schema)


def layers(orders: pa.Table) -> list[pa.Table]:
    """Returns the orders in tables of which none holds a row twice, each sorted by row number."""
    left, made = orders.sort_by([("start", "ascending"), ("stop", "ascending")]), []
    while left.num_rows:
        starts, stops = left["start"].to_numpy(), left["stop"].to_numpy()
        taken, end = np.zeros(left.num_rows, bool), -1
        for place in range(left.num_rows):
            if starts[place] >= end:
                taken[place], end = True, stops[place]
        made.append(left.filter(pa.array(taken)))
        left = left.filter(pa.array(~taken))
    return made


def reopened_spans(read: pa.Table, spans_of: Callable[[str], pa.Table]) -> pa.Table:
    """Returns the rows of outputs that count no more, as open spans that no job has sent yet (OPEN_SCHEMA).

    A span whose other rows were sent again before, on request, is no more all of its object: what is left of it has no
    object yet.

    Args:
        read: the leaves that are read from these outputs.
        spans_of: the spans (SPAN_SCHEMA) of a job.
    """
    opened = [OPEN_SCHEMA.empty_table()]
    for job in pc.unique(read["job"]).to_pylist():
        spans = {name: span for span in spans_of(job).to_pylist() for name in names_of(span)}
        rows = [
            _left_of(spans[name], start, stop) for name, start, stop in _runs(read.filter(pc.equal(read["job"], job)))
        ]
        opened.append(again(without_history(pa.Table.from_pylist(rows, schema=EXPORT_SCHEMA))))
    return pa.concat_tables(opened)


def _runs(leaves: pa.Table) -> list[tuple[str, int, int]]:
    """The rows that leaves hold, as (object, start, stop), neighbours in one object together."""
    runs: list[tuple[str, int, int]] = []
    for leaf in leaves.select(["object", "start", "stop"]).sort_by("start").to_pylist():
        if runs and (runs[-1][0], runs[-1][2]) == (leaf["object"], leaf["start"]):
            runs[-1] = (leaf["object"], runs[-1][1], leaf["stop"])
        else:
            runs.append((leaf["object"], leaf["start"], leaf["stop"]))
    return runs


def _left_of(span: Span, start: int, stop: int) -> Span | CutPart:
    if (span["start"], span["stop"]) == (start, stop):
        return span
    return {
        "start": start,
        "stop": stop,
        "lane": span["lane"],
        "object": None,
        "bytes": 0,
        "largest": span["largest"],
        "etag": None,
        "offset": 0,
        "copies": [],
        "copy_etags": [],
    }


def disbelieved(job: JobRecord, spans: pa.Table) -> pa.Table:
    """Returns the verdicts (VERDICT_SCHEMA) on spans whose objects were altered before their job had ended."""
    told = {"job": job.name, "state": FAILED, "line": 0, "rounds": job.round_number, "at": job.ended_at}
    told |= {"error_class": ErrorClass.NO_OUTPUT.value, "certain": True}
    told |= {"message": "its input object was altered before the job ended, so its answers are not believed"}
    rows = [{**span, **told} for span in spans.select(["start", "stop", "object"]).to_pylist()]
    return pa.Table.from_pylist(rows, schema=VERDICT_SCHEMA)


def needed_parts(state: RunState) -> list[Part]:
    """Returns the parts of the ledger without which a run cannot be published any more."""
    parts = [state.spans, *(part for job in state.jobs for part in (job.spans, job.verdicts))]
    parts += [part for settled in state.round_records for part in (settled.leaves, settled.lost, settled.retried)]
    parts += state.held.parts if state.held is not None else ()
    if (last := state.last_round) is not None:
        parts += [last.waiting if last.leaves is None else last.open]
    return [part for part in parts if part is not None]


def _mended(state: RunState, step: Step) -> RunState:
    """Objects were exported again: the spans of a job that is not judged, or those that are open after a round.

    Or a job's controls were written again, under their names. Or, of a committed result, dead rows have lost the line
    that was their evidence.
    """
    (part,) = step.parts
    if "evidence" in step.payload:
        require(state.publication is not None and state.published is None, "while it is being published")
        assert state.gate is not None
        return replace(state, gate=replace(state.gate, parts=(part, *state.gate.parts[1:])))
    if (name := step.payload.get("job")) is not None:
        require(any(job.name == name for job in state.jobs), f"{name} is a job that was not planned")
        job = state.job(name)
        require(job.verdicts is None and part.rows == job.spans.rows, "the spans of a job that is not judged")
        etags = step.payload.get("control_etags", job.control_etags)
        return state.with_job(replace(job, spans=part, control_etags=tuple(etags)))
    last = state.last_round
    require(last is not None and last.open_spans == part.rows > 0, "as many spans as are open")
    assert last is not None
    return state.with_last_round(replace(last, open=part))


def _unmerged(state: RunState, step: Step) -> RunState:
    """Merged files are gone or altered that were not copied yet: another merge takes their place."""
    require(state.publication is not None and state.published is None, "while it is being published")
    return replace(state, publication=None, merges_lost=state.merges_lost + 1)


def _unstaged(state: RunState, step: Step) -> RunState:
    """Staged files are gone, altered or unfit before anything depends on them: the input is staged again."""
    require(state.staged is not None and state.last_round is None, "before the first round is planned")
    unfit = state.copies_unfit or bool(step.payload.get("unfit"))
    return replace(state, staged=None, spans=None, record_sizes=None, copies_unfit=unfit)


TRANSITIONS: Mapping[StepKind, Callable[[RunState, Step], RunState]] = {
    StepKind.MENDED: _mended,
    StepKind.UNSCORED: unscored,
    StepKind.UNMERGED: _unmerged,
    StepKind.UNSTAGED: _unstaged,
}
