"""What a listing says of what is recorded: gone, altered, or as it was."""

from __future__ import annotations

from datetime import datetime, timezone

import pyarrow as pa
import pytest

from batch_transform.core.errors import GateRefused
from batch_transform.core.framing import JSON_LINES, Framing
from batch_transform.core.object_store import ObjectInfo
from batch_transform.core.resuming.altered_objects import (
    PIN_SCHEMA,
    counting,
    found_below,
    hurt,
    input_pins,
    output_pins,
    outputs_of,
    read_from,
)
from batch_transform.core.resuming.repair import MADE_SCHEMA, layers, placed, reopened_spans, under_new_names
from support.core_tables import leaf, leaves, object_of, span, spans


def pinned(*rows):
    return pa.Table.from_pylist([dict(zip(PIN_SCHEMA.names, row, strict=True)) for row in rows], schema=PIN_SCHEMA)


def listing(*rows):
    now = datetime.now(timezone.utc)
    return found_below("run/input/", [ObjectInfo(f"run/input/{name}", etag, size, now) for name, size, etag in rows])


def test_gone_altered_and_as_it_was_are_told_apart():
    pins = pinned(("a", 1, "e"), ("b", 1, "e"), ("c", 1, "e"), ("d", 1, "e"))
    found = hurt(pins, listing(("b", 2, "e"), ("c", 1, "other"), ("d", 1, "e"), ("x", 1, "e")))
    assert (found.gone, found.altered) == ({"a"}, {"b", "c"})


def test_what_was_not_recorded_is_not_compared():
    assert not hurt(pinned(("a", None, None), ("b", 3, None)), listing(("a", 9, "x"), ("b", 3, "y"))).names


def test_nothing_recorded_and_nothing_there():
    assert not hurt(pinned(), listing()).names
    assert hurt(pinned(("a", 1, "e")), listing()).gone == {"a"}


@pytest.mark.parametrize(("framing", "size"), [(JSON_LINES, 10), (Framing(header=b"a,b\n"), 14)])
def test_an_objects_size_has_its_header(framing, size):
    (pin,) = input_pins(spans(span(0, 10, etag="e")), framing).to_pylist()
    assert pin == {"name": object_of(0, 10), "size": size, "etag": "e"}


def test_of_a_part_of_an_object_and_of_a_packed_one_no_size_is_known():
    (part,) = input_pins(spans(span(3, 5, object=object_of(0, 10), whole=False)), JSON_LINES).to_pylist()
    (packed,) = input_pins(spans(span(0, 10)), Framing(compressed=True)).to_pylist()
    assert part["size"] is packed["size"] is None


def test_an_output_is_pinned_by_its_etag_for_scored_and_for_unreadable_lines():
    dead = leaf(3, 4, "dead", job="j", object=object_of(0, 4), line=3, etag="e", lines=4)
    refused = leaf(4, 5, "dead", job="j", object=object_of(4, 5))
    table = leaves(leaf(0, 3, object=object_of(0, 4), lines=4), dead, refused)
    names = output_pins(table)["name"].to_pylist()
    assert names == [f"j/{object_of(0, 4)}.out"] * 2
    read = read_from(table, names)
    assert outputs_of(read).to_pylist() == [{"job": "j", "object": object_of(0, 4)}]
    assert counting(table, outputs_of(read)).to_pylist() == leaves(refused).to_pylist()


def test_spans_that_are_written_again_lie_in_their_new_objects():
    left = spans(span(0, 4), span(4, 6, object=object_of(4, 9), offset=0, whole=False, etag="old"))
    orders = under_new_names(left.slice(1, 1), "aa", ".jsonl")
    (name,) = orders["object"].to_pylist()
    row = {"object": name, "rows": 2, "bytes": 7, "largest": 4, "etag": "new"}
    first, second = placed(left, orders, pa.Table.from_pylist([row], schema=MADE_SCHEMA)).to_pylist()
    assert first == left.to_pylist()[0]
    assert second == span(4, 6, object=name, bytes=7, largest=4, etag="new")
    with pytest.raises(GateRefused, match="or other rows"):
        placed(left, orders, pa.Table.from_pylist([{**row, "rows": 1}], schema=MADE_SCHEMA))


def test_a_row_that_belongs_to_two_objects_is_in_two_layers():
    orders = under_new_names(spans(span(0, 9), span(2, 4), span(3, 4), span(9, 12)), "aa", ".jsonl")
    found = [list(zip(t["start"].to_pylist(), t["stop"].to_pylist(), strict=True)) for t in layers(orders)]
    assert found == [[(0, 9), (9, 12)], [(2, 4)], [(3, 4)]]


def test_of_an_output_only_the_rows_that_count_are_open_again():
    """One of its rows was sent again on request: it has a leaf of another job."""
    whole, first, last = leaf(4, 6), leaf(0, 2, object=object_of(0, 4)), leaf(3, 4, object=object_of(0, 4), line=3)
    sent = spans(span(0, 4), span(4, 6, etag="e"))
    left = reopened_spans(leaves(whole, last, first), lambda job: sent).to_pylist()
    places = [(row["start"], row["stop"], row["object"], row["move"]) for row in left]
    assert places == [(0, 2, None, "again"), (3, 4, None, "again"), (4, 6, object_of(4, 6), "again")]
    assert left[2]["etag"] == "e"
