"""What a person is shown of a view: steps, a bar, rows, speed, time left, money, what failed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_transform.core.events import Event, EventKind, Figures
from batch_transform.core.progress.screen import clock, is_kept, line, screen
from batch_transform.core.progress.view import StepSeen, View, ended
from batch_transform.core.publishing.last_words import sentence
from batch_transform.core.report_page.result_card import Preview, result_card
from support.published_report import PUBLISHED

FIGURES = Figures(
    "flights",
    round=2,
    rows=1_000,
    rows_failed=7,
    failed_most="model_error",
    objects=10,
    objects_done=4,
    bytes=10_000_000,
    bytes_done=4_000_000,
    jobs=2,
    jobs_in_flight=1,
    jobs_ended=1,
    cost_usd=0.5,
    usd_in_flight=0.2,
    usd_per_hour=3600.0,
)
VIEW = View(
    100.0,
    (StepSeen("stage", 3.0, None, "1,000 rows"), StepSeen("score", 0.0, 110.0, "job: InProgress")),
    FIGURES,
    figures_at=120.0,
    scoring_since=110.0,
    scored_at=120.0,
)


def test_a_screen_has_the_run_its_round_and_the_time():
    assert screen(VIEW, 164.0).title == "flights · round 2 · 1:04 elapsed"


@pytest.mark.parametrize(("seconds", "words"), [(34.24, "took 34.2 s"), (64.6, "took 1 min 05 s")])
def test_at_its_end_a_screen_and_a_line_have_the_time_of_the_report_in_its_words(seconds, words):
    """However long the display stays open after that."""
    view = replace(VIEW, figures=replace(FIGURES, seconds=seconds))
    assert screen(view, 999.0).title == f"flights · round 2 · {words}"
    assert line(view, 999.0).startswith(f"{words} · ")


@pytest.mark.parametrize("figures", [None, FIGURES])
def test_the_last_screen_of_what_ended_without_a_report_has_no_clock_that_runs(figures):
    """After a refusal, or a plan, it stood there as if it went on."""
    title = screen(ended(replace(VIEW, figures=figures), 120.4), 999.0).title
    assert title.endswith(" · took 20.4 s")


@pytest.mark.parametrize(("stopping", "words"), [(0, ""), (1, ", 1 of them asked to stop"), (2, ", asked to stop")])
def test_a_job_that_was_asked_to_stop_is_not_told_as_if_it_went_on(stopping, words):
    view = replace(VIEW, figures=replace(FIGURES, jobs_in_flight=2, jobs_stopping=stopping, rows_failed=0))
    assert screen(view, 121.0).facts[1] == f"1 of 2 jobs ended · 2 in flight{words}"


def test_a_step_that_goes_on_is_told_from_one_that_is_done():
    shown = [(step.name, step.is_on, step.text, step.took) for step in screen(VIEW, 121.0).steps]
    assert shown == [("stage", False, "1,000 rows", "0:03"), ("score", True, "job: InProgress", "0:11")]


def test_the_bar_is_of_objects_of_the_manifest():
    assert screen(VIEW, 121.0).done == (4, 10)


def test_there_is_no_bar_before_there_is_a_job():
    assert screen(View(0.0), 1.0).done is None


def test_rows_speed_time_left_and_money_go_on_between_two_figures():
    """15 s are left at 0.4 MB/s, of which one is gone; a job in flight for a dollar a second costs one more."""
    assert screen(VIEW, 121.0).facts[0] == "about 400 of 1,000 rows · 0.4 MB/s · about 0:14 left · about $1.70"


def test_money_of_an_emulated_run_is_told_as_what_aws_would_take():
    """In the last line, on the display and in the notebook alike, and as the report's page tells it."""
    view = replace(VIEW, figures=replace(FIGURES, emulated=True))
    assert screen(view, 121.0).facts[0].endswith(" · about $1.70 at prices of AWS")
    assert line(view, 121.0).count("about $1.70 at prices of AWS") == 1
    report = {**PUBLISHED, "emulated": True}
    assert ", about $0.25 at prices of AWS;" in sentence(report)
    assert "<b>about $0.25 at prices of AWS</b>" in result_card(report, Preview())
    assert ", about $0.25;" in sentence(PUBLISHED)


def test_what_failed_is_told_with_its_most_frequent_class():
    assert screen(VIEW, 121.0).facts[1] == "1 of 2 jobs ended · 1 in flight · 7 rows failed, most of all model_error"
    one = replace(VIEW, figures=replace(FIGURES, rows_failed=1))
    assert screen(one, 121.0).facts[1].endswith(" · 1 row failed: model_error")


def test_a_step_whose_jobs_have_failed_is_no_step_that_went_well():
    """The run goes on, so it was not cut short either; no other step has anything to do with it."""
    assert not any(step.has_failures for step in screen(VIEW, 121.0).steps)
    shown = screen(replace(VIEW, figures=replace(FIGURES, jobs_failed=1)), 121.0)
    assert [step.name for step in shown.steps if step.has_failures] == ["score"]
    assert shown.facts[1].startswith("1 of 2 jobs ended, 1 of them with failures · ")


def test_jobs_have_failed_without_harm_whose_rows_were_all_scored_since():
    all_scored = replace(FIGURES, jobs_failed=2, rows_failed=0, failed_most=None, rows_scored=1_000)
    assert not any(step.has_failures for step in screen(replace(VIEW, figures=all_scored), 121.0).steps)
    dead = replace(all_scored, rows_scored=999, rows_dead=1)
    assert any(step.has_failures for step in screen(replace(VIEW, figures=dead), 121.0).steps)


def test_of_a_run_whose_jobs_have_all_failed_nobody_says_that_rows_are_done():
    """Their objects were sent, each of them."""
    failed = replace(FIGURES, objects_done=10, jobs_in_flight=0, jobs_ended=2, jobs_failed=2, rows_failed=1_000)
    assert screen(replace(VIEW, figures=failed), 121.0).facts[0].startswith("0 of 1,000 rows scored · ")


def test_rows_that_are_settled_are_exact():
    view = View(0.0, figures=Figures("r", rows=10, rows_scored=8, rows_dead=1, objects=1, objects_done=1))
    assert screen(view, 1.0).facts == ("8 of 10 rows scored, 1 without a prediction",)


def test_where_no_output_is_seen_before_a_job_ends_nobody_says_how_long_it_takes():
    view = View(0.0, figures=Figures("r", rows=10, objects=2, jobs=1, jobs_in_flight=1), scoring_since=0.0)
    assert screen(view, 60.0).facts == ("about 0 of 10 rows", "0 of 1 job ended · 1 in flight")


def test_money_whose_price_is_unknown_is_not_told():
    view = View(0.0, figures=Figures("r", rows=10, cost_usd=None, usd_per_hour=1.0))
    assert "$" not in "".join(screen(view, 3600.0).facts)


def test_one_line_says_what_a_screen_does():
    expected = "0:21 elapsed · score for 0:11 · round 2 · 4 of 10 objects sent"
    assert line(VIEW, 121.0) == " · ".join([expected, *screen(VIEW, 121.0).facts])


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (64.9, "1:04"), (3723, "1:02:03"), (-1, "0:00")])
def test_a_time_is_told_as_a_clock_shows_it(seconds, shown):
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("event", "stays"),
    [
        (Event("stage", "1,000 rows"), False),
        (Event("error", "it failed"), True),
        (Event("plan", "a line of a plan"), True),
        (Event("export", kind=EventKind.BEGINS), False),
    ],
)
def test_what_is_told_of_no_step_on_the_screen_stays_above_it(event, stays):
    assert is_kept(VIEW, event) is stays
