"""Each row number gets the answer on its own line, in whatever order and batches the numbers come."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_transform.core.errors import GateRefused
from batch_transform.core.isolation.verdict_rows import DEAD, LEAF_SCHEMA
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.publishing.leaf_lookup import Leaves
from batch_transform.core.publishing.prediction_gathering import Gatherer
from support.core_tables import leaf, leaves

READER = PredictionReader(pa.schema([("p", pa.int64()), ("text", pa.string())]))


class Outputs:
    """Outputs in memory; counts how often each is opened and how many chunks are drawn."""

    def __init__(self, bodies, chunk_bytes=3):
        self.bodies, self.chunk_bytes = bodies, chunk_bytes
        self.opened = []

    def __call__(self, job, name, etag):
        self.opened.append((job, name, etag))
        body = self.bodies[job, name]
        return (body[i : i + self.chunk_bytes] for i in range(0, len(body), self.chunk_bytes))


def answer(number):
    return {"p": number * 7, "text": f"row {number} é\u2028"}


def body(numbers):
    return "".join(json.dumps(answer(number), ensure_ascii=False) + "\n" for number in numbers).encode()


def gatherer(table, outputs, block_bytes=1):
    return Gatherer(Leaves(table), READER, outputs, block_bytes)


def gathered(table, outputs, *batches, block_bytes=1):
    made = gatherer(table, outputs, block_bytes)
    return [all_of(made, batch).to_pylist() for batch in batches]


def all_of(made, numbers):
    """What a gatherer has of row numbers, in one array."""
    return pa.concat_arrays([pa.array([], made.type), *made.gather(np.array(numbers, dtype=np.int64))])


def expected(number, dead=()):
    return {"__scored": False, "p": None, "text": None} if number in dead else {"__scored": True, **answer(number)}


@st.composite
def worlds(draw):
    """Leaves over several outputs with dead runs, gaps between files, the outputs, and what is dead."""
    made, bodies, dead, numbers, first = [], {}, set(), [], draw(st.integers(0, 3))
    for index in range(draw(st.integers(1, 7))):
        rows, name = draw(st.integers(1, 9)), f"o{index}"
        runs = draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
        has_output = draw(st.sampled_from([True, True, True, False]))
        edges = [0, *(i for i in range(1, rows) if runs[i] != runs[i - 1]), rows] if has_output else [0, rows]
        for begin, end in itertools.pairwise(edges):
            known = (
                {"job": "j", "object": name, "line": begin, "lines": rows, "etag": f"e{index}"} if has_output else {}
            )
            if has_output and runs[begin]:
                made.append(leaf(first + begin, first + end, **known))
            else:
                made.append(leaf(first + begin, first + end, DEAD, **known))
                dead |= set(range(first + begin, first + end))
        bodies["j", name] = body(range(first, first + rows))
        numbers += range(first, first + rows)
        first += rows + draw(st.sampled_from([0, 0, 2**33]))
    return leaves(*draw(st.permutations(made))), bodies, dead, numbers


@settings(max_examples=150, deadline=None)
@given(worlds(), st.data())
def test_any_numbers_in_any_order_and_batches_get_their_own_answers(world, data):
    table, bodies, dead, numbers = world
    batches = data.draw(st.lists(st.lists(st.sampled_from(numbers), max_size=12), max_size=4))
    block_bytes = data.draw(st.sampled_from([1, 40, 100, 10**6]))
    found = gathered(table, Outputs(bodies), *batches, block_bytes=block_bytes)
    assert found == [[expected(number, dead) for number in batch] for batch in batches]


@settings(max_examples=50, deadline=None)
@given(worlds(), st.integers(1, 10))
def test_a_scan_in_order_opens_each_output_once(world, batch_rows):
    table, bodies, dead, numbers = world
    outputs = Outputs(bodies)
    batches = [numbers[i : i + batch_rows] for i in range(0, len(numbers), batch_rows)]
    found = gathered(table, outputs, *batches, block_bytes=50)
    assert [row for batch in found for row in batch] == [expected(number, dead) for number in numbers]
    assert len(outputs.opened) == len(set(outputs.opened))


ONE = leaves(leaf(10, 20, object="o", etag="e1"))
BODY = {("j", "o"): body(range(10, 20))}


@pytest.mark.parametrize("block_bytes", [1, 10**6])
def test_one_number_many_times_in_a_batch(block_bytes):
    asked = [12, 12, 19, 10, 12, 19]
    assert gathered(ONE, Outputs(BODY), asked, block_bytes=block_bytes) == [[expected(n) for n in asked]]


def test_neighbours_that_are_equal_are_no_contiguous_run():
    # First and last are as far apart as three lines in a row would be.
    assert gathered(ONE, Outputs(BODY), [12, 12, 14], block_bytes=10**6) == [[expected(n) for n in (12, 12, 14)]]


def test_going_back_opens_the_output_again_and_going_on_does_not():
    outputs = Outputs(BODY)
    assert gathered(ONE, outputs, [15], [16], [11]) == [[expected(15)], [expected(16)], [expected(11)]]
    assert outputs.opened == [("j", "o", "e1")] * 2


@pytest.mark.parametrize("number", [9, 20, -1, 2**40])
def test_a_number_in_no_span_raises_wherever_it_stands_in_a_batch(number):
    with pytest.raises(GateRefused, match=f"row number {number} lies in no object"):
        gathered(ONE, Outputs(BODY), [10, number, 11])


def test_a_number_in_a_gap_between_spans_raises():
    table = leaves(leaf(0, 2, DEAD), leaf(5, 6, DEAD))
    with pytest.raises(GateRefused, match="row number 2 lies"):
        gathered(table, Outputs({}), [5, 2])


def test_without_leaves_any_number_raises_and_no_number_is_fine():
    empty = LEAF_SCHEMA.empty_table()
    assert gathered(empty, Outputs({}), []) == [[]]
    with pytest.raises(GateRefused, match="row number 0"):
        gathered(empty, Outputs({}), [0])


@pytest.mark.parametrize("block_bytes", [1, 10**6])
@pytest.mark.parametrize(("held", "words"), [(9, "ends after 9 lines; 10 were"), (11, "more than 10 lines")])
def test_an_output_of_another_length_raises(block_bytes, held, words):
    outputs = Outputs({("j", "o"): body(range(10, 10 + held))})
    asked = range(10, 20) if held == 9 else [*range(10, 20), 20]
    table = leaves(leaf(10, max(asked) + 1, object="o", lines=10))
    with pytest.raises(GateRefused, match=f"j/o .*{words}"):
        gathered(table, outputs, list(asked), block_bytes=block_bytes)


def test_a_line_that_was_readable_when_it_was_counted_must_be_so_now():
    outputs = Outputs({("j", "o"): body(range(10, 14)) + b"not json\n" + body(range(15, 20))})
    with pytest.raises(GateRefused, match="readable when it was counted and is not now"):
        gathered(ONE, outputs, [14])


def test_an_unreadable_line_beside_the_ones_that_are_asked_for_does_not_matter():
    runs = [leaf(10, 14, object="o", lines=10), leaf(14, 15, DEAD, job="j", object="o", lines=10, line=4)]
    table = leaves(*runs, leaf(15, 20, object="o", lines=10, line=5))
    outputs = Outputs({("j", "o"): body(range(10, 14)) + b"not json\n" + body(range(15, 20))})
    asked = [13, 14, 15]
    assert gathered(table, outputs, asked, block_bytes=10**6) == [[expected(n, dead={14}) for n in asked]]


def test_dead_rows_open_no_output():
    outputs = Outputs({})
    assert gathered(leaves(leaf(0, 3, DEAD)), outputs, [0, 2]) == [[expected(0, {0}), expected(2, {2})]]
    assert outputs.opened == []


def test_the_output_is_opened_at_the_etag_that_was_counted():
    outputs = Outputs(BODY)
    gathered(ONE, outputs, [10])
    assert outputs.opened == [("j", "o", "e1")]


def test_at_most_four_outputs_are_held_and_the_one_used_last_is_kept():
    table = leaves(*(leaf(n, n + 1, object=f"o{n}") for n in range(6)))
    outputs = Outputs({("j", f"o{n}"): body([n]) for n in range(6)})
    made = gatherer(table, outputs)
    for number in (0, 1, 2, 3, 0, 4, 0, 1):  # 4 drives out 1, which was used longest ago
        list(made.gather(np.array([number])))
        assert len(made._streams) <= 4
    assert [name for _, name, _ in outputs.opened] == ["o0", "o1", "o2", "o3", "o4", "o1"]


def test_the_same_object_of_two_jobs_is_two_outputs():
    table = leaves(leaf(0, 1, object="o", job="j1"), leaf(1, 2, object="o", job="j2"))
    outputs = Outputs({("j1", "o"): body([0]), ("j2", "o"): body([1])})
    assert gathered(table, outputs, [1, 0]) == [[expected(1), expected(0)]]


def test_no_more_of_an_output_is_read_than_the_lines_asked_for():
    drawn = []

    def endless(job, name, etag):
        for number in range(10, 20):
            drawn.append(number)
            yield body([number])

    assert gathered(ONE, endless, [10, 11]) == [[expected(10), expected(11)]]
    assert drawn == [10, 11]


def test_scored_is_never_null_and_comes_first():
    made = gatherer(ONE, Outputs(BODY))
    # The field is nullable, as Spark 3.5 insists; no value is.
    assert made.type.field(0) == pa.field("__scored", pa.bool_())
    assert list(made.gather(np.array([], dtype=np.int64))) == []
    for numbers in ([10], [19, 10]):
        (gathered,) = made.gather(np.array(numbers, dtype=np.int64))
        assert gathered.type == made.type
        assert gathered.field(0).null_count == 0


def test_large_answers_are_gathered_some_at_a_time(monkeypatch):
    """All answers of a batch in one array were more than an array of text holds, and the run could not be published."""
    monkeypatch.setattr("batch_transform.core.publishing.prediction_gathering.ARROW_BATCH_BYTES", 2_000)
    numbers, text = range(100), "x" * 300
    lines = b"".join(json.dumps({"p": number, "text": text}).encode() + b"\n" for number in numbers)
    whole = {"object": "o", "lines": 100}
    table = leaves(leaf(0, 60, **whole), leaf(60, 70, state=DEAD), leaf(70, 100, line=70, **whole))
    made = gatherer(table, Outputs({("j", "o"): lines}), block_bytes=500)
    parts = list(made.gather(np.arange(100)))
    assert [answer["p"] for part in parts for answer in part.to_pylist()] == [*range(60), *[None] * 10, *range(70, 100)]
    assert max(part.nbytes for part in parts) < 3_000


def test_a_reader_without_a_schema_gives_the_lines():
    made = Gatherer(Leaves(ONE), PredictionReader(), Outputs({("j", "o"): b"".join(b"%d\n" % n for n in range(10))}), 1)
    assert all_of(made, [19, 10]).to_pylist() == [
        {"__scored": True, "prediction": "9"},
        {"__scored": True, "prediction": "0"},
    ]
