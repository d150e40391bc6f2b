"""The calls of an expression are found by its text, whatever stands between them."""

from __future__ import annotations

import pytest

from batch_transform.core.sql_calls import all_calls, calls, names_previous, with_previous


def found(sql):
    return [call.sql for call in all_calls(calls(sql))]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("avg(p_late) between 0.1 and 0.4", ["avg(p_late)"]),
        ("AVG ( p_late )>1e5", ["avg(p_late)"]),
        ("count_if( label  is\n null ) = 0", ["count_if(label is null)"]),
        ("abs(avg(p) - 1) < 0.05", ["abs(avg(p) - 1)", "avg(p)"]),
        ("count(distinct a , b) = 2", ["count(distinct a, b)"]),
        ("avg(p) filter (where x > f(1)) > 0", ["avg(p) filter (where x > f(1))"]),
        ("percentile_cont(0.5) WITHIN GROUP (order by p) > 0", ["percentile_cont(0.5) WITHIN GROUP (order by p)"]),
        (
            "count_if(label = 'not a call(x), it''s \\' avg(y)') = 0",
            ["count_if(label = 'not a call(x), it''s \\' avg(y)')"],
        ),
        ("avg(`odd (name) ``x`) > 1 -- avg(z)", ["avg(`odd (name) ``x`)"]),
        ("/* max(q) */ min(p) > 0", ["min(p)"]),
        ("my.schema.f(p) > 0", ["my.schema.f(p)"]),
        ("avg(p", ["avg(p"]),
        ("p > 0", []),
    ],
)
def test_a_call_is_found_with_all_that_belongs_to_it(sql, expected):
    assert found(sql) == expected


def test_two_spellings_of_a_call_are_one():
    assert found("avg(p) > 0") == found("AVG( p ) > 0") == found("previous.Avg (p) > 0")


def test_only_a_call_of_an_earlier_run_stands_for_its_value():
    sql = "abs(avg(p) - previous.avg(p)) < 0.05 and previous . count(*) > 'previous.count(*)'"
    assert names_previous(sql)
    assert with_previous(sql, {"avg(p)": "0.2", "count(*)": "7"}.__getitem__) == (
        "abs(avg(p) - 0.2) < 0.05 and 7 > 'previous.count(*)'"
    )


@pytest.mark.parametrize("sql", ["previous > 0", "avg(previous.p) > 0", "count_if(x = 'previous.avg(p)') > 0"])
def test_a_column_called_so_means_no_earlier_run(sql):
    assert not names_previous(sql)
