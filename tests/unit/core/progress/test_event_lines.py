"""Events as lines, of one schema for other processes and for programs."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from batch_transform.core.events import Event, EventKind, Figures
from batch_transform.core.progress.event_lines import PLAN, from_json, from_plain, kept, plain, to_json

AT = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
EVENTS = [
    Event("stage", "10 rows\nand more \u202e"),
    Event("export", kind=EventKind.BEGINS),
    Event("figures", kind=EventKind.FIGURES, figures=Figures("r", rows=3, failed_most="timeout", usd_per_hour=0.2)),
]


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_one_line_of_json_and_is_read_back(event):
    text = to_json(event, AT)
    assert text.count("\n") == 1
    assert from_json(text) == event


def test_the_json_has_the_keys_that_the_pages_name():
    told, begins, figures = (json.loads(to_json(event, AT)) for event in EVENTS)
    assert told == {"time": "2024-05-01T12:00:00+00:00", "kind": "told", "step": "stage", "text": EVENTS[0].text}
    assert begins.keys() == {"time", "kind", "step"}
    assert figures.keys() == {"time", "kind", "step", "figures"}


@pytest.mark.parametrize("line", ["", "{", "[]", "3", '{"kind": "of later", "step": "x"}', '{"step": "x"}'])
def test_a_line_that_is_none_of_ours_is_no_event(line):
    assert from_json(line) is None


def test_figures_of_a_later_version_are_no_event():
    assert from_json('{"kind": "figures", "step": "x", "figures": {"run_id": "r", "moons": 2}}') is None


@pytest.mark.parametrize("event", [Event("stage", "10 rows"), Event("error", "what it is"), Event("reconcile", "a")])
def test_a_plain_line_is_read_back(event):
    assert from_plain(plain(event.step, event.text)) == event


def test_foreign_words_are_no_event():
    assert from_plain("24/05/01 WARN Utils: set SPARK_LOCAL_IP") is None


def test_a_plan_s_table_stands_on_a_terminal_from_its_first_column_and_other_lines_name_their_step():
    assert kept(Event(PLAN, "lane      rows  objects")) == "lane      rows  objects"
    assert kept(Event("warning", "a\nb")) == "[batch-transform] warning   a\\nb"
