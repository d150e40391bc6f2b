"""A view of a run is a fold over its events."""

from __future__ import annotations

import pytest

from batch_transform.core.events import Event, EventKind, Figures
from batch_transform.core.progress.event_lines import END, ERROR
from batch_transform.core.progress.view import View, ended, seen


def begins(step):
    return Event(step, kind=EventKind.BEGINS)


def measured(**figures):
    return Event("figures", kind=EventKind.FIGURES, figures=Figures("r", **figures))


def viewed(*timed):
    view = View(0.0)
    for at, event in timed:
        view = seen(view, event, at)
    return view


def test_a_step_ends_where_the_next_one_begins():
    view = viewed((1, begins("stage")), (4, begins("export")))
    assert [(step.name, step.took(9)) for step in view.steps] == [("stage", 3), ("export", 5)]
    assert view.current.name == "export"


def test_a_step_that_is_done_again_keeps_its_place_and_its_time():
    view = viewed((0, begins("score")), (5, begins("reconcile")), (6, begins("score")), (8, begins("gate")))
    assert [(step.name, step.took(8)) for step in view.steps] == [("score", 7), ("reconcile", 1), ("gate", 0)]


def test_a_step_that_is_told_twice_to_begin_has_begun_once():
    assert viewed((1, begins("score")), (4, begins("score"))).current.took(5) == 4


def test_what_is_told_of_a_step_stands_beside_it():
    view = viewed((1, begins("stage")), (2, Event("stage", "10 rows")), (3, Event("mend", "x")))
    assert [step.text for step in view.steps] == ["10 rows"]


@pytest.mark.parametrize("end", [END, ERROR])
def test_a_step_that_an_end_has_cut_short_is_not_done_and_may_be_begun_again(end):
    cut = [(1, begins("stage")), (2, begins("score")), (5, Event(end, "interrupted by signal 2"))]
    assert [step.is_cut for step in ended(viewed(*cut), 6).steps] == [False, True]
    assert [step.is_cut for step in viewed(*cut, (7, begins("score"))).steps] == [False, False]


def test_when_all_is_over_no_step_goes_on():
    view = ended(viewed((1, begins("stage"))), 3)
    assert (view.current, view.steps[0].took(100)) == (None, 2)


def test_what_is_to_be_done_again_is_no_measure_of_how_fast_rows_are_scored():
    """A stopped job's objects are no longer done: a rate by them would be negative."""
    before = [(1, measured(jobs_in_flight=1, bytes=100)), (3, measured(jobs_in_flight=1, bytes=100, bytes_done=80))]
    view = viewed(*before, (5, measured(bytes=0)), (7, measured(jobs_in_flight=1, bytes=100)))
    assert (view.scoring_since, view.bytes_before, view.scored_at) == (7, 0, None)


def test_scoring_is_counted_from_the_first_job_in_flight_that_was_seen():
    resumed = measured(jobs_in_flight=1, bytes=100, bytes_done=40)
    view = viewed((5, measured(rows=1)), (7, resumed), (9, measured(jobs_in_flight=1, bytes=100, bytes_done=60)))
    assert (view.scoring_since, view.bytes_before, view.scored_at) == (7, 40, 9)
