"""Sizes are drawn as they were counted, with the payload limit through them; an earlier version's by their means."""

from __future__ import annotations

import re

import pytest

from batch_transform.core.limits import BYTES_PER_MB
from batch_transform.core.report_page.sizes import sizes
from support.core_tables import span, spans
from support.report_pages import Page

OBJECTS = spans(span(0, 3, bytes=600, largest=300), span(3, 4, bytes=90_000, largest=90_000))
RECORDS = {"edges": [256, 305, 363, 431], "counts": [7, 0, 2]}
ONE = {"edges": [256, 305, 363, 431], "counts": [1, 0, 0]}


def lefts(html, name):
    (chart,) = re.findall(rf'aria-labelledby="{name}-t.*?</svg>', html, re.DOTALL)
    return [float(x) for x in re.findall(r'<rect x="([0-9.]+)%"', chart)], chart


def test_records_are_drawn_as_they_were_counted():
    html = sizes(OBJECTS, RECORDS, [6])
    page = Page(html)
    assert page.numbers == {"record_sizes.counts.0": "7", "record_sizes.counts.2": "2"}
    assert "9 records; the most, 7, of 256 bytes to 305 bytes." in page.text
    assert "by the mean" not in page.text
    columns, chart = lefts(html, "records")
    assert len(columns) == 2
    assert "payload limit, 6 MB" in chart


def test_the_limit_stands_where_a_record_as_large_as_it_would():
    _, chart = lefts(sizes(None, {"edges": [64, 6 * BYTES_PER_MB], "counts": [2]}, [6]), "records")
    at = float(re.search(r'<line x1="([0-9.]+)%"', chart)[1])
    (rect,) = re.findall(r'<rect x="([0-9.]+)%" y="[0-9.]+" width="([0-9.]+)%"', chart)
    assert 0.9 * at < float(rect[0]) + float(rect[1]) < at < 100


@pytest.mark.parametrize("least", range(960_000, 1_000_000, 4_000))
def test_objects_that_are_nearly_as_large_as_a_request_may_be_reach_over_no_limit(least):
    """Their column is as wide as a class of sizes, which ends beyond the largest of them."""
    objects = spans(*[span(n, n + 1, bytes=bytes, largest=300) for n, bytes in enumerate([least, 1_000_000])])
    _, chart = lefts(sizes(objects, None, [1]), "objects")
    at = float(re.search(r'<line x1="([0-9.]+)%"', chart)[1])
    rects = re.findall(r'<rect x="([0-9.]+)%" y="[0-9.]+" width="([0-9.]+)%"', chart)
    assert all(float(left) + float(width) <= at for left, width in rects)


def test_records_are_drawn_without_the_list_of_objects():
    assert "Sizes of objects" not in sizes(None, RECORDS, [])
    assert "Sizes of records" in sizes(None, RECORDS, [])


def test_an_earlier_version_s_records_are_told_by_their_means():
    text = Page(sizes(OBJECTS, None, [6])).text
    assert "4 records; by the mean of each object" in text
    assert "largest record, 90.0 kB" in text


@pytest.mark.parametrize("size", [1, 1_000_000])
def test_sizes_that_are_all_alike_are_one_column(size):
    html = sizes(spans(*[span(n, n + 1, bytes=size, largest=size) for n in range(5)]), None, [])
    columns, _ = lefts(html, "objects")
    assert len(columns) == 1
    assert f"5 objects, all of {'1 byte' if size == 1 else '1.0 MB'}." in html


@pytest.mark.parametrize(
    ("records", "told"),
    [
        (None, "1 record; by the mean of each object, of 90.0 kB. The largest record is 90.0 kB."),
        (ONE, "1 record, of 256 bytes to 305 bytes."),
    ],
)
def test_one_object_is_a_sentence_and_no_chart(records, told):
    html = sizes(spans(span(0, 1, bytes=90_000, largest=90_000)), records, [6])
    assert Page(html).text == f"{told} The payload limit is 6 MB.1 object, of 90.0 kB. The payload limit is 6 MB."
    assert "<svg" not in html


def test_things_that_are_all_apart_are_told_from_the_least_to_the_most():
    text = Page(sizes(OBJECTS, RECORDS, [])).text
    assert "2 objects, of 600 bytes to 90.0 kB." in text


def test_nothing_is_drawn_of_nothing():
    assert sizes(None, None, [6]) == ""
    assert sizes(spans(), None, [6]) == ""
