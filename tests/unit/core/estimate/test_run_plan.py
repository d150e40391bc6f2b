"""A plan is what a run would do: the same functions, and estimates that hold for rows that are really cut."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.estimate.earlier_jobs import speed_told
from batch_transform.core.estimate.measured_records import (
    LaneSize,
    Measured,
    about_objects,
    about_requests,
    least_objects,
)
from batch_transform.core.estimate.plan_text import plan_lines
from batch_transform.core.estimate.run_plan import Asked, run_plan
from batch_transform.core.framing import JSON_LINES, Framing
from batch_transform.core.run_settings import RecordSettings, RunSettings, TransformSettings
from batch_transform.core.sending.object_cutting import Cutter, CuttingRules
from batch_transform.core.sending.object_sizes import object_bytes
from batch_transform.core.sending.partitioning import Partitioning
from batch_transform.core.spans import OVERSIZE, STANDARD, UNSENDABLE

MB = 1_000_000


def asked(instance_count=1, payload="auto", concurrent="auto", record=None, framing=JSON_LINES, **given):
    sizing = {"max_payload_mb": payload, "max_concurrent_transforms": concurrent}
    transform = TransformSettings(instance_count=instance_count, **sizing, **given)
    return Asked(RunSettings(record=record or RecordSettings(), transform=transform), framing)


def planned(measured, asked):
    """A plan by our guess of how fast an instance is, without a price."""
    return run_plan(measured, asked, speed_told((), 0, asked.transform), None)


ASKED = asked()
# 2 GB of records of 2 kB.
TABLE = Measured({STANDARD: LaneSize(MB, 2000 * MB, 2_000)}, partitions=Partitioning(32, 32))
MIXED = Measured(
    {
        STANDARD: LaneSize(1_000, 500 * MB, 5 * MB),
        OVERSIZE: LaneSize(3, 90 * MB, 60 * MB),
        UNSENDABLE: LaneSize(2, 300 * MB, 200 * MB),
    },
    partitions=Partitioning(1, 14, "too few for 890 MB of records and 4 cores"),
)


def cut(sizes, object_bytes):
    """How many objects one partition of records of these sizes becomes."""
    numbers = np.arange(len(sizes), dtype=np.int64)
    pieces = Cutter(CuttingRules(object_bytes, 6 * MB)).cut(numbers, np.array(sizes), np.ones(len(sizes), bool))
    return sum(not piece.continues for piece in pieces)


@given(st.integers(1, 400), st.integers(1, 50), st.integers(1, 1_000))
def test_records_of_one_size_make_exactly_the_planned_objects(rows, size, target):
    lane = LaneSize(rows, rows * size, size)
    assert about_objects(lane, rows, 1, CuttingRules(target, MB)) == cut([size] * rows, target)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=300), st.integers(1, 1_000))
def test_no_cut_makes_fewer_objects_than_the_least(sizes, target):
    lane = LaneSize(len(sizes), sum(sizes), max(sizes))
    assert cut(sizes, target) >= least_objects(lane, CuttingRules(target, MB))


@pytest.mark.parametrize("mean", [3, 40])
def test_records_of_many_sizes_make_about_the_planned_objects(mean):
    sizes = np.random.default_rng(7).integers(1, 2 * mean, 20_000).tolist()
    lane = LaneSize(len(sizes), sum(sizes), max(sizes))
    assert about_objects(lane, len(sizes), 1, CuttingRules(100 * mean, MB)) == pytest.approx(
        cut(sizes, 100 * mean), rel=0.02
    )


def test_a_few_large_records_are_objects_of_their_own_and_cut_the_others():
    few, rest = LaneSize(5, 50 * MB, 10 * MB), LaneSize(995, 995_000, 1_000)
    assert about_objects(few, 1_000, 1, CuttingRules(64 * MB, 6 * MB)) == 5
    assert about_objects(rest, 1_000, 1, CuttingRules(64 * MB, 6 * MB)) == 1 + 5


def test_requests_are_bodies_filled_with_records_and_never_of_two_objects():
    lane = LaneSize(1_000, 10 * MB, 10_000)
    assert about_requests(lane, 2, 6, "MultiRecord") == 2
    assert about_requests(lane, 2, 1, "MultiRecord") == 10
    assert about_requests(lane, 2, None, "MultiRecord") == 2
    assert about_requests(lane, 2, 6, "SingleRecord") == 1_000


def test_the_jobs_of_a_plan():
    plan = planned(MIXED, ASKED)
    standard, oversize = plan["jobs"]
    assert (standard["max_payload_mb"], standard["max_concurrent_transforms"]) == (5, 20)
    assert (oversize["lane"], oversize["max_payload_mb"], oversize["max_concurrent_transforms"]) == ("oversize", 60, 1)
    assert (plan["rows_in"], plan["rows_over_the_limit"], plan["largest_record_bytes"]) == (1005, 2, 200 * MB)
    assert plan["bytes"] == 590 * MB
    assert plan["object_bytes"] == object_bytes(MIXED.json_bytes, ASKED.transform)
    assert (plan["input_partitions"], plan["staged_partitions"]) == (1, 14)


def test_instances_buy_requests_at_once_until_there_are_too_few_objects():
    chosen = asked(2, 6, 4, spread="instances")
    steps = planned(TABLE, chosen)["instances"]
    assert [step["instance_count"] for step in steps] == [1, 2, 4, 8, 16, 32]
    assert [step["configured"] for step in steps] == [False, True, False, False, False, False]
    assert [step["requests_at_once"] for step in steps[:4]] == [4, 8, 16, 32]
    assert [step["objects_per_instance"] for step in steps[:2]] == [128, 112]
    assert steps[0]["requests_in_turn"] == steps[0]["requests"] / 4
    assert all(step["requests_at_once"] == step["instance_count"] * 4 for step in steps)


def test_more_instances_than_objects_are_not_offered_unless_configured():
    small = Measured({STANDARD: LaneSize(100, 13 * MB, 130_000)})
    one_job = asked(7, spread="instances")
    assert [step["instance_count"] for step in planned(small, one_job)["instances"]] == [1, 2, 4, 7, 8]
    few = planned(small, asked(30, spread="instances"))["instances"]
    assert [(step["instance_count"], step["requests_at_once"]) for step in few[-2:]] == [(16, 15), (30, 15)]


def test_no_more_instances_are_offered_than_jobs_are_worth_their_start_up():
    """2 GB are eight start-ups of 240 s at 1 MB/s."""
    steps = planned(TABLE, asked(2))["instances"]
    assert [(step["instance_count"], step["jobs"]) for step in steps] == [(1, 1), (2, 2), (4, 4), (8, 8)]
    (one,) = planned(Measured({STANDARD: LaneSize(100, 13 * MB, 130_000)}), ASKED)["instances"]
    assert (one["jobs"], one["requests_at_once"]) == (1, 15)
    asked_for_more = planned(TABLE, asked(64))["instances"][-1]
    assert (asked_for_more["instance_count"], asked_for_more["jobs"]) == (64, 8)


def test_instances_that_are_jobs_are_never_paid_for_waiting():
    jobs, one_job = (
        planned(TABLE, asked(8))["instances"][3],
        planned(TABLE, asked(8, spread="instances"))["instances"],
    )
    assert jobs["paid_seconds"] == jobs["busy_seconds"] == pytest.approx(8 * 240 + 2000, rel=0.01)
    assert jobs["elapsed_seconds"] == pytest.approx(240 + 250, rel=0.01)
    assert one_job[3]["busy_seconds"] == pytest.approx(8 * 240 + 2000, rel=0.01)
    assert one_job[3]["paid_seconds"] > 1.1 * one_job[3]["busy_seconds"]
    assert one_job[3]["elapsed_seconds"] == pytest.approx(one_job[3]["paid_seconds"] / 8, rel=1e-3)


def test_no_more_instances_are_told_to_be_at_work_than_jobs_may_run():
    steps = {step["instance_count"]: step for step in planned(TABLE, asked(8, max_parallel_jobs=2))["instances"]}
    assert steps[8]["requests_at_once"] == 2 * 100
    assert [steps[8][key] for key in ("jobs", "elapsed_seconds")] == [
        steps[2][key] for key in ("jobs", "elapsed_seconds")
    ]


def test_lanes_that_do_not_fit_side_by_side_come_one_after_the_other():
    """The oversize records are a job of their own; with one instance in all it begins when the other has ended."""
    one, two = planned(MIXED, asked(1))["instances"][0], planned(MIXED, asked(2))["instances"][1]
    assert (one["jobs"], two["jobs"]) == (2, 2)
    assert one["elapsed_seconds"] == one["paid_seconds"] == pytest.approx(two["paid_seconds"], rel=0.01)
    assert two["elapsed_seconds"] == pytest.approx(240 + 500, rel=0.01)


def test_concurrency_buys_requests_at_once_and_costs_payload():
    steps = planned(TABLE, ASKED)["concurrency"]
    beside = {step["max_concurrent_transforms"]: step["max_payload_mb"] for step in steps}
    assert beside == {1: 6, 2: 6, 4: 6, 8: 6, 16: 6, 32: 3, 64: 1, 100: 1}
    assert [step["max_concurrent_transforms"] for step in steps if step["planned"]] == [100]
    large = Measured({STANDARD: LaneSize(1_000, 2000 * MB, 5 * MB)})
    fits = {
        step["max_concurrent_transforms"]: step["largest_record_fits"] for step in planned(large, ASKED)["concurrency"]
    }
    assert (fits[16], fits[32]) == (True, False)


def test_a_pinned_payload_bounds_the_concurrency_that_is_offered():
    steps = planned(TABLE, asked(1, 8, "auto"))["concurrency"]
    assert [step["max_concurrent_transforms"] for step in steps] == [1, 2, 4, 8, 12]
    assert {step["max_payload_mb"] for step in steps} == {8}


def test_what_is_left_to_the_container_is_not_made_up():
    plan = planned(TABLE, asked(2, "model", "model"))
    (job,) = plan["jobs"]
    assert (job["max_payload_mb"], job["max_concurrent_transforms"], plan["concurrency"]) == (None, None, [])
    assert plan["instances"][0]["requests_at_once"] is None


def test_an_object_that_is_sent_whole_is_one_request_and_its_payload_is_its_own():
    """The service cannot split it: 45 MB in one object need a payload of 45 MB, beside which two fit."""
    all_rows = RecordSettings("csv", rows_per_object="all")
    whole = asked(split="None", record=all_rows, framing=Framing(whole=True))
    (job,) = planned(Measured({STANDARD: LaneSize(1_000, 45 * MB, 6 * MB)}), whole)["jobs"]
    assert (job["max_payload_mb"], job["max_concurrent_transforms"]) == (45, 2)
    assert (job["objects"], job["requests"]) == (1, 1)


def test_a_record_that_is_an_object_by_its_format_makes_a_request_each():
    pictures = asked(split="None", framing=Framing(newline=False, whole=True))
    (job,) = planned(Measured({STANDARD: LaneSize(40, 80 * MB, 5 * MB)}, newline=False), pictures)["jobs"]
    assert (job["objects"], job["requests"]) == (40, 40)


def test_a_table_that_is_measured_has_nothing_that_is_called_an_estimate():
    assert planned(MIXED, ASKED)["estimated"] == ""
    assert "estimated" not in "".join(plan_lines(planned(MIXED, ASKED)))


def test_a_table_without_rows_has_no_jobs():
    plan = planned(Measured({}), ASKED)
    assert (plan["rows_in"], plan["jobs"], plan["instances"], plan["concurrency"]) == (0, [], [], [])
    assert len(list(plan_lines(plan))) == 2


def test_the_lines_for_a_person_hold_the_plan_and_the_report_is_json():
    plan = planned(MIXED, asked(3, "auto", "auto"))
    text = "\n".join(plan_lines(plan))
    assert "1,005 rows, 590 MB of records, the largest 200,000,000 bytes" in text
    assert "2 rows are over the service's largest payload, 100 MB: dead letters" in text
    assert "1 partition with rows, too few for 890 MB of records and 4 cores: repartitioned into 14" in text
    assert "  3*" in text
    assert json.loads(json.dumps(plan)) == plan
    assert "model" in "\n".join(plan_lines(planned(TABLE, asked(2, "model", "model"))))
