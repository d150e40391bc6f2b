"""Tables of text stand in columns, whatever is in a cell."""

from __future__ import annotations

from batch_transform.core.text_table import folded, pairs, text_table


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


def test_marks_on_a_letter_take_no_column_of_their_own():
    accented, pointed, emoji = "e\u0301t\u00e9", "\u05e9\u05b8\u05dc", "\u2602\ufe0f"
    table = text_table(["run", "n"], [[accented, 1], [pointed, 2], [emoji, 3]])
    assert table == ["run  n", f"{accented}  1", f"{pointed}   2", f"{emoji}    3"]


def test_without_a_row_there_is_no_table():
    assert text_table(["A"], []) == []


def test_what_has_no_value_is_not_named():
    assert pairs([("run", "r"), ("dead letters", None), ("output", "")]) == ["run  r"]


def test_a_row_that_is_wider_than_the_terminal_goes_on_below_its_last_column():
    why = "ClientError: the model answered 400 to each of the requests that it was sent"
    lines = folded(text_table(["JOB", "OBJECTS", "WHY"], [["j1", 3, why], ["j2", 12, "ok"]]), 40)
    assert lines == [
        "JOB  OBJECTS  WHY",
        "j1         3  ClientError: the model",
        "              answered 400 to each of",
        "              the requests that it was",
        "              sent",
        "j2        12  ok",
    ]


def test_what_is_no_table_and_what_leaves_no_room_is_a_terminal_s_to_break():
    command = f"To go on: ./spark-submit.sh resume {'x' * 60}"
    table = text_table(["A" * 30, "B"], [["a", "b" * 60]])
    assert folded([command, *table], 40) == [command, *table]
