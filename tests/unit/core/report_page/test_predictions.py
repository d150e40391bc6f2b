"""Each number that was predicted has its range and, where it was counted, its distribution; the page says what not."""

from __future__ import annotations

import re

from batch_transform.core.publishing.prediction_values import value_counts
from batch_transform.core.report_page.predictions import predictions
from support.report_pages import Page, some_numbers, value_at


def told(**more):
    return {"column": "p", "rows": 10, "nulls": 1, "least": 0.0, "most": 3.0, "not_finite": 2, **more}


def of(sketch, *ends):
    return value_counts(sketch, int(sum(count for _, count in sketch)), *ends)


def bars(html):
    return [
        tuple(map(float, found)) for found in re.findall(r'<rect x="([0-9.]+)%" y="[0-9.]+" width="([0-9.]+)%"', html)
    ]


def test_the_numbers_on_the_page_are_the_report_s():
    report = {"predictions": list(some_numbers().ranges)}
    found = Page(predictions(report["predictions"], 0)).numbers
    assert {key: float(value) for key, value in found.items()} == {key: value_at(report, key) for key in found}
    assert {"predictions.0.not_finite", "predictions.0.nulls", "predictions.1.values.counts.0"} <= set(found)


def test_each_class_has_a_column_where_it_is_on_the_axis():
    html = predictions([told(values=of([(0.0, 4.0), (3.0, 3.0)], 0.0, 3.0))], 0)
    (first, width), (last, _) = bars(html)
    assert (round(first), round(width), round(last)) == (2, 21, 77)
    assert "7 finite values; the most, 4, of -0.5 to 0.5." in html


def test_a_constant_stands_in_the_middle():
    html = predictions([told(values=of([(0.25, 7.0)], 0.25, 0.25))], 0)
    ((left, width),) = bars(html)
    assert 48 < left + width / 2 < 52
    assert "7 finite values, all of 0.25." in html


def test_values_that_are_far_out_are_told_in_words():
    values = {"edges": [0.0, 1.0], "counts": [5], "below": 2, "above": 1, "is_exact": False}
    text = Page(predictions([told(values=values)], 0)).text
    assert "Not drawn: about 2 smaller than 0." in text
    assert "Not drawn: about 1 larger than 1." in text
    assert "the most, about 5," in text


def test_what_was_not_counted_is_said():
    html = predictions([told(least=None, most=None, note="array<double>: not counted", not_finite=None)], 292)
    assert "array&lt;double&gt;: not counted" in html
    assert "292 more numeric columns of the result: not counted." in html
    assert "<figure>" not in html


def test_of_an_earlier_version_there_is_the_range_alone():
    earlier = {"column": "p", "rows": 10, "nulls": None, "least": 0, "most": 3}
    page = Page(predictions([earlier], 0))
    assert page.numbers == {"predictions.0.rows": "10", "predictions.0.least": "0", "predictions.0.most": "3"}
    assert predictions([], 0) == ""


def test_many_columns_are_folded_so_that_what_follows_is_not_far_below():
    ranges = [{"column": f"c{place}", "least": 0, "most": 1, "nulls": 0, "rows": 2} for place in range(13)]
    assert "<details><summary>All 13 columns of numbers</summary>" in predictions(ranges, 0)
    assert "<details>" not in predictions(ranges[:12], 0)
