"""Tables of text stand in columns, whatever is in a cell."""

from __future__ import annotations

from batch_transform.core.text_table import pairs, text_table


def test_numbers_stand_at_the_right_and_words_at_the_left():
    assert text_table(["A", "ROWS"], [["x", 1200], ["long", None]]) == [
        "A      ROWS",
        "x     1,200",
        "long      -",
    ]


def test_a_cell_is_on_one_line_and_its_width_is_that_of_a_terminal():
    heads, first, second = text_table(["A", "B"], [["表", "x"], ["a\nb\x1b", "y"]])
    assert heads == "A         B"
    assert first == "表        x"
    assert second == "a\\nb\\x1b  y"


def test_without_a_row_there_is_no_table():
    assert text_table(["A"], []) == []


def test_what_has_no_value_is_not_named():
    assert pairs([("run", "r"), ("dead letters", None), ("output", "")]) == ["run  r"]
