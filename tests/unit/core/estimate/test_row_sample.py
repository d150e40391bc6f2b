"""Which rows are looked at again, and the lines that are read for them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.errors import ServiceFailure
from batch_transform.core.estimate.row_sample import OBJECTS, lines_at, sample
from batch_transform.core.isolation.verdict_rows import DEAD, LEAF_SCHEMA, SCORED


def leaf(start, rows, name, line=0, state=SCORED):
    where = {"job": "j", "object": name, "line": line, "etag": f"etag of {name}", "lines": 99}
    return {"start": start, "stop": start + rows, "state": state, **where, "rounds": 1}


def leaves(*found):
    return pa.Table.from_pylist(list(found), schema=LEAF_SCHEMA)


def many(objects, rows):
    return leaves(*(leaf(number * rows, rows, f"o{number}") for number in range(objects)))


@given(st.integers(1, 60), st.integers(1, 30), st.integers(1, 400))
def test_as_many_rows_as_asked_for_none_twice_and_all_of_them_there(objects, rows, wanted):
    found = sample(many(objects, rows), wanted, "seed")
    places = [(chosen.object, line) for chosen in found for line in chosen.lines]
    assert len(places) == len(set(places)) == min(wanted, objects * rows)
    assert all(0 <= line < rows for _, line in places)
    assert all(list(chosen.lines) == sorted(chosen.lines) for chosen in found)


def test_few_objects_are_read_however_many_there_are():
    assert len({chosen.object for chosen in sample(many(5_000, 1_000), 1_000, "seed")}) == OBJECTS
    assert len(sample(many(5_000, 2), 1_000, "seed")) == 500


def test_one_seed_gives_the_same_rows_and_another_one_others():
    table = many(100, 100)
    assert sample(table, 50, "a") == sample(table, 50, "a") != sample(table, 50, "b")


def test_every_row_has_the_same_chance_whatever_its_object_and_its_line():
    table = leaves(leaf(0, 10, "small"), leaf(10, 90, "large"))
    seen = np.zeros(100)
    for number in range(400):
        for chosen in sample(table, 10, str(number)):
            for line in chosen.lines:
                seen[line + (10 if chosen.object == "large" else 0)] += 1
    assert seen.sum() == 4_000
    assert 15 < seen.min() <= seen.max() < 65  # 40 each, with a deviation of 6


def test_large_objects_are_drawn_more_often():
    table = leaves(*(leaf(n, 1, f"small{n}") for n in range(1_000)), leaf(1_000, 1_000, "large"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("batch_transform.core.estimate.row_sample.OBJECTS", 1)
        drawn = [sample(table, 1, str(number))[0].object == "large" for number in range(200)]
    assert 70 < sum(drawn) < 130


def test_an_object_with_dead_rows_is_read_once_and_they_are_left_out():
    table = leaves(
        leaf(0, 5, "o", line=0), leaf(5, 1, "o", line=5, state=DEAD), leaf(6, 4, "o", line=6), leaf(20, 3, "p")
    )
    found = {chosen.object: chosen for chosen in sample(table, 100, "seed")}
    assert found["o"].lines == (0, 1, 2, 3, 4, 6, 7, 8, 9)
    assert (found["p"].lines, found["p"].etag, found["p"].job) == ((0, 1, 2), "etag of p", "j")


def test_nothing_scored_is_nothing_to_compare():
    assert sample(leaves(leaf(0, 5, "o", state=DEAD)), 10, "seed") == []


@given(st.lists(st.integers(0, 29), unique=True).map(sorted), st.integers(1, 50))
def test_lines_are_found_wherever_the_chunks_of_a_stream_end(wanted, step):
    lines = [b"x" * (number % 5) + str(number).encode() for number in range(30)]
    body = b"\n".join(lines)
    chunks = (body[place : place + step] for place in range(0, len(body), step))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("batch_transform.core.estimate.row_sample._BLOCK_BYTES", 16)
        assert lines_at(chunks, tuple(wanted), "o") == [lines[number] for number in wanted]


def test_no_more_of_a_stream_is_drawn_than_the_lines_need(monkeypatch):
    monkeypatch.setattr("batch_transform.core.estimate.row_sample._BLOCK_BYTES", 4)

    def chunks():
        yield b"a\nb\nc\nd\n"
        raise AssertionError("drawn too far")

    assert lines_at(chunks(), (0, 2), "o") == [b"a", b"c"]


def test_an_object_that_has_become_shorter_is_refused():
    with pytest.raises(ServiceFailure, match="o ends after 2 lines, and its line 2 was counted"):
        lines_at([b"a\nb\n"], (1, 2), "o")
