"""The page of a run: its numbers are the report's, and nothing in it is anybody else's markup."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.estimate.earlier_jobs import EMULATED_START_SECONDS
from batch_transform.core.publishing.report import run_report
from batch_transform.core.report_page.facts import PageFacts
from batch_transform.core.report_page.page import render
from batch_transform.core.report_page.style import STYLE
from batch_transform.core.statuses import RunStatus
from support.core_tables import span, spans
from support.report_pages import Page, value_at
from support.reported import reported_state, reported_steps

NOW = datetime.fromisoformat("2024-05-01T11:00:00+00:00")
OBJECTS = spans(span(0, 3, bytes=600, largest=300), span(3, 4, bytes=90_000, largest=90_000))


def facts(length=None, status=RunStatus.PUBLISHED, region=None, versions=(), report=None, **names):
    state = reported_state(length, **names)
    found = {**run_report(state, status, "s3://b/run"), **(report or {})}
    return PageFacts(found, state, reported_steps(**names)[:length], NOW, OBJECTS, versions, region)


def page(*args, **names):
    return render(facts(*args, **names))


@pytest.mark.parametrize("status", RunStatus)
@pytest.mark.parametrize("length", range(1, 12))
def test_each_number_of_a_run_wherever_it_stands_is_the_report_s(length, status):
    told = facts(length, status)
    numbers = Page(render(told)).numbers
    assert {key: float(value) for key, value in numbers.items()} == {key: value_at(told.report, key) for key in numbers}
    known = {key for key in ("rows_in", "rows_scored", "rows_dead_letter", "rounds") if told.report[key] is not None}
    assert known <= set(numbers)


def test_what_a_sentence_quotes_is_set_as_code_and_its_backticks_are_not_shown():
    html = page(report={"error": ["more than `errors` accepts", "one ` alone", "`<b>`"]})
    assert "more than <code>errors</code> accepts" in html
    assert "<code>&lt;b&gt;</code>" in html
    assert "one ` alone" in html


@pytest.mark.parametrize("place", ["run_id", "model", "job", "output", "advice", "error", "version", "option"])
@given(text=st.sampled_from(["<script>x</script>", "<img src=x onerror=y>", "a&lt;b", "\"'><b>", "</title><b>"]))
def test_markup_in_a_name_is_text(place, text):
    def of(value):
        if place in ("advice", "error"):
            return Page(page(report={place: [value]}))
        if place == "version":
            return Page(page(versions=((value, value),)))
        if place == "option":
            return Page(page(input={"options": {value: value}}))
        return Page(page(**{place: {"path": value} if place == "output" else value}))

    hostile, plain = of(text), of("plain")
    assert hostile.tags == plain.tags
    assert text.replace('"', '\\"' if place == "option" else '"') in hostile.text


def test_foreign_text_that_cannot_be_seen_is_escaped():
    text = page(report={"advice": ["no\x1b[31m \u202e\x85 <b>"]})
    assert r"<li>no\x1b[31m \u202e\x85 &lt;b&gt;</li>" in text
    assert text.replace("\n", "").isprintable()


def test_nothing_comes_from_another_host_and_nothing_is_a_script():
    text = page(output={"table": "c.s.t"})
    assert not re.search(r"https?:|@import|<script|<link|<img|<iframe|javascript:", text)
    assert not [value for _, value in Page(text).attributes if value and "//" in value]
    assert all(reference.startswith("#") for reference in re.findall(r"url\(([^)]*)\)", text))
    assert not [name for name, _ in Page(text).attributes if name.startswith("on") or name in ("src", "style")]


def test_of_an_emulated_run_nothing_is_told_as_paid():
    told = {"cost_usd": 0.5}
    emulated, real = (Page(page(report=told, region=region)).text for region in (None, "eu-west-1"))
    assert "instance-seconds would be paid" in emulated
    assert "on AWS that would cost about $0.50" in emulated
    assert "instance-seconds were paid" in real
    assert "that cost about $0.50" in real


def test_the_console_is_linked_where_the_run_is_aws_s():
    text = page(region="eu-west-1")
    assert 'href="https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/transform-jobs/j1"' in text
    assert "s3/buckets/b?region=eu-west-1&amp;prefix=out%2F" in text
    assert "href" not in page()


def test_what_is_not_known_is_a_dash_and_not_zero():
    assert "<dt>rows in</dt><dd>&ndash;</dd>" in page(1)
    assert "<dt>rows in</dt>" in page()
    assert "<dt>rows in</dt><dd>&ndash;" not in page()


def test_a_secret_is_on_no_page_not_even_of_a_ledger_that_has_it_in_clear():
    text = page(transform={"environment": {"API_KEY": "hunter2-in-clear", "MODE": "fast"}})
    assert "hunter2" not in text
    assert "hmac" not in text
    assert "&quot;API_KEY&quot;: &quot;&lt;secret&gt;&quot;" in text
    assert "fast" in text


def test_a_page_of_ten_thousand_jobs_is_small():
    told = facts()
    (job,) = told.report["jobs"]
    many = [{**job, "name": f"job-{n}", "status": "Failed" if n == 7000 else "Completed"} for n in range(10_000)]
    (record,) = told.state.jobs
    told.report["jobs"] = many
    jobs = tuple(
        type(record)(**{**vars(record), "name": each["name"], "created_at": at, "ended_at": at})
        for n, each in enumerate(many)
        for at in [(NOW + timedelta(seconds=n)).isoformat()]
    )
    state = replace(told.state, jobs=jobs)
    text = render(PageFacts(told.report, state, told.steps, NOW, OBJECTS))
    assert len(text) < 300_000
    assert "job-7000" in text
    assert "9,800 more" in text
    assert "Round 1, 10,000 jobs" in text


@pytest.mark.parametrize(
    ("output", "words"), [({"path": "p", "table": None}, "p"), ({"table": "t"}, "t"), (None, "the workspace")]
)
def test_the_target_is_named(output, words):
    assert f"churn &rarr; {words}, begun 2024-05-01T10:20:30 UTC" in page(output=output)


def test_headings_go_down_one_at_a_time_and_each_table_has_a_caption_and_heads():
    found = Page(page(versions=(("Python", "3.12"),)))
    headings = [int(tag[1]) for tag in found.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(headings))
    tables = found.tags.count("table")
    assert tables == found.tags.count("caption") == found.tags.count("thead")
    charts = [value for name, value in found.attributes if name == "aria-labelledby"]
    ids = {value for name, value in found.attributes if name == "id"}
    assert charts
    assert all(set(chart.split()) <= ids for chart in charts)


def test_a_run_without_rows_says_so():
    assert "<p>No job: there was no row to score.</p>" in page(3)
    assert "<p>No job was planned.</p>" in page(1)


def test_what_failed_is_told_by_class_with_its_status():
    text = page(
        report={
            "errors": [
                {
                    "class": "rejected by the model",
                    "spans": 2,
                    "rows": 2,
                    "examples": [
                        {"job": "j1", "object": "o.jsonl", "line": 4, "message": "the model answered 422"},
                        {"job": None, "object": None, "line": None, "message": "the model answered 400"},
                    ],
                }
            ]
        }
    )
    assert "422, 400" in text
    assert "line 4 of o.jsonl<br>not sent" in text


def test_plan_stands_beside_what_happened():
    text = Page(page()).text
    assert "instance-seconds paid" in text
    assert "planned, if every row is scored at once" in text
    assert "time in which a job was at work" in text
    assert "in smaller objects where its rows may be at fault, else as it was" in text


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({}, "240 s for an instance's start"),
        ({"emulator": {"models": {"m": "x"}}}, f"{EMULATED_START_SECONDS:g} s for an instance's start"),
        (
            {"emulator": {"models": {"m": "x"}}, "transform": {"instance_start_seconds": 9.0}},
            "9 s for an instance's start",
        ),
    ],
    ids=["service", "emulator", "given"],
)
def test_the_page_takes_the_start_of_an_instance_from_where_plan_does(names, told):
    assert told in Page(page(**names)).text


def test_on_paper_what_is_folded_is_there_and_tables_are_tables():
    """A sheet is narrower than a terminal's window: each row of a table was a card there, 60 sheets of 200 jobs."""
    assert "@media screen and (max-width:52rem)" in STYLE
    on_paper = STYLE.partition("@media print{")[2]
    assert "details::details-content{content-visibility:visible}" in on_paper
    assert "tr{break-inside:avoid}" in on_paper
