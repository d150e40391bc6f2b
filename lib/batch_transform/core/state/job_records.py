"""Jobs as steps of the ledger tell them, those of older versions included. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batch_transform.core.ledger import Part
from batch_transform.core.run_state import JobRecord


def planned_jobs(jobs: Sequence[Mapping[str, Any]], parts: Sequence[Part]) -> tuple[JobRecord, ...]:
    """Returns the jobs of a step `planned`; the parts of their spans come first."""
    return tuple(
        JobRecord(
            job["name"],
            job["request"],
            job["round"],
            job["lane"],
            part,
            controls=_controls(job),
            control_etags=tuple(job.get("control_etags", ())),
            is_helped=job.get("is_helped", False),
        )
        for job, part in zip(jobs, parts, strict=False)
    )


def _controls(job: Mapping[str, Any]) -> tuple[str, ...]:
    # Before there were controls, a job had one of them at most, the witness.
    witness = job.get("witness")
    return tuple(job.get("controls", [witness] if witness else []))


def judged_fields(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a step `job_judged` tells of its job; a ledger of before does not tell why a witness failed."""
    return {
        "controls_passed": payload.get("controls_passed", int(payload.get("witness_scored", False))),
        "controls_failed": payload.get("controls_failed", 0),
        "instances": payload.get("instances"),
        "data_logs": payload.get("data_logs"),
    }
