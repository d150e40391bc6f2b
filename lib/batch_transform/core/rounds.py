"""Which spans a round sends: open spans as they are, or cut into parts from their objects. Pure.

A cut is contiguous, so the parts of a span tile it. Parts that are not sent in this round (around the single rows of a
probe) get no object; they stay a range of bytes of the object that they were cut from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from .errors import GateRefused
from .isolation import OPEN_SCHEMA, PROBE_ROWS
from .span_states import SpanEvent
from .spans import EXPORT_SCHEMA, SPAN_SCHEMA
from .splitting import Seen, parts, rows_per_part

# A failed span is split at most so often, a probe included: with the first round that is four, and one to confirm.
MAX_LEVELS = 3

# One span to cut: `parts` are rows, `send` says which of them become objects.
CUT_SCHEMA = pa.schema(
    [
        pa.field("start", pa.int64(), nullable=False),
        pa.field("lane", pa.string(), nullable=False),
        pa.field("object", pa.string(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("parts", pa.list_(pa.int64()), nullable=False),
        pa.field("send", pa.list_(pa.bool_()), nullable=False),
    ]
)
# What a cut makes: `object` is null where the part is not sent; then `offset` is in the object that was cut.
PART_SCHEMA = pa.schema(
    [
        *EXPORT_SCHEMA,
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("parent", pa.int64(), nullable=False),  # first row of the span that was cut
    ]
)


@dataclass(frozen=True)
class RoundPlan:
    """What a round does with the open spans.

    Attributes:
        as_they_are: sent again in the objects they have (SPAN_SCHEMA).
        waiting: not touched in this round (OPEN_SCHEMA).
        cuts: to be cut first (CUT_SCHEMA).
    """

    as_they_are: pa.Table
    waiting: pa.Table
    cuts: pa.Table


def plan_round(open_spans: pa.Table, *, probe: bool, good_rows: int, bad_rows: int) -> RoundPlan:
    """Returns what the next round does with the open spans (OPEN_SCHEMA).

    Args:
        open_spans: at least one.
        probe: whether to send up to 32 single rows and nothing else: of as many spans as are to be split, then
            objects that are one row.
        good_rows: scored so far.
        bad_rows: given up so far.
    """
    spans = open_spans.to_pylist()
    if probe:
        picked = dict(_probe([span for span in spans if span["move"] == SpanEvent.SPLIT.value]))
        room = PROBE_ROWS - sum(send for pieces in picked.values() for _, send in pieces)
        singles = _spread([span for span in spans if _is_sendable_row(span)], room)
        chosen = {span["start"] for span in singles} | picked.keys()
        return _round(singles, [span for span in spans if span["start"] not in chosen], spans, picked)
    as_they_are = [span for span in spans if span["move"] == SpanEvent.AGAIN.value and span["whole"]]
    sent = {span["start"] for span in as_they_are}
    seen = _seen(spans, good_rows, bad_rows)
    cut = {span["start"]: _cut(span, seen) for span in spans if span["start"] not in sent}
    return _round(as_they_are, [], spans, cut)


_Pieces = list[tuple[int, bool]]


def _seen(spans: list[dict[str, Any]], good_rows: int, bad_rows: int) -> Seen:
    split = [_rows(span) for span in spans if span["move"] == SpanEvent.SPLIT.value]
    # A single row that waits for its confirmation is most likely bad.
    doubted = sum(span["alone"] > 0 for span in spans)
    return Seen(good_rows, bad_rows + doubted, len(split), sum(split))


def _rows(span: dict[str, Any]) -> int:
    return int(span["stop"] - span["start"])


def _cut(span: dict[str, Any], seen: Seen) -> _Pieces:
    rows = _rows(span)
    if span["move"] != SpanEvent.SPLIT.value or rows == 1:
        return [(rows, True)]
    levels = max(1, MAX_LEVELS - span["level"])
    return [(part, True) for part in parts(rows, rows_per_part(rows, seen, levels))]


def _probe(spans: list[dict[str, Any]]) -> Iterator[tuple[int, _Pieces]]:
    """Yields for up to 32 spans the single rows to send, at other places in each, and what lies between."""
    chosen = _spread(spans, PROBE_ROWS)
    for index, span in enumerate(chosen):
        rows, share = _rows(span), PROBE_ROWS // len(chosen) + (index < PROBE_ROWS % len(chosen))
        share = min(share, rows)
        spread = (index + 0.5) / len(chosen)
        places = sorted({min(rows - 1, int((i + spread) * rows / share)) for i in range(share)})
        yield span["start"], list(_around(places, rows))


def _spread(spans: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    return [spans[i] for i in np.unique(np.linspace(0, len(spans) - 1, most).astype(int))] if spans else []


def _is_sendable_row(span: dict[str, Any]) -> bool:
    return bool(span["move"] == SpanEvent.AGAIN.value and span["whole"] and _rows(span) == 1)


def _around(places: list[int], rows: int) -> Iterator[tuple[int, bool]]:
    done = 0
    for place in places:
        if place > done:
            yield place - done, False
        yield 1, True
        done = place + 1
    if done < rows:
        yield rows - done, False


def _round(
    as_they_are: list[dict[str, Any]],
    waiting: list[dict[str, Any]],
    spans: list[dict[str, Any]],
    cut: dict[int, _Pieces],
) -> RoundPlan:
    fields = ("start", "lane", "object", "offset", "bytes")
    cuts = [
        {
            **{name: span[name] for name in fields},
            "parts": [rows for rows, _ in cut[span["start"]]],
            "send": [send for _, send in cut[span["start"]]],
        }
        for span in spans
        if span["start"] in cut
    ]
    return RoundPlan(
        _spans(as_they_are),
        pa.Table.from_pylist(waiting, schema=OPEN_SCHEMA),
        pa.Table.from_pylist(cuts, schema=CUT_SCHEMA),
    )


def _spans(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([{name: row[name] for name in SPAN_SCHEMA.names} for row in rows], schema=SPAN_SCHEMA)


def children(open_spans: pa.Table, made: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Returns the parts that are sent (SPAN_SCHEMA) and those that wait (OPEN_SCHEMA).

    Args:
        open_spans: of which they were cut.
        made: what the cut made (PART_SCHEMA).

    Raises:
        GateRefused: the parts do not tile the spans that they were cut from.
    """
    parents = {span["start"]: span for span in open_spans.to_pylist()}
    sent, waiting = [], []
    for part in made.to_pylist():
        parent = parents[part.pop("parent")]
        whole_span = _rows(part) == _rows(parent)
        # A span that is only moved into an object of its own keeps its history.
        history = {name: parent[name] for name in ("repeats", "alone", "witnessed", "level", "payload_mb")}
        if not whole_span:
            history |= {"repeats": 0, "alone": 0, "witnessed": False, "level": parent["level"] + 1}
        if part["object"] is not None:
            sent.append({**part, **history, "whole": True})
        else:
            kept = {"object": parent["object"], "etag": parent["etag"], "whole": False, "move": parent["move"]}
            # One row is not split further.
            kept |= {"move": SpanEvent.AGAIN.value} if _rows(part) == 1 else {}
            waiting.append({**part, **history, **kept, "error_class": parent["error_class"]})
    return _spans(sent), pa.Table.from_pylist(waiting, schema=OPEN_SCHEMA)


def check_replaced(open_spans: pa.Table, *replacements: pa.Table) -> None:
    """Checks that the spans of a round, sent and waiting, hold the rows of the open spans: none missing, none twice.

    Raises:
        GateRefused: they do not.
    """
    after_cut = pa.concat_tables([table.select(["start", "stop"]) for table in replacements])
    if _ranges(open_spans) != _ranges(after_cut):
        raise GateRefused("the spans of the next round do not hold the rows that are left")


def _ranges(spans: pa.Table) -> tuple[list[int], list[int]]:
    order = np.argsort(spans["start"].to_numpy(), kind="stable")
    starts, stops = spans["start"].to_numpy()[order], spans["stop"].to_numpy()[order]
    if (starts >= stops).any() or (starts[1:] < stops[:-1]).any():
        raise GateRefused("the spans of the next round overlap, or one is empty")
    breaks = np.flatnonzero(starts[1:] != stops[:-1])
    return starts[np.concatenate([[0], breaks + 1])].tolist() if len(starts) else [], stops[
        np.concatenate([breaks, [len(stops) - 1]])
    ].tolist() if len(stops) else []
