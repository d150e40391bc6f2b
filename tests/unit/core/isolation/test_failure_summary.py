"""What a person is told of what went wrong."""

from __future__ import annotations

import dataclasses

import pyarrow as pa
import pytest

from batch_transform.core.isolation.error_classes import ErrorClass
from batch_transform.core.isolation.failure_summary import (
    Recovered,
    advice,
    by_class,
    recovered,
    sentence,
    what_is_sent,
)
from batch_transform.core.isolation.verdict_rows import DEAD, FAILED, VERDICT_SCHEMA
from support.core_tables import job, leaf, leaves, object_of

ROW_DATA = "no number: 'row data'"


def dead(start, stop, kind, **other):
    return leaf(start, stop, DEAD, error_class=kind.value, message="m", evidence=ROW_DATA, job="j", line=0, **other)


def failed(start, stop, kind):
    row = {"start": start, "stop": stop, "state": FAILED, "error_class": kind.value, "rounds": 1}
    row["object"] = object_of(start, stop)
    return pa.Table.from_pylist([row], schema=VERDICT_SCHEMA)


@pytest.mark.parametrize(
    ("again", "cut", "parts", "words"),
    [
        (1, 0, 0, "1 object is sent again"),
        (2, 1, 8, "2 objects are sent again; 1 object that failed is cut into 8"),
        (
            0,
            1,
            2_530,
            "1 object that failed is cut into 2,530 at once, since each further round starts instances once more",
        ),
        (0, 3, 24, "3 objects that failed are cut into 24"),
    ],
)
def test_what_a_round_sends_is_told_with_why_it_is_so_much(again, cut, parts, words):
    assert what_is_sent(again, cut, parts, is_probe=False) == words


def test_a_probe_is_told_as_one():
    assert what_is_sent(1, 2, 31, is_probe=True) == "32 single rows, to tell a broken model from bad rows"


def test_classes_are_counted_in_rows_the_largest_first_with_three_examples():
    table = leaves(
        leaf(0, 9),
        *[dead(n, n + 1, ErrorClass.REJECTED, object=f"o{n}") for n in range(9, 13)],
        dead(20, 30, ErrorClass.UNREADABLE, object="u"),
    )
    found = by_class(table, DEAD)
    assert [(entry["class"], entry["spans"], entry["rows"]) for entry in found] == [
        ("unreadable prediction", 1, 10),
        ("rejected by the model", 4, 4),
    ]
    assert [example["object"] for example in found[1]["examples"]] == ["o9", "o10", "o11"]
    assert ROW_DATA not in str(found)
    assert sentence(found[0]) == "10 rows: unreadable prediction (m), such as line 0 of u in j"


def test_what_was_not_sent_has_no_place():
    (entry,) = by_class(leaves(dead(0, 1, ErrorClass.TOO_LARGE, object=None)), DEAD)
    assert sentence(entry) == "1 row: payload too large (m)"


def test_nothing_dead_is_nothing_to_tell():
    assert by_class(leaves(leaf(0, 9)), DEAD) == []
    assert advice([job()], [], Recovered(), on_another_type="") == []


def test_an_object_that_passed_in_smaller_ones_is_recovered():
    table = leaves(leaf(0, 9), dead(9, 10, ErrorClass.MODEL_ERROR), leaf(10, 30))
    of = [failed(0, 9, ErrorClass.NO_ANSWER), failed(5, 12, ErrorClass.NO_ANSWER), failed(10, 20, ErrorClass.TIMED_OUT)]
    assert recovered([of[0]], table) == Recovered(unsplit=1)
    assert recovered(of, table) == Recovered(in_smaller=1, unsplit=1)
    assert recovered([failed(0, 9, ErrorClass.CAPACITY), failed(0, 1, ErrorClass.NO_ANSWER)], table) == Recovered()


def test_a_class_that_speaks_of_the_record_is_no_load_but_may_have_been_the_model():
    table = leaves(leaf(0, 9), leaf(10, 15), leaf(15, 20))
    of = [failed(0, 9, ErrorClass.REJECTED), failed(10, 20, ErrorClass.REJECTED)]
    assert recovered(of, table) == Recovered(unsplit=1)


def test_an_object_that_failed_twice_is_told_once():
    table = leaves(leaf(0, 5), leaf(5, 9))
    assert recovered([failed(0, 9, ErrorClass.NO_ANSWER)] * 2, table) == Recovered(in_smaller=1)


def test_instances_none_of_which_took_part_are_no_sign_of_a_heavy_model():
    assert advice([dataclasses.replace(job(), instances=1, data_logs=0)], [], Recovered(), on_another_type="") == []


def test_idle_instances_and_lack_of_memory_are_told_with_what_to_do():
    idle = dataclasses.replace(job(), instances=4, data_logs=1)
    words = advice(
        [idle, idle, dataclasses.replace(job(), instances=2, data_logs=2)],
        [],
        Recovered(in_smaller=3),
        on_another_type="",
    )
    assert len(words) == 2
    assert words[0].startswith("3 of 4 instances of j never took part")
    assert words[1].startswith("3 objects failed although no row of them is bad")
