"""Staged files, spans and leaves for tests of the core, built from the few columns that a test is about."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from batch_transform.core.isolation.data_log_evidence import LogEntry
from batch_transform.core.isolation.verdict_rows import LEAF_SCHEMA, SCORED
from batch_transform.core.isolation.verdicts import Evidence
from batch_transform.core.ledger import Part, Step
from batch_transform.core.object_names import object_name
from batch_transform.core.predictions.output_counts import OUTPUT_SCHEMA
from batch_transform.core.run_state import JobRecord
from batch_transform.core.spans import SPAN_SCHEMA, STANDARD, StagedFile
from batch_transform.core.statuses import JobStatus


def staged_file(first: int, rows: int, path: str = "f") -> StagedFile:
    return StagedFile(path, rows, first, first + rows - 1, 10 * rows, 10)


def object_of(start: int, stop: int) -> str:
    """The name of the object that holds these rows."""
    return object_name(start, stop - start, "0f")


def span(start: int, stop: int, **other: Any) -> dict[str, Any]:
    usual = {"lane": STANDARD, "object": object_of(start, stop), "bytes": stop - start, "largest": 1, "etag": None}
    history = {"offset": 0, "whole": True, "level": 0, "repeats": 0, "alone": 0, "witnessed": False, "payload_mb": 0}
    copies = {"late": 0, "unanswered": 0, "copies": None, "copy_etags": None}
    return {"start": start, "stop": stop, **usual, **history, **copies, **other}


def spans(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=SPAN_SCHEMA)


def leaf(start: int, stop: int, state: str = SCORED, **other: Any) -> dict[str, Any]:
    """A leaf; a scored one is the whole of an output of its own unless told otherwise."""
    if state == SCORED:
        whole = {"job": "j", "object": object_of(start, stop), "line": 0, "etag": "e", "lines": stop - start}
        other = {**whole, **other}
    return {"start": start, "stop": stop, "state": state, "rounds": 1, **other}


def leaves(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=LEAF_SCHEMA)


def outputs(*rows: dict[str, Any]) -> pa.Table:
    usual = {"etag": "e", "blank": 0, "unreadable": []}
    return pa.Table.from_pylist([{**usual, **row} for row in rows], schema=OUTPUT_SCHEMA)


def evidence(*rows: dict[str, Any], **log: LogEntry) -> Evidence:
    """Counted outputs, and log entries by the name of the object."""
    return Evidence(outputs(*rows), log)


def job(status: JobStatus | None = JobStatus.COMPLETED, reason: str | None = None, name: str = "j") -> JobRecord:
    return JobRecord(name, {}, 1, STANDARD, Part("p", 1, "d"), created=True, status=status, failure_reason=reason)


def step(kind: str, parts: int = 0, number: int = 0, **payload: Any) -> Step:
    named = tuple(Part(f"part-{index}", index + 1, "d") for index in range(parts))
    return Step(number, "w", 1, "", kind, 1, payload, named)
