"""Whose containers are looked at, and how what they wrote is shown."""

from __future__ import annotations

from batch_transform.core.run_views.container_words import jobs_to_read, lines_of_logs


def job(name, status, created="2024-05-01T00:00:00+00:00"):
    return {"name": name, "status": status, "created_at": created}


def names(*jobs):
    return [each["name"] for each in jobs_to_read(jobs)]


def test_those_that_failed_last_are_looked_at_first_of_all():
    failed = [job(f"f{number}", "Failed") for number in range(7)]
    assert names(*failed, job("c", "Completed")) == ["f2", "f3", "f4", "f5", "f6"]


def test_where_none_failed_it_is_the_latest_that_was_created():
    assert names(job("a", "Completed"), job("b", "InProgress"), job("c", None, created=None)) == ["b"]
    assert names() == []


def test_what_is_shown_of_a_stream_that_cannot_be_read_says_why():
    written = {"job": "j", "status": None, "failure_reason": None, "streams": [], "trouble": "no\npermission"}
    found = {"run_id": "r", "group": "/g", "jobs": [written]}
    assert lines_of_logs(found) == ["j (in flight)", "  no\\npermission"]
    assert lines_of_logs({**found, "jobs": []}) == ["r: no job was created yet"]
