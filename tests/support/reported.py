"""A published run as its ledger tells it, for tests of the report and of its page."""

from __future__ import annotations

from typing import Any

from batch_transform.core.ledger import Part, Step
from batch_transform.core.run_state import RunState
from batch_transform.core.state.fold import fold
from support.core_tables import step

FILE = {"path": "f", "rows": 4, "first": 0, "last": 3, "json_bytes": 40, "largest": 10}
REQUEST = {"MaxPayloadInMB": 6, "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 2}}


EXAMPLE = {"job": "j1", "object": "s3-1-0f.jsonl", "line": 0, "message": "the model answered <400>"}
TIMES: dict[str, Any] = {
    "created_at": "2024-05-01T10:20:31+00:00",
    "started_at": "2024-05-01T10:24:00+00:00",
    "ended_at": "2024-05-01T10:25:30+00:00",
}
ERRORS = [{"class": "rejected by the model", "spans": 1, "rows": 1, "examples": [EXAMPLE]}]
ROUND = {"scored_rows": 3, "dead_rows": 1, "probe": False, "stop": [], "failed": ERRORS}


def reported_steps(
    run_id: str = "run", model: str = "churn", output: Any = None, job: str = "j1", **config: Any
) -> list[Step]:
    """The ledger of a run of one job, in which one of four rows failed."""
    config = {"model": {"name": model}, "output": output, **config}
    planned = {"name": job, "request": REQUEST, "round": 1, "lane": "standard", "busy_share": 0.75}
    return [
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


def reported_state(length: int | None = None, **names: Any) -> RunState:
    """The run after so many of its steps."""
    found = fold(reported_steps(**names)[:length])
    assert found is not None
    return found
