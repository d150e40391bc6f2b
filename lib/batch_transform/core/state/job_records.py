"""Jobs as steps of the ledger tell them, those of older versions included. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypedDict

from batch_transform.core.ledger import JsonObject, Part
from batch_transform.core.run_state import JobRecord
from batch_transform.core.service_shapes import TransformJobRequest


class _Planned(TypedDict):
    name: str
    round: int
    lane: str
    request: TransformJobRequest


class PlannedJob(_Planned, total=False):
    """One of the jobs of a step `planned`; what one of an earlier version does not say has its default."""

    controls: list[str]
    control_etags: list[str]
    is_helped: bool
    witness: str | None
    busy_share: float
    price_per_hour: float | None
    bytes: int


def planned_jobs(jobs: Sequence[PlannedJob], parts: Sequence[Part], plan: int) -> tuple[JobRecord, ...]:
    """Returns the jobs of a step `planned`, by its number; the parts of their spans come first."""
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
            busy_share=job.get("busy_share"),
            plan=plan,
            price_per_hour=job.get("price_per_hour"),
            bytes=job.get("bytes"),
        )
        for job, part in zip(jobs, parts, strict=False)
    )


def _controls(job: PlannedJob) -> tuple[str, ...]:
    # Before there were controls, a job had one of them at most, the witness.
    witness = job.get("witness")
    return tuple(job.get("controls", [witness] if witness else []))


def judged(job: JobRecord, payload: JsonObject, verdicts: Part) -> JobRecord:
    """Returns the job of a step `job_judged`; a ledger of before does not tell why a witness failed."""
    return replace(
        job,
        verdicts=verdicts,
        controls_passed=payload.get("controls_passed", int(payload.get("witness_scored", False))),
        controls_failed=payload.get("controls_failed", 0),
        instances=payload.get("instances"),
        data_logs=payload.get("data_logs"),
        objects_scored=payload.get("objects_scored", 0),
        objects_failed=payload.get("objects_failed", 0),
    )
