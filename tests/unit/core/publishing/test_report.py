"""The report, as JSON and as a page."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.ledger import Part, Step
from batch_transform.core.publishing.html_report import render
from batch_transform.core.publishing.report import already_published, run_report
from batch_transform.core.state.fold import fold
from batch_transform.core.statuses import RunStatus
from support.core_tables import step

FILE = {"path": "f", "rows": 4, "first": 0, "last": 3, "json_bytes": 40, "largest": 10}
REQUEST = {"MaxPayloadInMB": 6, "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 2}}


EXAMPLE = {"job": "j1", "object": "s3-1-0f.jsonl", "line": 0, "message": "the model answered <400>"}
TIMES = {
    "created_at": "2024-05-01T10:20:31+00:00",
    "started_at": "2024-05-01T10:24:00+00:00",
    "ended_at": "2024-05-01T10:25:30+00:00",
}
ERRORS = [{"class": "rejected by the model", "spans": 1, "rows": 1, "examples": [EXAMPLE]}]
ROUND = {"scored_rows": 3, "dead_rows": 1, "probe": False, "stop": [], "failed": ERRORS}


def state(length=None, run_id="run", model="churn", output=None, job="j1"):
    config = {"model": {"name": model}, "output": output}
    planned = {"name": job, "request": REQUEST, "round": 1, "lane": "standard", "busy_share": 0.75}
    steps = [
        step("opened", run_id=run_id, nonce="n", config=config, at="2024-05-01T10:20:30.123456+00:00"),
        step("staged", files=[FILE], schema="{}", seconds=10.0),
        step("exported", parts=1, seconds=20.0),
        step("planned", parts=2, jobs=[planned], probe=False),
        step("job_created", job=job),
        step("job_ended", job=job, status="Failed", failure_reason="why", seconds=70.0, **TIMES),
        step("job_judged", parts=1, job=job, witness_scored=False),
        Step(0, "w", 1, "", "reconciled", 1, ROUND, (Part("leaves", 2, "d"), Part("open", 0, "d"))),
        step("gated", parts=1, rows_scored=3, rows_dead_letter=1, errors=ERRORS, advice=["look"]),
        step("publication", parts=1),
        step("published", output="s3://b/out", dead_letter="s3://b/out_dead_letter"),
    ]
    return fold(steps[:length])


def test_a_published_run_that_is_started_again_is_told_where_it_lies():
    report = run_report(state(), RunStatus.PUBLISHED, "s3://b/run")
    assert already_published(report) == "already published at s3://b/out, nothing done"
    assert already_published({**report, "output": None}) == "already published at s3://b/run, nothing done"


def test_the_whole_report():
    assert run_report(state(), RunStatus.PUBLISHED, "s3://b/run", "s3://b/run/report.html") == {
        "run_id": "run",
        "status": "published",
        "rows_in": 4,
        "rows_scored": 3,
        "rows_dead_letter": 1,
        "rounds": 1,
        "errors": ERRORS,
        "advice": ["look"],
        "jobs": [
            {
                "name": "j1",
                "round": 1,
                "lane": "standard",
                "objects": 1,
                "status": "Failed",
                "failure_reason": "why",
                "max_payload_mb": 6,
                "max_concurrent_transforms": None,
                "instance_type": "ml.m5.large",
                "instance_count": 2,
                **TIMES,
                "instance_seconds": {"paid": 180.0, "busy": 135.0},
            }
        ],
        "output": "s3://b/out",
        "dead_letter": "s3://b/out_dead_letter",
        "instance_seconds": {"paid": 180.0, "busy": 135.0},
        "seconds_by_step": {"staged": 10.0, "exported": 20.0, "job_ended": 70.0},
        "workspace": "s3://b/run",
        "report": "s3://b/run/report.html",
    }


@pytest.mark.parametrize("length", range(1, 11))
def test_a_run_can_be_reported_wherever_it_stands_with_the_same_keys(length):
    report = run_report(state(length), RunStatus.FAILED, "s3://b/run")
    assert set(json.loads(json.dumps(report))) == set(run_report(state(), RunStatus.PUBLISHED, ""))
    assert render(report, state(length)).endswith("</html>")


def test_what_is_not_known_yet_is_null_and_not_zero():
    report = run_report(state(1), RunStatus.FAILED, "w")
    unknown = ("rows_in", "rows_scored", "rows_dead_letter", "output", "dead_letter", "report")
    assert [report[key] for key in unknown] == [None] * 6
    assert (report["rounds"], report["jobs"]) == (0, [])


def page(**names):
    made = state(**names)
    return render(run_report(made, RunStatus.PUBLISHED, "w"), made)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)


def parsed(text):
    parser = Tags()
    parser.feed(text)
    return parser


@pytest.mark.parametrize("place", ["run_id", "model", "job", "output"])
@given(text=st.sampled_from(["<script>x</script>", "<img src=x onerror=y>", "a&lt;b", "\"'><b>", "</title><b>"]))
def test_markup_in_a_name_is_text(place, text):
    value = {"path": text} if place == "output" else text
    hostile, plain = parsed(page(**{place: value})), parsed(page())
    assert hostile.tags == plain.tags
    assert text in "".join(hostile.text)


def test_nothing_comes_from_another_host():
    text = page(output={"table": "c.s.t"})
    assert not re.search(r"https?:|//|@import|url\(|<script|<link|<img|<iframe", text)
    assert {name for name, _ in parsed(text).attributes} <= {"lang", "charset", "class", "style"}


def test_the_numbers_stand_on_the_page():
    text = page()
    for label, value in (("rows in", 4), ("scored", 3), ("dead letters", 1), ("rounds", 1)):
        assert f"<b>{value}</b><span>{label}</span>" in text
    assert "begun 2024-05-01T10:20:30 UTC" in text


def test_what_is_not_known_yet_is_a_dash():
    made = state(1)
    assert "<b>-</b><span>rows in</span>" in render(run_report(made, RunStatus.FAILED, "w"), made)


def test_each_bar_begins_where_the_one_before_ended():
    bars = re.findall(r"margin-left:([\d.]+)%;width:([\d.]+)%", page())
    assert bars[:5] == [("0.00", "10.00"), ("10.00", "20.00"), *[("30.00", "0.00")] * 2, ("30.00", "70.00")]
    assert bars[5] == ("100.00", "0.00")


def test_a_job_in_flight_and_a_setting_of_the_container_are_named():
    made = state(5)
    text = render(run_report(made, RunStatus.INTERRUPTED, "w"), made)
    assert "<td>in flight<td class=n>6<td class=n>model" in text
    assert "<td>Failed<td class=n>6" in page()


def test_a_run_without_rows_says_so():
    made = state(3)
    assert "<p>No job: there was no row to score.</p>" in render(run_report(made, RunStatus.PUBLISHED, "w"), made)


@pytest.mark.parametrize(
    ("output", "words"), [({"path": "p", "table": None}, "p"), ({"table": "t"}, "t"), (None, "the workspace")]
)
def test_the_target_is_named(output, words):
    assert f"churn &rarr; {words}, begun" in page(output=output)


def test_foreign_text_is_escaped_in_the_page():
    made = state()
    report = run_report(made, RunStatus.PUBLISHED, "w")
    report["advice"] = ["no\x1b[31m \u202e\x85 <b>"]
    text = render(report, made)
    assert r"<p>no\x1b[31m \u202e\x85 &lt;b&gt;</p>" in text
    assert text.replace("\n", "").isprintable()
