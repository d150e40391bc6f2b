"""A person is shown the choices that differ in what they take or cost, and no time that is not zero as zero."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.amounts import time_range
from batch_transform.core.estimate.earlier_jobs import speed_told
from batch_transform.core.estimate.measured_records import LaneSize, Measured
from batch_transform.core.estimate.plan_text import money_lines, plan_lines
from batch_transform.core.estimate.run_plan import Asked, run_plan
from batch_transform.core.run_settings import RunSettings, TransformSettings
from batch_transform.core.sending.partitioning import Partitioning
from batch_transform.core.spans import OVERSIZE, STANDARD

MB = 1_000_000
ONE = Measured({STANDARD: LaneSize(400, 14_400, 54)})
TABLE = Measured({STANDARD: LaneSize(MB, 2000 * MB, 2_000)}, partitions=Partitioning(32, 32))
HEADS = ("instances (", "requests at a time on an instance (")
ZERO = re.compile(r"(?<![\d.,])0(\.0+)?(?= s\b| min\b| h\b| instance|  |$)|\$0\.0+(?!\d)")


def told(measured, price=0.23, is_emulated=False, **given):
    asked = Asked(RunSettings(transform=TransformSettings(**given)))
    found = run_plan(measured, asked, speed_told((), 0, asked.transform, is_emulated=is_emulated), price)
    return [*plan_lines(found), *money_lines(found["outlook"], ["ml.m5.xlarge"], None)]


def tables(lines):
    """The rows of each table, as their cells."""
    found, rows = [], None
    for line in lines:
        cells = re.split(r" {2,}", line.strip())
        if line.strip().startswith(HEADS):
            found.append(rows := [])
        elif rows is not None and len(cells) > 2:
            rows.append(cells)
        else:
            rows = None
    return found


@given(
    st.integers(1, 10**7),
    st.integers(1, 10**5),
    st.integers(1, 40),
    st.sampled_from(["jobs", "instances"]),
    st.sampled_from([0.0, 1.0, 240.0]),
    st.booleans(),
)
def test_of_any_plan_each_line_says_something_and_nothing_is_zero(rows, size, count, spread, start, emulated):
    lanes = {
        STANDARD: LaneSize(rows, rows * size, size),
        **({OVERSIZE: LaneSize(2, 60 * MB, 30 * MB)} if rows % 2 else {}),
    }
    measured = Measured(lanes, partitions=Partitioning(3, 3))
    lines = told(measured, is_emulated=emulated, instance_count=count, spread=spread, instance_start_seconds=start)
    for found in tables(lines):
        assert len(found) > 1
        assert all(before[1:] != after[1:] for before, after in pairwise(found))
        assert sum("*" in row[0] for row in found) == 1
    assert [line for line in lines if ZERO.search(line) and " to start in " not in line] == []  # which may be 0 s


def test_one_object_has_no_table_but_a_sentence_with_seconds_and_money():
    lines = told(ONE, is_emulated=True)
    assert tables(lines) == []
    in_one = "400 rows in about 1 object, about 1 request of up to 1 MB, at most 100 at a time on"
    asked_for = "1 instance asked for: 2.0 s of jobs, 2.0 s paid, about $0.00013 at prices of AWS"
    assert f"{in_one} an instance" in lines
    assert f"{asked_for}; another number of them changes none of it" in lines
    assert lines[-1].startswith("under 1 s to 3 s of jobs, under 1 s to 3 s of instances paid, $0.000001 to $0.0")
    assert "$" not in " ".join(told(ONE, price=None)[:-1])


@pytest.mark.parametrize(
    ("spread", "words"), [("jobs", "a job for each instance; "), ("instances", "all instances in ")]
)
def test_how_work_is_spread_is_told_in_words(spread, words):
    assert sum(line.startswith(words) for line in told(TABLE, instance_count=2, spread=spread)) == 1


def test_what_an_emulator_may_take_and_cost_has_what_a_model_costs_that_is_there_at_once():
    """Its instance does not start for minutes, and where its model is served already, not at all."""
    asked = TransformSettings(instance_count=1)
    least, most = run_plan(ONE, Asked(RunSettings(transform=asked)), speed_told((), 0, asked, is_emulated=True), 0.23)[
        "outlook"
    ]["cost_usd"]
    assert least < 0.23 * 0.05 / 3600 < 0.23 * 2 / 3600 < most
    least, _ = run_plan(ONE, Asked(RunSettings(transform=asked)), speed_told((), 0, asked), 0.23)["outlook"]["cost_usd"]
    assert least > 0.23 * 100 / 3600


def test_choices_that_take_and_cost_the_same_are_one_line():
    """Two instances are asked for, and the work is worth one."""
    small = Measured({STANDARD: LaneSize(336_776, 50 * MB, 200)}, partitions=Partitioning(2, 2))
    lines = told(small, instance_count=2)
    assert any(line.startswith("2 instances asked for: ") for line in lines)
    (concurrency,) = tables(lines)
    assert concurrency[-1] == ["64 to 100*", "1", "52", "1"]


def test_choices_that_differ_are_told_by_time_and_money():
    instances, _ = tables(told(TABLE, instance_count=2))
    assert [row[0] for row in instances] == ["1", "2*", "4", "8"]
    assert instances[1][-3:] == ["20 min 42 s", "41 min 24 s", "$0.16"]


def test_what_instances_wait_is_told_where_they_do():
    heads = [line for line in told(TABLE, instance_count=3, spread="instances") if line.strip().startswith(HEADS)]
    assert "of it waiting" in heads[0]
    assert not any("waiting" in line for line in told(TABLE, instance_count=3))


@pytest.mark.parametrize(
    ("ends", "words"),
    [((0.2, 4), "under 1 s to 4 s"), ((0, 0.1), "0 s to under 1 s"), ((59.6, 62), "1 min"), ((7, 540), "7 s to 9 min")],
)
def test_a_short_time_is_not_none(ends, words):
    assert time_range(*ends) == words
