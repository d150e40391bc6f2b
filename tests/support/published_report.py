"""The report of a run that was published."""

from __future__ import annotations

from batch_transform.core.report_keys import RunReport

PUBLISHED: RunReport = {
    "run_id": "flights",
    "status": "published",
    "model": "m",
    "rows_in": 1_234,
    "rows_scored": 1_230,
    "rows_dead_letter": 4,
    "rounds": 2,
    "errors": [],
    "advice": [],
    "jobs": [],
    "output": "out/flights",
    "dead_letter": "out/flights_dead_letter",
    "instance_seconds": {"busy": 1.0, "paid": 2.0},
    "cost_usd": 0.25,
    "seconds_by_step": {},
    "workspace": "s3://w/r",
    "report": "/home/me/a report.html",
    "seconds": 64.0,
}
