"""The failed spans of a judged job, each with what is done with it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.errors import GateRefused
from batch_transform.core.isolation.error_classes import ErrorClass, Failure
from batch_transform.core.isolation.observed_failures import JudgedJob, Trials
from batch_transform.core.isolation.open_spans import Move, OpenSpan, opened
from batch_transform.core.isolation.span_decisions import Decision, decide
from batch_transform.core.isolation.verdict_rows import FAILED, Leaf, Verdict
from batch_transform.core.spans import SPAN_SCHEMA, Exported, Span, conformed


@dataclass(frozen=True)
class Decided:
    """A failed span, why it failed, and what is done with it."""

    span: OpenSpan
    verdict: Verdict
    decision: Decision

    @property
    def may_be_the_model(self) -> bool:
        """Whether a record or the model may be at fault."""
        is_row = rows_in(self.span) == 1
        return self.decision.move is Move.SPLIT or (is_row and _failure(self.verdict).error_class.counts)

    @property
    def is_unanswered(self) -> bool:
        """Whether nothing came back for several rows."""
        return rows_in(self.span) > 1 and "unanswered" in self.decision.history


def decided_of(job: JudgedJob, found: Trials, *, divisible: bool) -> list[Decided]:
    """Returns the failed spans of a job, each with its verdict and with what is done with it.

    Raises:
        GateRefused: a verdict is of rows that were not sent so.
    """
    return [
        Decided(span, verdict, decide(span, _failure(verdict), job, found, divisible=divisible))
        for span, verdict in _failed(job)
    ]


def rows_in(span: Exported | Leaf) -> int:
    """Returns how many rows a span has."""
    return int(span["stop"] - span["start"])


def _failed(job: JudgedJob) -> list[tuple[OpenSpan, Verdict]]:
    """The failed spans of a job, each with its verdict; a row whose answer alone could not be read is one by itself."""
    failed = job.verdicts.filter(pc.equal(job.verdicts["state"], FAILED))
    spans = conformed(job.spans, SPAN_SCHEMA).sort_by("start")
    places = np.searchsorted(spans["start"].to_numpy(), failed["start"].to_numpy(), side="right") - 1
    found = []
    # Of the others, which are most of a job, no row is made.
    sent = spans.take(pa.array(np.maximum(places, 0))).to_pylist()
    for verdict, span in zip(failed.to_pylist(), sent, strict=True):
        if (verdict["start"], verdict["stop"]) == (span["start"], span["stop"]):
            found.append((opened(span), verdict))
        else:
            is_line = verdict["error_class"] == ErrorClass.UNREADABLE.value and rows_in(verdict) == 1
            if not is_line or not span["start"] <= verdict["start"] < span["stop"]:
                rows = f"[{verdict['start']}, {verdict['stop']})"
                raise GateRefused(f"what {job.record.name} made of rows {rows} is of no object that it was sent")
            found.append((_line_of(span, verdict), verdict))
    return found


def _line_of(span: Span, verdict: Verdict) -> OpenSpan:
    """A row of an answered object as an open span, which is to be cut out of it."""
    return {
        **opened(span),
        "start": verdict["start"],
        "stop": verdict["stop"],
        "line": verdict["line"],
        "lines": rows_in(span),
        "whole": False,
        "level": span["level"] + 1,
        "repeats": 0,
        "late": 0,
        "alone": 0,
        "witnessed": False,
        "copies": None,
        "copy_etags": None,
    }


def _failure(verdict: Verdict) -> Failure:
    error_class = ErrorClass(verdict["error_class"])
    return Failure(error_class, verdict["message"], verdict["evidence"], bool(verdict["certain"]))
