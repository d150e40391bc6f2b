import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.csv_lines import breaks_off, csv_form

VALUES = st.text(st.sampled_from('a" ,;\\'), max_size=6)


@pytest.mark.parametrize(
    ("line", "options", "broken"),
    [
        ('"a', {}, True),
        ('1,"a', {}, True),
        ('"a","b', {}, True),
        ('a,"b"",c', {}, True),
        (r'"a\"', {}, True),
        (r'"a\\",b', {}, False),
        (r'"a\",b"', {}, False),
        ("a,b", {}, False),
        ("", {}, False),
        (",", {}, False),
        ('"a,b",c', {}, False),
        ('5" pipe,b', {}, False),
        ('"a ""b"" c",d', {}, False),
        ('"",b', {}, False),
        ("'a,b", {"quote": "'"}, True),
        ('"a,b', {"quote": "'"}, False),
        ('1;"a', {"SEP": ";"}, True),
        ('1;"a', {}, False),
        ('1\t"a', {"delimiter": r"\t"}, True),
        ('1||"a', {"sep": "||"}, True),
        ('#"a', {"comment": "#"}, False),
        ('"a""', {"escape": '"'}, True),
        ('"a', {"multiLine": "TRUE"}, False),
        ('"a', {"quote": ""}, False),
        ('"a', {"encoding": "UTF-16LE"}, False),
    ],
)
def test_a_line_that_ends_within_a_value_is_seen(line, options, broken):
    assert breaks_off([line, "x"], options) is broken
    assert breaks_off(["x", line], options) is broken


@given(rows=st.lists(st.lists(VALUES, min_size=1, max_size=3), max_size=4))
def test_lines_that_another_library_writes_are_whole(rows):
    written = io.StringIO()
    csv.writer(written, doublequote=True).writerows(rows)
    assert not breaks_off(written.getvalue().split("\r\n"), {"escape": '"'})


@given(before=st.lists(st.text(st.sampled_from("ab,"), max_size=4)), value=st.text(st.sampled_from("ab,"), max_size=4))
def test_a_value_with_a_line_break_is_always_seen(before, value):
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow([*before, f"{value}\nb"])
    assert breaks_off(written.getvalue().replace("\r\n", "\n").split("\n"), {})


def test_rows_of_several_lines_have_no_form():
    assert csv_form({"multiline": "true"}) is None
