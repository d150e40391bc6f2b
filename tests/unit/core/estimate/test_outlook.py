"""Time and money are told as a range: as wide as what is known of the model's speed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from batch_transform.core.estimate.earlier_jobs import (
    EMULATED_START_SECONDS,
    GIVEN,
    GUESSED,
    MEASURED,
    NOTHING_KEPT,
    UNREADABLE,
    SpeedTold,
    TimedJob,
    speed_told,
    timed_jobs,
)
from batch_transform.core.estimate.outlook import outlook
from batch_transform.core.estimate.plan_text import money_lines
from batch_transform.core.publishing.report import run_report
from batch_transform.core.run_settings import TransformSettings
from batch_transform.core.sending.spreading import REQUEST_BYTES, Speed
from batch_transform.core.statuses import RunStatus
from support.reported import reported_state

MB = 1_000_000
UNSAID = TransformSettings(instance_count=4)
# 3.6 GB in a hundred objects.
LANES = [(3_600 * MB, 100)]


def jobs_of(start, mb_per_second, *sizes):
    """Jobs as an instance takes them that starts in so many seconds and works through so many MB in each."""
    return [TimedJob(size * MB, start + size / mb_per_second) for size in sizes]


@given(st.floats(0.5, 400), st.floats(0.01, 100), st.lists(st.floats(1, 1_000), min_size=2, max_size=8))
def test_jobs_of_unlike_sizes_tell_start_and_speed(start, mb_per_second, sizes):
    sizes = [*sizes, 3 * max(sizes)]
    assume(sizes[-1] / mb_per_second > 0.1 * start)
    told = speed_told(jobs_of(start, mb_per_second, *sizes), 2, UNSAID)
    assert told.how == MEASURED
    assert told.speed.start_seconds == pytest.approx(start, rel=0.05, abs=0.1)
    assert told.speed.mb_per_second == pytest.approx(mb_per_second, rel=0.05)


def test_work_that_is_lost_in_the_start_is_taken_as_little_of_it():
    told = speed_told([TimedJob(1 * MB, 182.0), TimedJob(10 * MB, 182.0)], 2, UNSAID)
    assert told.how == MEASURED
    assert told.speed.start_seconds == pytest.approx(182, rel=0.02)
    assert 10 / told.speed.mb_per_second == pytest.approx(1.82, rel=0.02)


def test_jobs_are_spread_as_the_run_file_says_whatever_was_measured():
    lanes, fast = [(2_000 * MB, 100)], SpeedTold(Speed(10, 0.1), MEASURED, "")
    found = outlook(lanes, UNSAID, fast, None)
    assert found["instance_hours"][0] * 3_600 == pytest.approx(4 * 10 / 1.1 + 20_000 / 1.25, rel=0.01)
    assert "measured was transform.instance_mb_per_second=0.1" in found["advice"][0]


def test_one_job_tells_the_speed_where_it_took_much_longer_than_a_start():
    assert speed_told(jobs_of(240, 2.0, 2_000), 1, UNSAID).speed == Speed(240.0, 2.0)
    assert speed_told(jobs_of(240, 2.0, 100), 1, UNSAID).how == GUESSED


def test_small_jobs_that_seem_to_start_before_they_began_are_all_work():
    told = speed_told([TimedJob(1 * MB, 0.1), TimedJob(10 * MB, 2.0)], 1, UNSAID)
    assert (told.how, told.speed.start_seconds) == (MEASURED, 0.0)
    assert told.speed.mb_per_second == pytest.approx(11 / 2.1, rel=0.01)


def test_what_the_run_file_says_holds_whatever_was_measured():
    told = speed_told(jobs_of(10, 50, 10, 100), 1, replace(UNSAID, instance_mb_per_second=3.0))
    assert (told.how, told.speed.mb_per_second) == (GIVEN, 3.0)


def test_without_a_run_of_the_model_it_is_our_guess_and_how_to_measure_it_is_said():
    told = speed_told([], 0, UNSAID)
    assert (told.how, told.speed) == (GUESSED, Speed())
    assert "--limit" in told.source


@pytest.mark.parametrize("why", [NOTHING_KEPT, UNREADABLE])
def test_runs_that_nobody_can_look_at_are_not_told_as_none(why):
    told = speed_told([], 0, UNSAID, unknown=why)
    *_, last = money_lines(outlook(LANES, UNSAID, told, 0.23), ["ml.m5.xlarge"], None)
    assert f"(a guess: {why}" in last
    assert "recorded" not in last
    *_, without_price = money_lines(outlook(LANES, UNSAID, told, None), ["ml.m5.xlarge"], None)
    assert why in without_price


def test_where_no_job_tells_the_speed_it_is_not_said_that_there_was_no_run():
    """Of runs whose jobs have all failed, or ran on another type, the line above has just told the rounds."""
    assert speed_told([], 0, UNSAID).source.startswith("no completed job of this model on such an instance is recorded")


def test_what_is_measured_or_given_is_not_told_as_a_guess():
    for how in (GIVEN, MEASURED):
        found = outlook(LANES, UNSAID, SpeedTold(Speed(240, 1.0), how, "as X says"), 0.23)
        assert "guessed" not in " ".join(money_lines(found, ["ml.m5.xlarge"], None))


def test_only_jobs_that_completed_with_this_model_on_these_instances_are_counted():
    state = reported_state()
    (job,) = state.jobs
    types = [job.request["TransformResources"]["InstanceType"]]

    def timed(model="churn", kinds=types, **changes):
        report = run_report(state, RunStatus.PUBLISHED, "s3://b/run")
        report["jobs"] = [{**report["jobs"][0], "status": "Completed", "bytes": 8 * MB, **changes}]
        return timed_jobs(report, model, kinds)

    assert timed() == [TimedJob((8 * MB + REQUEST_BYTES) / 2, 90.0)]
    assert timed(model="other") == timed(kinds=["ml.c5.xlarge"]) == timed(status="Failed") == timed(bytes=None) == []


def test_the_range_is_the_wider_the_less_is_known():
    widths = {}
    for how in (GUESSED, GIVEN, MEASURED):
        found = outlook(LANES, UNSAID, SpeedTold(Speed(240, 1.0), how, ""), 0.23)
        (least, most), cost = found["instance_hours"], found["cost_usd"]
        assert least <= (4 * 240 + 3_600) / 3_600 <= most
        assert cost == pytest.approx([0.23 * least, 0.23 * most], rel=0.01)
        widths[how] = most / least
    assert widths[GUESSED] > widths[MEASURED] >= widths[GIVEN]


def test_where_no_price_is_known_none_is_made_up_and_what_to_set_is_said():
    found = outlook(LANES, UNSAID, speed_told([], 0, UNSAID), None)
    assert found["cost_usd"] is None
    *_, last = money_lines(found, ["ml.m7i.large"], "eu-west-1")
    assert "price unknown: set transform.price_per_hour" in last
    assert "ml.m7i.large in eu-west-1" in last


@pytest.mark.parametrize(
    ("lanes", "settings", "advice"),
    [
        ([(MB, 1)], {"spread": "instances"}, "1 object on 4 instances: 3 of them are paid for nothing"),
        ([(MB, 1)], {}, "the work is worth 1 start-up"),
        (LANES, {}, None),
        (LANES, {"spread": "instances"}, None),
        (LANES, {"max_parallel_jobs": 2}, "max_parallel_jobs is 2: no more of the 4 instances work side by side"),
        ([(MB, 1)], {"instance_count": 1}, None),
        ([], {}, None),
    ],
)
def test_money_that_would_idle_is_advised_against(lanes, settings, advice):
    transform = replace(UNSAID, **settings)
    found = outlook(lanes, transform, speed_told([], 0, transform), 0.23)["advice"]
    assert [advice in line for line in found] == ([] if advice is None else [True])


def test_the_last_line_has_time_hours_and_money():
    found = outlook(LANES, UNSAID, SpeedTold(Speed(240, 1.0), MEASURED, ""), 0.23)
    assert [*money_lines(found, ["ml.m5.xlarge"], None)] == [
        "16 min to 23 min of jobs, 1.04 to 1.54 instance-hours, $0.24 to $0.36 at AWS's $0.23 an hour"
    ]
    (line,) = money_lines(found, ["ml.m5.xlarge"], "us-east-1")
    assert ", $0.24 to $0.36 at" in line


def test_an_emulated_instance_is_not_guessed_to_take_the_service_s_minutes_to_start():
    assert speed_told((), 0, UNSAID).speed.start_seconds == 240
    assert speed_told((), 0, UNSAID, is_emulated=True).speed.start_seconds == EMULATED_START_SECONDS
    said = replace(UNSAID, instance_start_seconds=60.0)
    assert speed_told((), 0, said, is_emulated=True).speed.start_seconds == 60
    measured = speed_told(jobs_of(10, 50, 10, 100), 1, UNSAID, is_emulated=True)
    assert (measured.how, round(measured.speed.start_seconds)) == (MEASURED, 10)
