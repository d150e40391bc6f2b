"""The outcome of spans, from an ended job's outputs. Never from its status, and never from half an output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .failures import ErrorClass, Failure, of_mismatch, of_missing_output
from .limits import LARGEST_RECORD_BYTES
from .records import JobRecord
from .spans import UNSENDABLE
from .status import JobStatus

SCORED, DEAD, RETRY = "scored", "dead", "retry"

# What executors count in one output object. `unreadable` are ranges of lines with the reason.
OUTPUT_SCHEMA = pa.schema(
    [
        pa.field("object", pa.string(), nullable=False),
        pa.field("etag", pa.string()),
        pa.field("lines", pa.int64()),
        pa.field("blank", pa.int64()),
        pa.field(
            "unreadable",
            pa.list_(pa.struct([("start", pa.int64()), ("stop", pa.int64()), ("reason", pa.string())])),
        ),
    ]
)

# One leaf: rows [start, stop), which are the lines from `line` on of `object` in `job`'s input and output.
LEAF_SCHEMA = pa.schema(
    [
        pa.field("start", pa.int64(), nullable=False),
        pa.field("stop", pa.int64(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("job", pa.string()),
        pa.field("object", pa.string()),
        pa.field("line", pa.int64()),
        pa.field("etag", pa.string()),
        pa.field("lines", pa.int64()),
        pa.field("error_class", pa.string()),
        pa.field("message", pa.string()),
        pa.field("rounds", pa.int32(), nullable=False),
    ]
)


def judge(job: JobRecord, spans: pa.Table, outputs: pa.Table) -> pa.Table:
    """Returns the leaves (LEAF_SCHEMA) of a job's spans.

    A span is scored if its output holds exactly one line, not blank, for each of its rows; lines that the prediction's
    schema cannot read are dead, one leaf for each run of them. Any other output is not used at all.

    Args:
        job: an ended job.
        spans: its spans (SPAN_SCHEMA).
        outputs: what was counted in its own output path (OUTPUT_SCHEMA), missing objects left out.
    """
    assert job.status is not None
    counted = {row["object"]: row for row in outputs.to_pylist()}
    leaves = [
        leaf
        for span in spans.select(["start", "stop", "object"]).to_pylist()
        for leaf in _leaves(job, job.status, span, counted.get(span["object"]))
    ]
    return pa.Table.from_pylist(leaves, schema=LEAF_SCHEMA)


def _leaves(
    job: JobRecord, status: JobStatus, span: dict[str, Any], output: dict[str, Any] | None
) -> Iterator[dict[str, Any]]:
    base = {"job": job.name, "object": span["object"], "rounds": job.round_number, "line": 0}
    whole = {"start": span["start"], "stop": span["stop"], **base}
    rows = span["stop"] - span["start"]
    if output is None:
        yield _failed(whole, of_missing_output(status, job.failure_reason))
    elif output["lines"] != rows or output["blank"]:
        yield _failed(whole, of_mismatch(rows, output["lines"], output["blank"]))
    else:
        counted = {**base, "etag": output["etag"], "lines": output["lines"]}
        yield from _runs(counted, span["start"], rows, output["unreadable"])


def _failed(leaf: dict[str, Any], failure: Failure) -> dict[str, Any]:
    state = RETRY if failure.error_class.may_pass else DEAD
    return {**leaf, "state": state, "error_class": failure.error_class.value, "message": failure.message}


def _runs(base: dict[str, Any], first: int, rows: int, unreadable: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    line = 0
    for run in [*unreadable, {"start": rows, "stop": rows}]:
        if line < run["start"]:
            yield {**base, "start": first + line, "stop": first + run["start"], "line": line, "state": SCORED}
        if run["start"] < run["stop"]:
            place = {"start": first + run["start"], "stop": first + run["stop"], "line": run["start"]}
            yield _failed({**base, **place}, Failure(ErrorClass.UNREADABLE, run["reason"]))
        line = run["stop"]


def unsendable(spans: pa.Table) -> pa.Table:
    """Returns the leaves of records that no payload can hold: dead before any job starts."""
    message = f"the record is over the service's largest payload, {LARGEST_RECORD_BYTES} bytes"
    leaves = [
        {
            "start": span["start"],
            "stop": span["stop"],
            "state": DEAD,
            "error_class": ErrorClass.TOO_LARGE.value,
            "message": message,
            "rounds": 0,
        }
        for span in spans.filter(pc.equal(spans["lane"], UNSENDABLE)).to_pylist()
    ]
    return pa.Table.from_pylist(leaves, schema=LEAF_SCHEMA)


def rows_in_state(leaves: pa.Table, state: str) -> int:
    """Returns how many rows the leaves in `state` hold."""
    chosen = leaves.filter(pc.equal(leaves["state"], state))
    return int(pc.sum(pc.subtract(chosen["stop"], chosen["start"])).as_py() or 0)
