"""What an ended job's outputs say of its spans. Never its status, and never half an output."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypedDict

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.isolation.data_log_evidence import LogEntry
from batch_transform.core.isolation.error_classes import (
    ErrorClass,
    Failure,
    of_log_entry,
    of_mismatch,
    of_missing_output,
    of_shape,
)
from batch_transform.core.isolation.verdict_rows import (
    DEAD,
    FAILED,
    LEAF_SCHEMA,
    SCORED,
    VERDICT_SCHEMA,
    Leaf,
    Verdict,
    names_of,
    together,
)
from batch_transform.core.limits import LARGEST_RECORD_BYTES
from batch_transform.core.predictions.output_counts import OutputCount
from batch_transform.core.predictions.unreadable_lines import UnreadableLines
from batch_transform.core.run_state import JobRecord
from batch_transform.core.spans import SPAN_SCHEMA, UNSENDABLE, conformed


class Sent(TypedDict):
    """Rows of a job, and the object that holds them."""

    start: int
    stop: int
    object: str


@dataclass(frozen=True)
class Evidence:
    """What is known of a job besides its status: its counted outputs (OUTPUT_SCHEMA) and its data log by object."""

    outputs: pa.Table
    log: Mapping[str, LogEntry]


def judge(job: JobRecord, spans: pa.Table, evidence: Evidence) -> pa.Table:
    """Returns the verdicts (VERDICT_SCHEMA) on a job's spans.

    A span is scored if an output of it, or of one of its copies, holds exactly one line, not blank, for each of its
    rows. Lines that hold no prediction are failed, one verdict for each; where that is every line, the span is. Lines
    that hold the placeholder, by which the container says that it cannot score a record, are dead, one leaf for each
    run of them. Any other output is not used at all.

    Args:
        job: an ended job.
        spans: its spans (SPAN_SCHEMA).
        evidence: of this job; outputs that are not there are left out.
    """
    assert job.status is not None
    spans = conformed(spans, SPAN_SCHEMA).select(["start", "stop", "object", "copies"])
    clean, etags = _clean(spans, evidence.outputs)
    clean = pc.and_(clean, pc.equal(pc.fill_null(pc.list_value_length(spans["copies"]), 0).combine_chunks(), 0))
    rest = spans.filter(pc.invert(clean)).to_pylist()
    names = pa.array([name for span in rest for name in names_of(span)], pa.string())
    counted = {
        row["object"]: row
        for row in evidence.outputs.filter(pc.is_in(evidence.outputs["object"], value_set=names)).to_pylist()
    }
    missing = of_missing_output(job.status, job.failure_reason)
    verdicts: list[Verdict] = []
    for span in rest:
        tries = []
        for name in names_of(span):
            entry = evidence.log.get(name)
            absent = of_log_entry(entry) if entry else missing
            tries.append(
                list(
                    _of_object(
                        job, {"start": span["start"], "stop": span["stop"], "object": name}, counted.get(name), absent
                    )
                )
            )
        verdicts += together(tries)
    whole = spans.filter(clean).select(["start", "stop", "object"])
    scored = _scored_whole(job, whole, etags.filter(clean))
    return pa.concat_tables([scored, pa.Table.from_pylist(verdicts, schema=VERDICT_SCHEMA)])


def judge_controls(job: JobRecord, evidence: Evidence) -> tuple[int, int]:
    """Returns how many of a job's controls were scored, and how many failed for what may be the model's fault."""
    assert job.status is not None
    missing = of_missing_output(job.status, job.failure_reason)
    counted = {row["object"]: row for row in evidence.outputs.to_pylist()} if job.controls else {}
    passed = failed = 0
    for name in job.controls:
        entry = evidence.log.get(name)
        absent = of_log_entry(entry) if entry else missing
        (verdict,) = _of_object(job, {"start": 0, "stop": 1, "object": name}, counted.get(name), absent)
        passed += verdict["state"] == SCORED
        failed += verdict["state"] != SCORED and ErrorClass(verdict["error_class"]).counts
    return passed, failed


def _clean(spans: pa.Table, outputs: pa.Table) -> tuple[pa.Array, pa.Array]:
    """For each span whether its output is just as it should be, and that output's ETag; as columns: there are many."""
    places = pc.index_in(spans["object"].combine_chunks(), value_set=outputs["object"].combine_chunks())
    found = outputs.take(places)
    checks = [
        pc.equal(found["lines"], pc.subtract(spans["stop"], spans["start"])),
        pc.equal(found["blank"], 0),
        pc.equal(pc.list_value_length(found["unreadable"]), 0),
        pc.is_null(found["wrong_key"]),
        pc.is_null(found["shape"]),
    ]
    whole = functools.reduce(pc.and_, checks)
    return pc.fill_null(whole, False).combine_chunks(), found["etag"].combine_chunks()


def _scored_whole(job: JobRecord, spans: pa.Table, etags: pa.Array) -> pa.Table:
    values = {
        "state": SCORED,
        "job": job.name,
        "line": 0,
        "rounds": job.round_number,
        "at": job.ended_at,
    }
    columns = {
        **{name: spans[name] for name in spans.column_names},
        "etag": etags,
        "lines": pc.subtract(spans["stop"], spans["start"]),
        **{
            name: pa.repeat(pa.scalar(value, VERDICT_SCHEMA.field(name).type), len(spans))
            for name, value in values.items()
        },
    }
    missing = {f.name: pa.nulls(len(spans), f.type) for f in VERDICT_SCHEMA if f.name not in columns}
    every = columns | missing
    return pa.table([every[name] for name in VERDICT_SCHEMA.names], schema=VERDICT_SCHEMA)


def _of_object(job: JobRecord, span: Sent, output: OutputCount | None, absent: Failure) -> Iterator[Verdict]:
    base: Leaf = {"job": job.name, "object": span["object"], "rounds": job.round_number, "line": 0, "at": job.ended_at}
    whole: Leaf = {**base, "start": span["start"], "stop": span["stop"]}
    rows = span["stop"] - span["start"]
    if output is None:
        yield _failed(whole, absent)
    elif output["shape"] is not None:
        yield _failed(whole, of_shape(rows, output))
    elif output["lines"] != rows or output["blank"] or output["wrong_key"] is not None:
        yield _failed(whole, of_mismatch(rows, output))
    else:
        refused = [run for run in output["unreadable"] if not run["placeholder"]]
        unread = sum(run["stop"] - run["start"] for run in refused)
        counted: Leaf = {**base, "etag": output["etag"], "lines": output["lines"]}
        if unread == rows > 1:
            yield _failed(whole, Failure(ErrorClass.UNREADABLE, f"no answer can be read: {refused[0]['reason']}"))
        else:
            if rows > 1 and unread:
                counted["unread"] = unread
            yield from _runs(counted, span["start"], rows, output["unreadable"])


def _failed(leaf: Leaf, failure: Failure, state: str = FAILED) -> Verdict:
    return {
        **leaf,
        "error_class": failure.error_class.value,
        "message": failure.message,
        "evidence": failure.evidence,
        "state": state,
        "certain": failure.certain,
        "setting": failure.setting,
        "tries": None,
        "passed": None,
    }


def _runs(base: Leaf, first: int, rows: int, unreadable: list[UnreadableLines]) -> Iterator[Verdict]:
    line = 0
    end: UnreadableLines = {"start": rows, "stop": rows, "reason": "", "placeholder": False}
    for run in [*unreadable, end]:
        if line < run["start"]:
            yield {
                **base,
                "start": first + line,
                "stop": first + run["start"],
                "line": line,
                "state": SCORED,
                "certain": None,
                "setting": None,
                "tries": None,
                "passed": None,
            }
        if run["start"] < run["stop"] and run["placeholder"]:
            leaf: Leaf = {**base, "start": first + run["start"], "stop": first + run["stop"], "line": run["start"]}
            yield _failed(leaf, Failure(ErrorClass.PLACEHOLDER, run["reason"]), DEAD)
        elif run["start"] < run["stop"]:
            for at in range(run["start"], run["stop"]):
                leaf = {**base, "start": first + at, "stop": first + at + 1, "line": at}
                yield _failed(leaf, Failure(ErrorClass.UNREADABLE, run["reason"]))
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
