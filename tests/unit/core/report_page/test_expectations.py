"""The page and `show` have each expectation with what was found, and no value that may be a row's own."""

from __future__ import annotations

from batch_transform.core.publishing.report import run_report
from batch_transform.core.report_page.expectations import expectations
from batch_transform.core.run_views.shown_run import lines_of_run, shown_run
from batch_transform.core.statuses import RunStatus
from support.memory_run import RUN, MemoryRun, echoing
from support.report_pages import Page

FOUND = {
    "expression": "max(name) < 'z' and avg(p) < 2 * previous.avg(p)",
    "held": False,
    "accepted": True,
    "values": {"avg(p)": 0.1234567890123},
    "untold": ["max(name)"],
    "previous": {"avg(p)": 0.05},
    "previous_run": "monday",
    "note": None,
}


def test_the_page_has_all_digits_of_a_value_and_where_the_report_has_it():
    page = Page(expectations([FOUND]))
    assert page.numbers == {
        "expectations.0.values.avg(p)": "0.1234567890123",
        "expectations.0.previous.avg(p)": "0.05",
    }
    for words in ("not met, accepted", "max(name): may be a row's own value", "of monday", FOUND["expression"]):
        assert words in page.text


def test_a_run_that_expects_nothing_has_no_table_of_it():
    assert expectations([]) == ""


def test_show_has_a_line_for_each():
    run = MemoryRun([4], echoing(lambda row: None), sections={"expect": ["count(*) = 4"]})
    state = run.to_the_end()
    lines = lines_of_run(shown_run(state, run_report(state, RunStatus.PUBLISHED, str(RUN)), None), state)
    place = next(place for place, line in enumerate(lines) if line.startswith("EXPECTATION"))
    assert lines[place + 1].split() == ["count(*)", "=", "4", "held", "count(*)", "is", "4"]
