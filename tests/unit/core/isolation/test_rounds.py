"""Which spans a round sends, and that no row is lost or doubled when spans are cut."""

from __future__ import annotations

import itertools
import json

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.errors import GateRefused
from batch_transform.core.framing import JSON_LINES
from batch_transform.core.isolation.open_spans import OPEN_SCHEMA, check_replaced
from batch_transform.core.isolation.reconciling import PROBE_ROWS
from batch_transform.core.isolation.rounds import MAX_LEVELS, children, plan_round
from batch_transform.core.sending.part_objects import cut_object, some_records
from batch_transform.core.spans import PART_SCHEMA, SPAN_SCHEMA
from batch_transform.core.uris import S3Uri
from support.core_tables import object_of, span
from support.memory_store import MemoryStore

FOLDER = S3Uri.parse("s3://bucket/run/input")


def open_span(start, stop, move="split", **other):
    return {**span(start, stop, **other), "move": move, "error_class": "model error"}


def table(*rows):
    return pa.Table.from_pylist(list(rows), schema=OPEN_SCHEMA)


def record(row):
    return json.dumps({"id": row, "pad": "é" * (row % 7)}, ensure_ascii=False).encode() + b"\n"


def stored(store, *rows):
    """Puts the object of each span and returns the spans with the bytes that they have there."""
    made = []
    for row in rows:
        records = [record(number) for number in range(row["start"], row["stop"])]
        store.put(FOLDER.join(row["object"]), b"".join(records))
        made.append({**row, "bytes": sum(map(len, records)), "largest": max(map(len, records))})
    return table(*made)


def planned(left, probe=False, good=0, bad=0):
    return plan_round(left, probe=probe, good_rows=good, bad_rows=bad)


def cut(store, plan):
    made = [
        cut_object(store, FOLDER, order, f"{place:x}", each=map, framing=JSON_LINES)
        for place, order in enumerate(plan.cuts.to_pylist())
    ]
    return pa.Table.from_pylist(list(itertools.chain(*made)), schema=PART_SCHEMA)


open_spans = st.lists(
    st.tuples(st.integers(1, 60), st.sampled_from(["split", "again"]), st.integers(0, 3)), min_size=1, max_size=5
)


@given(open_spans, st.booleans(), st.integers(0, 10**6))
def test_a_round_holds_the_rows_that_are_left_each_in_an_object_of_its_bytes(lengths, probe, good):
    store, rows, first = MemoryStore(), [], 0
    for length, move, level in lengths:
        rows.append(open_span(first, first + length, "again" if length == 1 else move, level=level))
        first += length + 3
    left = stored(store, *rows)
    plan = planned(left, probe, good)
    sent, waiting = children(left, cut(store, plan))
    check_replaced(left, plan.as_they_are, plan.waiting, sent, waiting)
    for row in sent.to_pylist():
        body, _ = store.get(FOLDER.join(row["object"]))
        assert body == b"".join(record(number) for number in range(row["start"], row["stop"]))
        assert (row["bytes"], row["largest"]) == (len(body), max(map(len, body.splitlines(keepends=True))))
        assert row["object"] == object_of(row["start"], row["stop"]).replace("0f", row["object"][:-6].split("-")[2])
    for row in waiting.to_pylist():
        body = store.get_range(FOLDER.join(row["object"]), row["offset"], row["bytes"])
        assert body == b"".join(record(number) for number in range(row["start"], row["stop"]))
    if probe:
        singles = sent.to_pylist() + plan.as_they_are.to_pylist()
        assert 0 < len(singles) <= PROBE_ROWS or "split" not in left["move"].to_pylist()
        assert all(row["stop"] - row["start"] == 1 for row in singles)


@given(st.lists(st.integers(2, 400), min_size=1, max_size=50))
def test_a_probe_is_32_rows_of_as_many_spans_as_there_are(lengths):
    starts = [sum(lengths[:place]) for place in range(len(lengths))]
    rows = [open_span(start, start + length) for start, length in zip(starts, lengths, strict=True)]
    cuts = planned(table(*rows), probe=True).cuts.to_pylist()
    singles = [sum(map(bool, order["send"])) for order in cuts]
    assert len(cuts) == min(len(lengths), PROBE_ROWS)
    assert sum(singles) <= PROBE_ROWS
    assert sum(singles) == PROBE_ROWS or any(n == length for n, length in zip(singles, lengths, strict=False))
    assert all(size == 1 for order in cuts for size, send in zip(order["parts"], order["send"], strict=True) if send)


@pytest.mark.parametrize(("split", "singles"), [(0, 1000), (1, 1000), (3, 20), (0, 5)])
def test_a_probe_sends_objects_of_one_row_as_they_are_where_splits_leave_room(split, singles):
    rows = [open_span(2 * n, 2 * n + 2) for n in range(split)]
    rows += [open_span(n, n + 1, "again", alone=1, tries=1, weight=0.0) for n in range(100, 100 + singles)]
    plan = planned(table(*rows), probe=True)
    alone = [order["start"] for order in plan.cuts.to_pylist() if len(order["parts"]) == 1]
    sent = plan.as_they_are["start"].to_pylist() or alone
    assert len(sent) == min(singles, PROBE_ROWS - 2 * split)
    assert (plan.cuts.num_rows - len(alone), plan.waiting.num_rows) == (split, singles - len(sent))
    # Where no row is left to a later round each is tried as often as it takes.
    assert bool(alone) == (singles < 1000)
    assert all(order["send"][0] > 2 for order in plan.cuts.to_pylist() if len(order["parts"]) == 1)
    if singles == 1000:
        assert (sent[0], sent[-1]) == (100, 1099)
    assert set(plan.as_they_are["alone"].to_pylist()) <= {1}


def test_what_is_sent_again_keeps_its_object_and_its_history():
    row = open_span(0, 5, "again", repeats=2, alone=1, witnessed=True, payload_mb=2, level=1)
    plan = planned(table(row))
    assert plan.as_they_are.to_pylist() == [{name: row[name] for name in SPAN_SCHEMA.names}]
    assert plan.cuts.num_rows == 0


def test_what_was_left_around_a_probe_is_moved_into_an_object_of_its_own():
    store = MemoryStore()
    left = stored(store, open_span(0, 40))
    sent, waiting = children(left, cut(store, planned(left, probe=True)))
    plan = planned(pa.concat_tables([waiting.slice(0, 1)]), good=100)
    later, none = children(waiting, cut(store, plan))
    assert none.num_rows == 0
    assert (sent["level"].to_pylist()[0], waiting["level"].to_pylist()[0]) == (1, 1)
    assert all(row["whole"] and row["offset"] == 0 for row in later.to_pylist())


@pytest.mark.parametrize("count", [1, 3, 32])
def test_what_a_probe_leaves_of_an_object_is_one_failure(count):
    """Spans that a probe has cut an object into did not fail each: few bad rows would be looked for as many."""
    store, rows = MemoryStore(), 2_000
    left = stored(store, *(open_span(place * rows, (place + 1) * rows) for place in range(count)))
    probe = planned(left, probe=True)
    sent, waiting = children(left, cut(store, probe))
    waiting = pa.concat_tables([probe.waiting, waiting])
    assert waiting.num_rows > count
    orders = planned(waiting, good=sent.num_rows).cuts.to_pylist()
    # As if the rows that are left of each object lay together.
    together = table(*(open_span(place * rows, (place + 1) * rows - 32 // count, level=1) for place in range(count)))
    whole = planned(together, good=sent.num_rows).cuts.to_pylist()
    assert max(n for order in orders for n in order["parts"]) <= max(whole[0]["parts"]) <= rows
    assert sum(len(order["parts"]) for order in orders) <= sum(len(order["parts"]) for order in whole) + len(orders)


def test_a_table_in_one_object_with_a_bad_row_is_not_cut_as_if_each_part_of_it_had_one():
    (order,) = planned(table(open_span(0, 20_000)), probe=True).cuts.to_pylist()
    places = itertools.accumulate(order["parts"], initial=0)
    rest = [
        open_span(start, start + rows, object="one", whole=False, level=1)
        for start, rows, send in zip(places, order["parts"], order["send"], strict=False)
        if not send
    ]
    cuts = planned(table(*rest), good=PROBE_ROWS).cuts.to_pylist()
    assert len(cuts) == len(rest) == PROBE_ROWS + 1
    assert sum(len(cut["parts"]) for cut in cuts) < 2_500


def test_a_span_that_a_probe_has_left_and_that_is_sent_whole_was_split_as_often_as_its_neighbours():
    store = MemoryStore()
    left = stored(store, open_span(0, 40, object="one", whole=False, level=1))
    far = open_span(10**6, 2 * 10**6, object="one", whole=False, level=1)
    cuts = planned(pa.concat_tables([left, table(far)]), good=10**9).cuts
    (near,) = cuts.filter(pc.equal(cuts["start"], 0)).to_pylist()
    assert near["parts"] == [40]
    made = cut_object(store, FOLDER, near, "0", each=map, framing=JSON_LINES)
    sent, _ = children(left, pa.Table.from_pylist(list(made), schema=PART_SCHEMA))
    assert sent["level"].to_pylist() == [2]


def test_children_begin_anew_but_for_level_and_payload():
    store = MemoryStore()
    left = stored(store, open_span(0, 4, repeats=2, alone=1, witnessed=True, payload_mb=3, level=1))
    sent, _ = children(left, cut(store, planned(left)))
    (history,) = {
        tuple(row[name] for name in ("repeats", "alone", "witnessed", "payload_mb", "level"))
        for row in sent.to_pylist()
    }
    assert history == (0, 0, False, 3, 2)


@pytest.mark.parametrize("level", [MAX_LEVELS - 1, MAX_LEVELS, MAX_LEVELS + 3])
def test_the_last_split_is_into_single_rows(level):
    (order,) = planned(table(open_span(0, 5000, level=level)), good=10**6).cuts.to_pylist()
    assert order["parts"] == [1] * 5000


@pytest.mark.parametrize("change", [{"stop": 6}, {"start": 1}, {"start": 4, "stop": 4}])
def test_a_part_that_is_off_is_refused(change):
    left = table(open_span(0, 5), open_span(5, 9))
    wrong = table({**open_span(0, 5), **change}, open_span(5, 9))
    check_replaced(left, left)
    with pytest.raises(GateRefused):
        check_replaced(left, wrong)


def test_a_forgotten_part_is_refused():
    left = table(open_span(0, 5), open_span(9, 12))
    with pytest.raises(GateRefused, match="do not hold the rows that are left"):
        check_replaced(left, left.slice(1))


def test_an_object_that_holds_other_records_than_rows_is_refused():
    store = MemoryStore()
    left = stored(store, open_span(0, 5))
    plan = planned(left)
    store.put(FOLDER.join(object_of(0, 5)), b"{}\n" * 4)
    with pytest.raises(GateRefused, match="holds 4 records, exported of 5 rows"):
        cut(store, plan)


def test_the_first_record_of_an_object():
    store = MemoryStore()
    store.put(FOLDER.join("o"), b'{"a":1}\n{"a":22}\n')
    assert some_records(store, FOLDER.join("o"), 9, 0, 1, JSON_LINES) == [b'{"a":1}\n']
    assert some_records(store, FOLDER.join("o"), 17, 1, 5, JSON_LINES) == [b'{"a":22}\n']
