"""What a notebook shows of a result: counts, rows, the report's place, with nothing foreign as markup."""

from __future__ import annotations

import re

import pytest

from batch_transform.core.report_page.result_card import Preview, result_card
from batch_transform.pipeline.commands.score_result import ScoreResult
from support.published_report import PUBLISHED

PREVIEW = Preview(["id", "p"], [(number, 0.5) for number in range(12)])


def cells(page):
    return re.findall(r"<td[^>]*>(.*?)</td>", page)


def test_its_cards_are_the_counts_of_the_report():
    cards = re.findall(r"<b>(.*?)</b> (.*?)</span>", result_card(PUBLISHED, PREVIEW))
    assert cards == [
        ("1,234", "rows in"),
        ("1,230", "scored"),
        ("4", "dead letters"),
        ("2", "rounds"),
        ("0", "jobs"),
        ("1 min 04 s", ""),
        ("about $0.25", ""),
    ]


def test_of_one_a_card_tells_one():
    one = {**PUBLISHED, "rows_in": 1, "rows_scored": 0, "rows_dead_letter": 1, "rounds": 1}
    cards = re.findall(r"<b>(.*?)</b> (.*?)</span>", result_card(one, PREVIEW))
    assert cards[:4] == [("1", "row in"), ("0", "scored"), ("1", "dead letter"), ("1", "round")]


def test_ten_rows_are_shown_and_no_more():
    assert cells(result_card(PUBLISHED, PREVIEW))[::2] == [str(number) for number in range(10)]


def test_the_report_is_a_link_where_a_browser_reaches_it():
    assert '<a href="file:///home/me/a%20report.html">/home/me/a report.html</a>' in result_card(PUBLISHED, PREVIEW)
    assert "href" not in result_card({**PUBLISHED, "report": "s3://w/r/report.html"}, PREVIEW)


@pytest.mark.parametrize("foreign", ["<script>alert(1)</script>", "<img src=x onerror=y>", '"><i>'])
def test_what_is_of_rows_or_of_the_run_is_no_markup(foreign):
    page = result_card({**PUBLISHED, "report": f"/{foreign}", "output": foreign}, Preview([foreign], [(foreign,)]))
    assert foreign not in page


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "null"), (b"\x00" * 2_000, "2,000 bytes"), ("x" * 100, "x" * 79 + "…"), ("a\nb", r"a\nb")],
)
def test_a_cell_is_short_and_on_one_line(value, shown):
    assert cells(result_card(PUBLISHED, Preview(["c"], [(value,)]))) == [shown]


def test_of_many_columns_the_first_are_shown_and_the_rest_counted():
    names = [f"c{number}" for number in range(40)]
    page = result_card(PUBLISHED, Preview(names, [tuple(names)]))
    assert len(cells(page)) == 30
    assert "and 10 more columns" in page


def test_rows_that_cannot_be_read_leave_all_the_rest():
    page = result_card(PUBLISHED, Preview(trouble="AnalysisException"))
    assert "Rows cannot be shown here: AnalysisException" in page
    assert "1,234" in page


def test_a_result_is_shown_though_its_session_has_ended():
    result = ScoreResult(None, None, PUBLISHED)
    assert "Rows cannot be shown here: AttributeError" in result._repr_html_()
    assert repr(result).startswith("<ScoreResult flights: Published: 1,234 rows in, 1,230 scored")
    assert repr(result).endswith("; report file:///home/me/a%20report.html.>")
