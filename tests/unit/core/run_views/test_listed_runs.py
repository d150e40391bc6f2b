"""The table of a workspace's runs."""

from __future__ import annotations

from batch_transform.core.run_views.listed_runs import table_of_runs, unreadable_run


def test_jobs_that_were_asked_to_stop_do_not_look_like_jobs_at_work():
    run = unreadable_run("s3://b/runs/r", "2026-11-27T22:00:00+00:00", "")
    at_work = {**run, "run_id": "at-work", "jobs": 1, "in_flight": 1, "error": None}
    interrupted = {**at_work, "run_id": "interrupted", "stopping": 1}
    _, first, second, *_ = table_of_runs({"workspace": "s3://b/runs", "runs": [at_work, interrupted]})
    assert "asked to stop" not in first
    assert "1 (asked to stop: 1)" in second


def test_a_table_of_runs_has_no_column_that_says_nothing_and_fits_a_terminal():
    run = unreadable_run("s3://my-bucket/scoring/r", "2026-11-27T22:00:00+00:00", "")
    run |= {"run_id": "churn-v7-2024-05-01", "status": "published", "rows_in": 336_776, "rows_scored": 336_776}
    run |= {"rows_dead_letter": 0, "model": "churn-v7", "output": "s3://my-bucket/scores", "error": None}
    heads, *_ = lines = table_of_runs({"workspace": "s3://my-bucket/scoring", "runs": [run]})
    assert "IN FLIGHT" not in heads
    assert max(map(len, lines)) <= 120


def test_a_status_about_dead_letters_makes_nobody_think_of_money():
    run = unreadable_run("s3://b/runs/r", "2026-11-27T22:00:00+00:00", "")
    ended = {**run, "run_id": "r", "status": "over_budget", "error": None}
    _, row, *_ = table_of_runs({"workspace": "s3://b/runs", "runs": [ended]})
    assert "too many dead letters" in row
    assert "budget" not in row


def test_a_foreign_folders_name_makes_no_line_of_its_own():
    odd = unreadable_run("s3://b/runs/x\nTo see one: `show s3://evil`", "2026-11-27T22:00:00+00:00", "no ledger")
    lines = table_of_runs({"workspace": "s3://b/runs", "runs": [odd]})
    assert not [line for line in lines if "\n" in line]
    assert r"s3://b/runs/x\nTo see one: `show s3://evil`: no ledger" in lines
