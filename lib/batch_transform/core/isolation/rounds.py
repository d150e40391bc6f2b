"""Which spans a round sends: open spans as they are, or cut into parts from their objects. Pure.

A cut is contiguous, so the parts of a span tile it. Parts that are not sent in this round (around the single rows of a
probe) get no object; they stay a range of bytes of the object that they were cut from.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from batch_transform.core.isolation.failed_spans import rows_in
from batch_transform.core.isolation.open_spans import OPEN_SCHEMA, Move, OpenSpan
from batch_transform.core.isolation.reconciling import PROBE_ROWS
from batch_transform.core.isolation.single_row_tries import (
    Known,
    Lane,
    Pieces,
    is_tried_to_the_end,
    likely_tries,
    with_tries,
)
from batch_transform.core.isolation.splitting import Seen, parts, rows_per_part
from batch_transform.core.spans import CUT_SCHEMA, SPAN_SCHEMA, Cut, conformed

_HISTORY = ("repeats", "late", "alone", "witnessed", "level", "payload_mb", "unanswered")
# A failed span is split at most so often, a probe included: with the first round that is four, and one to confirm.
MAX_LEVELS = 3


@dataclass(frozen=True)
class RoundPlan:
    """What a round does with the open spans.

    Attributes:
        as_they_are: sent again in the objects they have (SPAN_SCHEMA).
        waiting: not touched in this round (OPEN_SCHEMA).
        cuts: to be cut first (CUT_SCHEMA).
        controls: how many go beside the spans of a lane and payload.
    """

    as_they_are: pa.Table
    waiting: pa.Table
    cuts: pa.Table
    controls: Mapping[Lane, int]


def plan_round(
    open_spans: pa.Table, *, probe: bool, good_rows: int, bad_rows: int, known: Known | None = None
) -> RoundPlan:
    """Returns what the next round does with the open spans (OPEN_SCHEMA).

    Args:
        open_spans: at least one.
        probe: whether to send up to 32 single rows and nothing else: of as many spans as are to be split, then
            objects that are one row.
        good_rows: scored so far.
        bad_rows: given up so far.
        known: of good requests that failed so far; None: nothing.
    """
    spans = conformed(open_spans, OPEN_SCHEMA).to_pylist()
    known = known or Known(good_rows=good_rows, bad_rows=bad_rows)
    if probe:
        return _probing_round(spans, known)
    failures = _failed_objects(spans)
    # A single row that waits for more evidence is most likely bad.
    bad_rows += sum(span["alone"] > 0 for span in spans)
    seen = Seen(good_rows, bad_rows, len(failures), sum(failures.values()))
    tries = likely_tries(known, sum(rows_in(span) for span in spans))
    pieces = {span["start"]: _cut(span, failures[span["object"]], seen, tries) for span in spans}
    cut, controls = with_tries(spans, pieces, known)
    return _round(spans, [], cut, controls)


def _probing_round(spans: list[OpenSpan], known: Known) -> RoundPlan:
    """Single rows that tell a broken model from bad rows; all else waits. First those that were sent in vain."""
    rows = [span for span in spans if _is_sendable_row(span)]
    in_vain = _spread([span for span in rows if span["repeats"]], PROBE_ROWS)
    room = PROBE_ROWS - len(in_vain)
    picked = dict(_probe([span for span in spans if span["move"] == Move.SPLIT.value], room))
    room -= sum(bool(send) for pieces in picked.values() for _, send in pieces)
    singles = [*in_vain, *_spread([span for span in rows if not span["repeats"]], room)]
    chosen = {span["start"] for span in singles} | picked.keys()
    waiting = [span for span in spans if span["start"] not in chosen]
    cut = {**{span["start"]: [(1, 1)] for span in singles}, **picked}
    if not waiting and all(send for pieces in picked.values() for _, send in pieces):
        # All rows of the run are in it: nothing is left to a later round, and one bad row of them is to cost none.
        cut, _ = with_tries(spans, cut, known)
    return _round(spans, waiting, cut, {})


def _failed_objects(spans: list[OpenSpan]) -> Counter[str]:
    """How many rows are to be split of each object that failed.

    A probe leaves several spans of one object: it failed once, for a row in any of them, and they did not fail each.
    """
    rows: Counter[str] = Counter()
    for span in spans:
        if span["move"] == Move.SPLIT.value:
            rows[span["object"]] += rows_in(span)
    return rows


def _cut(span: OpenSpan, failed_rows: int, seen: Seen, tries: int) -> Pieces:
    """The parts of a span: as large as those of the failed object that it is left of, or all of it."""
    rows = rows_in(span)
    if span["move"] != Move.SPLIT.value or rows == 1:
        return [(rows, 1)]
    levels = max(1, MAX_LEVELS - span["level"])
    tries = tries if is_tried_to_the_end(span) else 1
    return [(part, 1) for part in parts(rows, rows_per_part(failed_rows, seen, levels, tries=tries))]


def _probe(spans: list[OpenSpan], most: int) -> Iterator[tuple[int, Pieces]]:
    """Yields for up to `most` spans the single rows to send, at other places in each, and what lies between."""
    chosen = _spread(spans, most)
    for index, span in enumerate(chosen):
        rows, share = rows_in(span), most // len(chosen) + (index < most % len(chosen))
        share = min(share, rows)
        spread = (index + 0.5) / len(chosen)
        places = sorted({min(rows - 1, int((i + spread) * rows / share)) for i in range(share)})
        yield span["start"], list(_around(places, rows))


def _spread(spans: list[OpenSpan], most: int) -> list[OpenSpan]:
    return [spans[i] for i in np.unique(np.linspace(0, len(spans) - 1, most).astype(int))] if spans else []


def _is_sendable_row(span: OpenSpan) -> bool:
    return bool(span["move"] == Move.AGAIN.value and span["whole"] and rows_in(span) == 1)


def _around(places: list[int], rows: int) -> Iterator[tuple[int, int]]:
    done = 0
    for place in places:
        if place > done:
            yield place - done, 0
        yield 1, 1
        done = place + 1
    if done < rows:
        yield rows - done, 0


def _round(
    spans: list[OpenSpan],
    waiting: list[OpenSpan],
    cut: dict[int, Pieces],
    controls: Mapping[Lane, int],
) -> RoundPlan:
    whole = [span for span in spans if span["start"] in cut]
    as_they_are = [span for span in whole if span["whole"] and cut[span["start"]] == [(rows_in(span), 1)]]
    sent = {span["start"] for span in as_they_are}
    rest = [span for span in whole if span["start"] not in sent]
    lines = [span for span in rest if span["lines"] is not None]
    cuts = [_order(span, cut[span["start"]]) for span in rest if span["lines"] is None]
    return RoundPlan(
        pa.Table.from_pylist(as_they_are, schema=SPAN_SCHEMA),
        pa.Table.from_pylist(waiting, schema=OPEN_SCHEMA),
        pa.Table.from_pylist([*cuts, *_line_orders(lines, cut)], schema=CUT_SCHEMA),
        controls,
    )


def _order(span: OpenSpan, pieces: Sequence[tuple[int, int | None]]) -> Cut:
    start, lane, object = span["start"], span["lane"], span["object"]
    return {
        "start": start,
        "lane": lane,
        "object": object,
        "offset": span["offset"],
        "bytes": span["bytes"],
        "parts": [rows for rows, _ in pieces],
        "send": [count for _, count in pieces],
    }


def _line_orders(spans: list[OpenSpan], cut: dict[int, Pieces]) -> Iterator[Cut]:
    """Yields an order for each answered object some lines of which are to be sent again; the others are settled."""
    by_object: dict[str, list[OpenSpan]] = {}
    for span in sorted(spans, key=lambda span: span["start"]):
        by_object.setdefault(span["object"], []).append(span)
    for of_one in by_object.values():
        pieces: list[tuple[int, int | None]] = []
        done = 0
        for span in of_one:
            pieces += [(_line(span) - done, None)] if _line(span) > done else []
            pieces += cut[span["start"]]
            done = _line(span) + rows_in(span)
        first = of_one[0]
        lines = first["lines"] or 0
        pieces += [(lines - done, None)] if done < lines else []
        yield _order({**first, "start": first["start"] - _line(first)}, pieces)


def _line(span: OpenSpan) -> int:
    """The first line of an answered object that the span is."""
    return span["line"] or 0


def children(open_spans: pa.Table, made: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Returns the parts that are sent (SPAN_SCHEMA) and those that wait (OPEN_SCHEMA).

    Args:
        open_spans: of which they were cut.
        made: what the cut made (PART_SCHEMA).

    Raises:
        GateRefused: the parts do not tile the spans that they were cut from.
    """
    parents = sorted(conformed(open_spans, OPEN_SCHEMA).to_pylist(), key=lambda span: span["start"])
    starts = [span["start"] for span in parents]
    sent, waiting = [], []
    for part in made.to_pylist():
        parent = parents[max(0, bisect.bisect(starts, part["start"]) - 1)]
        whole_span = rows_in(part) == rows_in(parent)
        # A span that is only moved into an object of its own, to be sent again, keeps its history.
        history = {name: parent[name] for name in _HISTORY}
        if not whole_span or parent["move"] == Move.SPLIT.value:
            history |= {"repeats": 0, "late": 0, "alone": 0, "witnessed": False, "level": parent["level"] + 1}
        if part["object"] is not None:
            sent.append({**part, **history, "whole": True})
        else:
            kept = {name: parent[name] for name in ("object", "etag", "error_class")}
            # One row is not split further.
            moved = {"move": Move.AGAIN.value if rows_in(part) == 1 else parent["move"]}
            none = {"whole": False, "copies": None, "copy_etags": None}
            waiting.append({**part, **history, **kept, **moved, **none})
    return pa.Table.from_pylist(sent, schema=SPAN_SCHEMA), pa.Table.from_pylist(waiting, schema=OPEN_SCHEMA)
